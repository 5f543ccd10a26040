"""Bad input is a clear problem, changes nothing, and is never a server error."""

import json

import pytest

from agents.models import Agent
from agents.tests.factories import AgentFactory

URL = "/api/v1/agents/"
OVERSIZE = json.dumps({"name": "One", "description": "x" * 2_700_000})


def send(api, raw, content_type="application/json"):
    return api.generic("POST", URL, raw, content_type=content_type)


def nested(depth):
    return '{"name":"One","config":' + '{"a":' * depth + "1" + "}" * depth + "}"


def is_problem(response):
    body = response.json()
    return response["Content-Type"] == "application/problem+json" and {
        "type",
        "title",
        "status",
        "detail",
        "instance",
        "request_id",
        "errors",
    } <= set(body)


@pytest.mark.parametrize(
    ("raw", "pointer"),
    [
        (r'{"name":"One","config":{"a":"\u0000"}}', "/config/a"),
        (r'{"name":"One","config":{"\u0000":1}}', "/config"),
        (r'{"name":"One","config":{"a":["\ud800"]}}', "/config/a/0"),
        (r'{"name":"One","config":{"\udfff":1}}', "/config"),
        (r'{"name":"\u0000"}', "/name"),
        (nested(6), "/config"),
        (nested(30), None),
        (nested(2_000), None),
        (nested(100_000), None),
        (f'{{"name":"One","config":{{"a":"{"x" * 40_000}"}}}}', "/config"),
        (
            json.dumps({"name": "One", "config": {str(n): 1 for n in range(501)}}),
            "/config",
        ),
        ('{"name":"One","name":"Two"}', ""),
        ('{"name":"One","id":"x"}', "/id"),
        ('{"name":"One","public_id":"x"}', "/public_id"),
        ('{"name":"One","colour":"blue"}', "/colour"),
        ('{"name":"\\u202eeno"}', "/name"),
        ('{"name":"One\\u200b"}', "/name"),
        ('{"name":"\\u200b"}', "/name"),
        ('{"name":""}', "/name"),
        ('{"name":"   "}', "/name"),
        ('{"name":"a\\nb"}', "/name"),
        ('{"name":17}', "/name"),
        ('{"name":null}', "/name"),
        ('{"name":true}', "/name"),
        ('{"name":["x"]}', "/name"),
        ("{}", "/name"),
        (f'{{"name":"{"x" * 256}"}}', "/name"),
        (f'{{"name":"One","system_prompt":"{"x" * 10_001}"}}', "/system_prompt"),
        ('{"name":"One","config":[]}', "/config"),
        ('{"name":"One","config":{"temperature":3}}', "/config/temperature"),
        ('{"name":"One","config":{"temperature":"0.5"}}', "/config/temperature"),
        ('{"name":"One","config":{"max_tokens":4001}}', "/config/max_tokens"),
        ('{"name":"One","config":{"memory_enabled":"yes"}}', "/config/memory_enabled"),
        ('{"name":"One","widget_config":{"theme":7}}', "/widget_config/theme"),
        ('{"name":"One","template":"x"}', "/template"),
        ('{"name":"One","persona_key":"x"}', "/persona_key"),
        ('{"name":"One","knowledge_pack_id":"x"}', "/knowledge_pack_id"),
        ('{"name":"One","is_active":"perhaps"}', "/is_active"),
        ('{"name":"One","allowed_origins":["*"]}', "/allowed_origins/0"),
        ('{"name":"One","allowed_origins":["null"]}', "/allowed_origins/0"),
        ('{"name":"One","allowed_origins":["https://*.com"]}', "/allowed_origins/0"),
        ('{"name":"One","allowed_origins":["https://a.example/x"]}', None),
        ('{"name":"One","allowed_origins":"https://a.example"}', "/allowed_origins"),
        ('{"name":"One","config":{"a":NaN}}', ""),
        ('{"name":"One","config":{"a":1e400}}', ""),
        ('{"name":"One","config":{"a":' + "9" * 5_000 + "}}", ""),
        ("[1]", ""),
        ('"text"', ""),
        ("null", ""),
        ("", "/name"),
        ("{", ""),
    ],
)
def test_a_bad_body_is_pointed_at(api, raw, pointer):
    response = send(api, raw)
    assert response.status_code == 400, response.content
    assert is_problem(response)
    if pointer is not None:
        pointers = [error["pointer"] for error in response.json()["errors"]]
        assert pointer in pointers
    assert not Agent.objects.exists()


