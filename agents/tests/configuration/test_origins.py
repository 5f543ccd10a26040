import pytest

from accounts.errors import Invalid
from agents.configuration.origins import allows, parse_origin, parse_origins


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://Shop.Example/", "https://shop.example"),
        ("https://shop.example:443", "https://shop.example"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://127.0.0.1:5500", "http://127.0.0.1:5500"),
        ("http://[::1]:80", "http://[::1]"),
        ("https://*.shop.example", "https://*.shop.example"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
    ],
)
def test_an_origin_has_one_spelling(text, origin):
    assert parse_origin(text) == origin


@pytest.mark.parametrize(
    "text",
    [
        "",
        "*",
        "null",
        "shop.example",
        "ftp://shop.example",
        "https://",
        "https://user@shop.example",
        "https://shop.example/path",
        "https://shop.example?x",
        "https://*",
        "https://*.com",
        "https://a.*.example",
        "https://shop.example:port",
        "https://sho p.example",
        "javascript:alert(1)",
        "https://shop.example;script-src *",
    ],
)
def test_what_is_no_origin_is_refused(text):
    with pytest.raises(Invalid):
        parse_origin(text)


def test_the_list_names_the_wrong_one_and_keeps_each_once():
    assert parse_origins(["https://a.example", "https://A.example/"]) == [
        "https://a.example"
    ]
    with pytest.raises(Invalid) as refused:
        parse_origins(["https://a.example", "x"])
    assert refused.value.pointer == "/allowed_origins/1"


ALLOWED = ["https://shop.example", "https://*.partner.example", "http://localhost:1"]


@pytest.mark.parametrize(
    ("origin", "is_allowed"),
    [
        ("https://shop.example", True),
        ("https://SHOP.example", True),
        ("https://a.partner.example", True),
        ("http://localhost:1", True),
        ("https://a.b.partner.example", False),
        ("https://partner.example", False),
        ("https://*.partner.example", False),
        ("http://shop.example", False),
        ("https://shop.example:8443", False),
        ("https://shop.example.evil.example", False),
        ("http://localhost:2", False),
        ("null", False),
        ("", False),
        (None, False),
    ],
)
def test_only_exact_origins_and_one_label_of_wildcards_match(origin, is_allowed):
    assert allows(ALLOWED, origin) is is_allowed


def test_an_empty_list_allows_nobody():
    assert not allows([], "https://shop.example")
