"""Webhooks over REST: what may be written, by whom, and what the log says."""

from uuid import uuid4

import pytest
from rest_framework.test import APIClient

from accounts.models import AuditLog, Membership, Role, WebhookDelivery, WebhookEndpoint
from accounts.tests.factories import MembershipFactory, make_webhook
from accounts.tests.webhooks.receivers import receiving
from accounts.webhooks import delivery as webhooks
from accounts.webhooks import endpoints
from conftest import client_with_key

URL = "/api/v1/webhooks/"
BODY = {"url": "https://example.com/hook", "events": ["agent.created"]}
SECRET = "whsec_"


@pytest.fixture(autouse=True)
def _speak_json(monkeypatch):
    monkeypatch.setattr(APIClient, "default_format", "json")


@pytest.fixture
def endpoint(ada):
    return make_webhook(ada, "https://example.com/hook")[0]


@pytest.fixture
def delivery(ada, endpoint):
    return endpoints.send_test_event(endpoint=endpoint, actor=ada.user)


def path(endpoint, *parts) -> str:
    return URL + "/".join([str(endpoint.pk), *map(str, parts), ""])


def test_the_secret_is_shown_in_the_first_answer_only(api):
    made = api.post(URL, BODY)
    assert made.status_code == 201
    assert made.json()["secret"].startswith(SECRET)
    again = api.get(f"{URL}{made.json()['id']}/")
    assert SECRET not in again.content.decode() + api.get(URL).content.decode()


def test_a_repeated_key_returns_the_first_webhook_without_its_secret(api):
    body = BODY | {"idempotency_key": "k1"}
    first, second = api.post(URL, body), api.post(URL, body)
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json()["id"] == first.json()["id"]
    assert second["Idempotency-Replayed"] == "true"
    assert "secret" not in second.json()
    other = api.post(URL, body | {"url": "https://other.example/"})
    assert other.status_code == 422
    assert WebhookEndpoint.objects.count() == 1


@pytest.mark.parametrize(
    "url",
    """
    http://example.com/ ftp://example.com/ example.com javascript:alert(1) https://
    https://user:pw@example.com/ https://127.0.0.1/ https://2130706433/
    https://0x7f.1/ https://[::1]/ https://[::ffff:10.0.0.1]/ https://localhost/
    https://api.localhost./ https://10.0.0.1:8443/x https://169.254.169.254/latest
    https://[64:ff9b::7f00:1]/ https://exa_mple..com/ https://-x.example/
    https://example.com:99999/ https://example.com:x/ https://[::1 https://a%20b/
    """.split(),
)
def test_a_url_that_cannot_be_served_is_refused_at_its_field(api, url):
    response = api.post(URL, BODY | {"url": url})
    assert response.status_code == 400
    assert response.json()["errors"][0]["pointer"] == "/url"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://EXAMPLE.com", "https://example.com/"),
        ("https://bücher.example/ä?q=ö#part", "https://xn--bcher-kva.example/%C3%A4?q=%C3%B6"),
        ("https://example.com:8443//x", "https://example.com:8443//x"),
        ("https://[2606:4700::1111]/", "https://[2606:4700::1111]/"),
    ],
)  # fmt: skip
def test_a_url_is_kept_as_it_is_sent(api, given, kept):
    assert api.post(URL, BODY | {"url": given}).json()["url"] == kept


@pytest.mark.parametrize(
    "wrong",
    [
        {"events": []},
        {"events": ["agent.exploded"]},
        {"events": "agent.created"},
        {"url": 5},
        {"url": "https://example.com/a b"},
        {"url": "https://example.com/" + "a" * 2048},
        {"description": "x" * 201},
        {"is_active": "perhaps"},
        {"secret": "mine"},
    ],
)
def test_bad_input_is_a_400_with_its_pointer(api, wrong):
    response = api.post(URL, BODY | wrong)
    assert response.status_code == 400
    pointer = response.json()["errors"][0]["pointer"]
    assert pointer.startswith("/" + next(iter(wrong)))
    assert not WebhookEndpoint.objects.exists()


def test_a_webhook_is_changed_paused_and_deleted(api, endpoint):
    change = {"events": ["agent.deleted"], "is_active": False, "description": "Till"}
    shown = api.patch(path(endpoint), change).json()
    assert {name: shown[name] for name in change} == change
    assert api.delete(path(endpoint)).status_code == 204
    assert api.get(path(endpoint)).status_code == 404
    gone = WebhookEndpoint.all_objects.get()
    assert gone.encrypted_secret == ""


def test_a_rotated_secret_is_shown_once_and_the_former_lives_on_for_a_while(
    api, endpoint
):
    old = endpoint.secrets
    new = api.post(path(endpoint, "rotate"), {"overlap_seconds": 60}).json()
    endpoint.refresh_from_db()
    assert endpoint.secrets == [new["secret"], *old]
    assert new["previous_secret_expires_at"]
    api.post(path(endpoint, "rotate"), {"overlap_seconds": 0})
    endpoint.refresh_from_db()
    assert len(endpoint.secrets) == 1


def test_there_are_at_most_twenty(ada, api):
    for number in range(endpoints.MAX_ENDPOINTS):
        make_webhook(ada, f"https://example.com/{number}")
    response = api.post(URL, BODY)
    assert response.status_code == 403
    assert response.json()["type"].endswith("webhook-limit-reached")


