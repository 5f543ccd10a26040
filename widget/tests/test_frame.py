import re

import pytest
from django.urls import reverse

from widget import frame
from widget.tests.factories import SITE, SpeakingAgentFactory


def look(client, agent, origin=SITE, locale="en"):
    url = reverse("widget:frame", args=[agent.public_id])
    return client.get(url, {"origin": origin, "locale": locale})


def test_only_the_agents_sites_may_frame_it(client, harbor):
    sites = ["https://shop.example", "https://*.shop.example"]
    agent = SpeakingAgentFactory(organization=harbor, allowed_origins=sites)
    answer = look(client, agent)
    assert answer["Content-Security-Policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; "
        "img-src 'self' data:; font-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; "
        "frame-ancestors https://shop.example https://*.shop.example; "
        "require-trusted-types-for 'script'"
    )
    assert "X-Frame-Options" not in answer


def test_other_pages_stay_unframeable(client, db):
    answer = client.get(reverse("account_login"))
    assert answer["X-Frame-Options"] == "DENY"


def test_the_frame_is_named_after_the_agent(client, agent):
    page = look(client, agent).content.decode()
    assert 'role="dialog" aria-label="Chat with Shipping desk"' in page
    assert "<title>Chat with Shipping desk</title>" in page


def test_no_script_or_style_stands_in_the_page(client, agent):
    page = look(client, agent).content.decode()
    assert not re.search(r"<script(?![^>]*(src=|application/json))", page)
    assert not re.search(r"<style|\sstyle=|\son\w+=", page)


def test_unknown_off_and_foreign_look_the_same(client, agent, harbor):
    off = SpeakingAgentFactory(organization=harbor, is_active=False)
    unknown = reverse("widget:frame", args=["00000000-0000-4000-8000-000000000000"])
    answers = [
        client.get(unknown, {"origin": SITE}),
        look(client, off),
        look(client, agent, origin="https://evil.example"),
        look(client, agent, origin=""),
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert len({re.sub(rb"[0-9a-f-]{36}", b"", a.content) for a in answers}) == 1


def test_a_name_full_of_markup_stays_a_name(client, harbor):
    agent = SpeakingAgentFactory(organization=harbor, name='</script><b a="')
    page = look(client, agent).content.decode()
    assert "</script><b" not in page
    assert "&lt;/script&gt;&lt;b a=&quot;" in page


def test_every_locale_has_the_same_words():
    english = frame.locales()["en"]
    assert len(frame.locales()) >= 8
    for words in frame.locales().values():
        assert words.keys() == english.keys()
        for key, text in words.items():
            assert text
            assert set(re.findall(r"{\w+}", text)) == set(
                re.findall(r"{\w+}", english[key])
            )


@pytest.mark.parametrize(
    ("asked", "lang", "direction"),
    [
        ("de-AT", "de", "ltr"),
        ("ar", "ar", "rtl"),
        ("pt_BR", "pt", "ltr"),
        ("xx", "en", "ltr"),
        ("../../x", "en", "ltr"),
        ("", "en", "ltr"),
    ],
)
def test_the_page_speaks_the_visitors_language(client, agent, asked, lang, direction):
    page = look(client, agent, locale=asked).content.decode()
    assert f'<html lang="{lang}" dir="{direction}"' in page


def test_the_owners_style_comes_under_its_hash_in_its_layer(client, harbor):
    agent = SpeakingAgentFactory(
        organization=harbor, widget_config={"custom_css": ".msg { color: red }"}
    )
    page = look(client, agent).content.decode()
    address = re.search(r'href="(/widget/css/[^"]+)"', page)[1]
    answer = client.get(address)
    assert answer.content == b"@layer custom {\n.msg { color: red }\n}\n"
    assert "immutable" in answer["Cache-Control"]
    assert (
        client.get(re.sub(r"/\w{16}\.", "/" + "0" * 16 + ".", address)).status_code
        == 404
    )