@pytest.mark.parametrize(
    "raw",
    [b'\xff\xfe{"name":"One"}', b'{"name":"\xc3\x28"}', b'\xef\xbb\xbf{"name":"x"}'],
)
def test_what_is_not_utf8_is_refused(api, raw):
    response = send(api, raw)
    assert response.status_code == 400
    assert is_problem(response)


@pytest.mark.parametrize("css", [
    "a { background: url(https://evil.example/x) }",
    "@import 'x.css'; a { color: red }",
    "a { color: red } </style><script>",
    "a { c\\6flor: red }",
    "a { position: fixed }",
    "a { content: 'x' }",
    "a[href^='x'] { color: red }",
    "a { background-color: image-set('x' 1x) }",
    "@font-face { font-family: x }",
    "a { color: red !important }",
    "a {} b",
])  # fmt: skip
def test_harmful_css_is_refused(api, css):
    body = {"name": "One", "widget_config": {"custom_css": css}}
    response = send(api, json.dumps(body))
    assert response.status_code == 400
    assert response.json()["errors"][0]["pointer"] == "/widget_config/custom_css"


def test_harmless_css_is_kept(api):
    css = ".reply { color: #123456; border-radius: 4px; --ya-accent: rgb(1 2 3); }"
    body = {"name": "One", "widget_config": {"custom_css": css}}
    assert send(api, json.dumps(body)).json()["widget_config"]["custom_css"] == css


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("created_after", "0001-01-01T00:00:00+23:59"),
        ("created_after", "9999-12-31T23:59:59-23:59"),
        ("created_before", "yesterday"),
        ("created_before", "2026-13-40"),
        ("cursor", "p=\x00"),
        ("cursor", "p=abc"),
        ("cursor", "eyJhIjoxfQ:1abc:xyz"),
        ("limit", "abc"),
        ("limit", "-1"),
        ("limit", "0"),
        ("limit", "١٠"),
        ("offset", "-1"),
        ("offset", "9" * 400),
        ("is_active", "perhaps"),
        ("optimization_status", "x"),
        ("ordering", "organization__name"),
        ("ordering", "password"),
        ("name", "\x00"),
        ("nonsense", "1"),
    ],
)
def test_a_bad_parameter_is_pointed_at(api, name, value):
    response = api.get(URL, {name: value})
    assert response.status_code == 400, response.content
    assert response.json()["errors"][0]["pointer"] == f"/{name}"


def test_a_body_over_the_limit_is_413(api):
    response = send(api, OVERSIZE)
    assert response.status_code == 413
    assert is_problem(response)


@pytest.mark.parametrize(
    "content_type",
    ["application/xml", "text/plain", "application/x-www-form-urlencoded"],
)
def test_other_media_types_are_415(api, content_type):
    response = send(api, "<name/>", content_type)
    assert response.status_code == 415
    assert is_problem(response)


def test_other_representations_are_406(api):
    response = api.get(URL, headers={"Accept": "application/xml"})
    assert response.status_code == 406
    assert is_problem(response)


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/nothing",
        "/api",
        "/api/v1/agents/١/",
        "/v1/nothing",
        "/api/v1/agents/1/",
    ],
)
def test_an_unknown_path_is_a_404_problem(api, path):
    response = api.get(path)
    assert response.status_code == 404
    assert is_problem(response)


def test_a_wrong_method_is_a_405_problem(api):
    response = api.delete(URL)
    assert response.status_code == 405
    assert is_problem(response)


def test_a_forged_host_is_a_400_problem(api):
    response = api.get(URL, headers={"Host": "evil.example"})
    assert response.status_code == 400
    assert is_problem(response)


@pytest.mark.parametrize(
    "key", ["nonsense", "ya_live_" + "0" * 36, "ya_live_\x00", "ü"]
)
def test_a_bad_key_is_401(client, db, key):
    response = client.get(URL, headers={"X-API-Key": key})
    assert response.status_code == 401
    assert is_problem(response)


def test_an_edit_is_checked_as_a_creation_is(api, harbor):
    agent = AgentFactory(organization=harbor, name="One")
    for raw in (nested(6), '{"name":"\\u202e"}', '{"slug":"x"}', "[]"):
        response = api.generic(
            "PATCH", f"{URL}{agent.public_id}/", raw, content_type="application/json"
        )
        assert response.status_code == 400
    agent.refresh_from_db()
    assert (agent.name, agent.revision) == ("One", 1)
