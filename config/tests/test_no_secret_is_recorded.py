"""Secrets that are sent through real doors are in no record, log or CSV."""

import json
import logging

import pytest
from django.urls import reverse

from accounts.models import AuditDetail, AuditLog
from accounts.tests.factories import PASSWORD, make_key

pytestmark = pytest.mark.django_db
PLANTED = "planted-d41d8cd98f00b204"


def send_everywhere(client, ada, raw) -> list[int]:
    """Send what nobody may read again, a valid key with it; return the answers."""
    json_type = "application/json"
    keys = [{"X-API-Key": raw}, {"Authorization": f"Bearer {raw}"}]
    account = {"kind": "openai", "name": "Cellar", "api_key": f"sk-{PLANTED}"}
    elsewhere = account | {"base_url": f"https://{PLANTED}@maker.example/v1"}
    agent = {"name": "Desk", "config": {"tool": {"client_secret": PLANTED}}}
    answers = [
        client.post("/api/v1/providers/", account, json_type, headers=keys[0]),
        client.post("/api/v1/providers/", elsewhere, json_type, headers=keys[0]),
        client.post("/api/v1/agents/", agent, json_type, headers=keys[1]),
        client.post("/api/v1/agents/", agent, headers={"X-API-Key": PLANTED}),
        client.post(f"/api/v1/agents/?token={PLANTED}", agent, headers=keys[0]),
        client.post(reverse("account_login"), {"login": "a", "password": PLANTED}),
    ]
    client.force_login(ada.user)
    answers.append(
        client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    )
    form = {"oldpassword": PASSWORD, "password1": PLANTED, "password2": PLANTED}
    answers += [
        client.post(reverse("account_change_password"), form),
        client.post(reverse("mfa_activate_totp"), {"code": PLANTED}),
        client.get(reverse("accounts:invitation", args=[PLANTED])),
    ]
    return [answer.status_code for answer in answers]


def test_a_secret_that_was_sent_is_nowhere(client, ada, caplog):
    raw = make_key(ada)
    with caplog.at_level(logging.DEBUG):
        assert max(send_everywhere(client, ada, raw)) < 500
        hook = {"url": "https://x.example.com/", "events": ["agent.created"]}
        made = client.post(
            "/api/v1/webhooks/", hook, "application/json", headers={"X-API-Key": raw}
        )
    client.force_login(ada.user)
    exported = client.get(reverse("accounts:audit_export"))
    cookie = client.cookies["sessionid"].value
    kept = [
        *(str(row) for row in AuditLog.objects.values_list()),
        *(json.dumps(row, default=str) for row in AuditDetail.objects.values_list()),
        b"".join(exported.streaming_content).decode(),
        caplog.text,
    ]
    assert AuditLog.objects.count() >= 4
    for secret in (PLANTED, PASSWORD, cookie, raw, made.json()["secret"]):
        assert [text for text in kept if secret in text] == []