def test_a_test_event_is_delivered_logged_and_replayed(api, settings):
    settings.OUTBOUND_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with receiving(status=500, body=b"not today") as receiver:
        made = api.post(URL, BODY | {"url": receiver.url}).json()
        base = f"{URL}{made['id']}/"
        sent = api.post(f"{base}test/")
        assert sent.status_code == 202
        webhooks.deliver(sent.json()["id"])
        listed = api.get(f"{base}deliveries/").json()["results"][0]
        one = f"{base}deliveries/{listed['id']}/"
        assert (listed["status"], listed["response_status"]) == ("failed", 500)
        shown = api.get(one).json()
        assert shown["payload"]["type"] == "webhook.test"
        assert shown["attempts"][0]["response_body"] == "not today"
        assert api.post(f"{one}replay/").json()["status"] == "pending"
        webhooks.deliver(listed["id"])
    assert [row["number"] for row in api.get(one).json()["attempts"]] == [1, 2]
    assert len(receiver.requests) == 2


def test_what_is_being_sent_or_switched_off_is_not_replayed(api, endpoint, delivery):
    target = path(endpoint, "deliveries", delivery.pk, "replay")
    webhooks.claim(
        WebhookDelivery, delivery.pk, lease_seconds=60, give_up=webhooks.give_up
    )
    assert api.post(target).status_code == 422
    WebhookDelivery.objects.update(event="agent.created", status="done")
    WebhookEndpoint.objects.update(is_active=False)
    assert api.post(target).status_code == 400


def test_every_mutation_is_recorded(api, ada):
    made = api.post(URL, BODY).json()
    base = f"{URL}{made['id']}/"
    api.patch(base, {"description": "Till"})
    api.patch(base, {"description": "Till"})
    api.post(f"{base}rotate/", {})
    sent = api.post(f"{base}test/").json()
    api.post(f"{base}deliveries/{sent['id']}/replay/")
    api.delete(base)
    rows = AuditLog.objects.filter(resource_type="webhook_endpoint")
    assert [row.action for row in rows.order_by("sequence")] == [
        "CREATE", "UPDATE", "UPDATE", "EXECUTE", "EXECUTE", "DELETE",
    ]  # fmt: skip
    assert {row.resource_id for row in rows} == {made["id"]}
    assert {row.user_id for row in rows} == {ada.user_id}


def calls(endpoint, delivery):
    log = path(endpoint, "deliveries", delivery.pk)
    return [
        ("get", path(endpoint), {}),
        ("patch", path(endpoint), {"description": "Mine"}),
        ("delete", path(endpoint), {}),
        ("post", path(endpoint, "rotate"), {}),
        ("post", path(endpoint, "test"), {}),
        ("get", path(endpoint, "deliveries"), {}),
        ("get", log, {}),
        ("post", f"{log}replay/", {}),
    ]


def test_a_stranger_is_answered_as_if_there_were_nothing(
    stranger_api, endpoint, delivery
):
    for method, url, body in calls(endpoint, delivery):
        answer = getattr(stranger_api, method)(url, body)
        absent = url.replace(str(endpoint.pk), str(uuid4()))
        assert answer.status_code == 404, url
        nothing = getattr(stranger_api, method)(absent, body)
        ignored = {"instance", "request_id"}
        assert {k: v for k, v in answer.json().items() if k not in ignored} == {
            k: v for k, v in nothing.json().items() if k not in ignored
        }
    assert stranger_api.get(URL).json()["results"] == []
    assert WebhookEndpoint.objects.get().description == ""


def test_another_webhooks_delivery_is_not_found(api, ada, delivery):
    other, _ = make_webhook(ada, "https://example.com/other")
    assert api.get(path(other, "deliveries", delivery.pk)).status_code == 404
    replay = path(other, "deliveries", delivery.pk, "replay")
    assert api.post(replay).status_code == 404


@pytest.mark.parametrize("role", [Role.EDITOR, Role.VIEWER])
def test_who_does_not_manage_is_refused(harbor, endpoint, delivery, role):
    member = MembershipFactory(organization=harbor, role=role)
    api = client_with_key(member)
    for method, url, body in [("post", URL, BODY), *calls(endpoint, delivery)]:
        assert getattr(api, method)(url, body).status_code == 403, url


def test_a_key_without_the_scope_is_refused(ada, endpoint, delivery):
    api = client_with_key(ada, scopes=["agents:read", "agents:write"])
    for method, url, body in [("post", URL, BODY), *calls(endpoint, delivery)]:
        assert getattr(api, method)(url, body).status_code == 403, url


def test_nobody_is_refused_first(client, endpoint, delivery):
    for method, url, _ in [("get", URL, {}), *calls(endpoint, delivery)]:
        assert getattr(client, method)(url).status_code == 401, url


@pytest.mark.parametrize("how_many", [1, 20])
def test_the_lists_cost_three_queries_however_long(
    api, ada, how_many, django_assert_num_queries
):
    for number in range(how_many):
        endpoint, _ = make_webhook(ada, f"https://example.com/{number}")
    for _ in range(how_many):
        endpoints.send_test_event(endpoint=endpoint, actor=ada.user)
    api.get(URL)
    with django_assert_num_queries(3):  # the key, the count, the page
        assert api.get(URL).json()["count"] == how_many
    with django_assert_num_queries(4):  # the key, the webhook, the count, the page
        log = api.get(path(endpoint, "deliveries")).json()
    assert log["count"] == how_many


def test_a_member_who_left_is_refused(api, ada, endpoint):
    Membership.objects.filter(pk=ada.pk).delete()
    assert api.get(path(endpoint)).status_code in (401, 403)
