"""What the audit log keeps of a request's body: what was asked for, without secrets."""

import json
from types import SimpleNamespace

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from accounts.audit.log import details_digest, record
from accounts.audit.redaction import (
    LONGEST_TEXT,
    REDACTED,
    WITHHELD,
    is_secret_in_body,
    redact_body,
)
from accounts.audit.request_facts import RequestFacts, current_request
from accounts.audit.verification import verify_audit
from accounts.models import AuditAction, AuditLog
from accounts.tests.factories import new_address, person_who_signs_in
from agents.tests.factories import KnowledgePackFactory, SessionFactory

AGENTS = "/api/v1/agents/"


def newest() -> AuditLog:
    return AuditLog.objects.with_details().latest("timestamp", "sequence")


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "new-password",
        "client_secret",
        "refreshToken",
        "Authorization",
        "Set-Cookie",
        "apiKey",
        "x-api-key",
        "key",
        "signing_key",
        "code",
        "boot_code",
        "credential",
        "visitor-visitor_id",
    ],
)
def test_a_secret_is_known_by_its_name(name):
    assert redact_body({"in": [{name: "planted"}]}) == {"in": [{name: REDACTED}]}


@pytest.mark.parametrize(
    "name",
    ["name", "idempotency_key", "persona_key", "max_tokens", "shortcut", "code_"],
)
def test_what_only_looks_like_a_secret_is_kept(name):
    assert not is_secret_in_body(name)


def test_nobody_hides_a_secret_under_a_long_name():
    (kept,) = redact_body({"a" * 5_000 + "password": "planted"}).items()
    assert kept == ("a" * 100, REDACTED)


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("https://ada:planted@x.example/a", "https://[redacted]@x.example/a"),
        (
            "https://x.example/?a=1&token=planted",
            "https://x.example/?a=1&token=[redacted]",
        ),
        ("https://x.example/?q=tea", "https://x.example/?q=tea"),
    ],
)
def test_an_address_is_kept_without_what_opens_it(address, kept):
    assert redact_body({"url": address}) == {"url": kept}


def test_a_long_text_is_shortened_and_says_how_long_it_was():
    kept = redact_body({"content": "x" * 1_000_000})["content"]
    assert kept == "x" * LONGEST_TEXT + "… [1000000 characters]"


@pytest.mark.parametrize(
    "body",
    [[[]] * 100_000, {"a": ["x" * 400] * 1_000}, {str(n): n for n in range(9_999)}],
)
def test_a_body_that_is_too_large_is_named_and_not_kept(body):
    assert redact_body(body) == "[more than 10000 characters]"


def test_an_agents_creation_keeps_what_was_asked_for(api):
    api.post(AGENTS, {"name": "One", "config": {"max_tokens": 900}}, format="json")
    body = AuditLog.objects.get(resource_type="agent").detail.request_body
    assert body == {"name": "One", "config": {"max_tokens": 900}}


def test_a_form_is_kept_without_the_token_that_guards_it(browser_of, ada):
    form = {"name": "Ada Lovelace", "csrfmiddlewaretoken": "planted"}
    browser_of(ada).post(reverse("accounts:account"), form)
    assert newest().detail.request_body == {"name": "Ada Lovelace"}


def test_a_file_is_kept_as_its_name_and_size(api, harbor):
    pack = KnowledgePackFactory(organization=harbor)
    file = SimpleUploadedFile("tea.md", b"# Tea\n\nplanted", "text/markdown")
    url = f"/api/v1/knowledge-packs/{pack.pk}/documents/"
    assert api.post(url, {"file": file}, format="multipart").status_code == 201
    assert newest().detail.request_body == {"file": [{"name": "tea.md", "size": 14}]}


def test_a_request_without_a_body_has_none(api, harbor):
    api.delete(
        f"/api/v1/knowledge-packs/{KnowledgePackFactory(organization=harbor).pk}/"
    )
    assert newest().detail.request_body is None


def test_what_was_tried_at_the_sign_in_is_not_kept(client, db):
    person = person_who_signs_in()
    client.post(
        reverse("account_login"),
        {"login": person.email, "password": "planted"},
        REMOTE_ADDR=new_address(),
    )
    row = newest()
    assert (row.action, row.response_status) == ("FAILED_AUTH", 200)
    assert row.detail.request_body is None


def test_a_note_on_a_conversation_leaves_its_names_alone(api, harbor):
    session = SessionFactory(organization=harbor)
    url = f"/api/v1/inbox/{session.pk}/notes/"
    assert api.post(url, {"text": "She called."}, format="json").status_code == 201
    assert newest().detail.request_body == {"text": WITHHELD}


def test_a_form_may_bring_what_cannot_be_stored(browser_of, ada):
    form = {"name": "Ada L", "other\x00": "a\x00b"}
    answer = browser_of(ada).post(reverse("accounts:account"), form)
    assert answer.status_code == 302
    assert newest().detail.request_body == {"name": "Ada L", "other\ufffd": "a\ufffdb"}


@pytest.mark.parametrize(
    "number", ["1e16", "-0.0", "1.5e300", "5.0", "1e-7", "9" * 400]
)
def test_a_number_comes_back_as_its_digest_has_it(db, number):
    body = {"number": json.loads(number)}
    facts = RequestFacts(request=SimpleNamespace(parsed_json=body))
    token = current_request.set(facts)
    record(action=AuditAction.UPDATE, resource_type="thing")
    current_request.reset(token)
    assert details_digest(newest().detail) == newest().details_digest
    assert verify_audit().problems == []
