"""Failures at doors anybody may knock at: limited, recorded, and never a flood."""

import secrets
import uuid

import pytest
from django.test import Client
from django.urls import reverse

from accounts import rate_limits
from accounts.access.api_keys import revoke_api_key
from accounts.audit.log import without_secrets
from accounts.audit.refusals import FROM_ONE_NETWORK
from accounts.models import APIKey, AuditLog, Role
from accounts.models.api_keys import generate_key
from accounts.organizations.members import invite_member, token_of
from accounts.rate_limits import network_of
from accounts.tests.factories import make_key
from config.tests.serving import free_port
from widget.tests.conftest import Visitor
from widget.tests.factories import SpeakingAgentFactory

pytestmark = pytest.mark.django_db
NO_LINK = "/join/" + "0" * 96 + "/"


def from_elsewhere() -> Client:
    """Return a browser at an address of its own."""
    return Client(REMOTE_ADDR=".".join(map(str, (10, *secrets.token_bytes(3)))))


@pytest.fixture
def stranger():
    return from_elsewhere()


def failures(**about):
    return AuditLog.objects.filter(action="FAILED_AUTH", **about)


def try_key(client, raw):
    return client.get("/api/v1/agents/", headers={"X-API-Key": raw})


def test_a_key_nobody_has_is_recorded_and_not_kept(stranger):
    raw = generate_key()
    assert try_key(stranger, raw).status_code == 401
    row = failures(resource_type="api_key", organization_id=0).get()
    assert row.detail.metadata == {"tried": f"{raw[:12]}…"}


def test_a_secret_of_another_kind_is_not_kept(stranger):
    stranger.get("/v1/models", headers={"Authorization": "Bearer sk-their-secret"})
    assert failures().get().detail.metadata == {"tried": "sk-…"}


def test_a_revoked_key_is_recorded_in_its_own_organizations_log(stranger, ada):
    raw = make_key(ada)
    key = APIKey.objects.get()
    revoke_api_key(key=key, actor=ada.user)
    try_key(stranger, raw)
    row = failures(organization_id=ada.organization_id).get()
    assert row.resource_id == str(key.pk)


def test_a_stranger_cannot_fill_the_record(stranger):
    answers = {try_key(stranger, generate_key()).status_code for _ in range(60)}
    assert answers == {401}
    assert FROM_ONE_NETWORK <= failures().count() <= FROM_ONE_NETWORK + 2


def test_failed_sign_ins_do_not_fill_it_either(stranger):
    for number in range(40):
        form = {"login": f"x{number}@example.com", "password": "wrong"}
        stranger.post(reverse("account_login"), form)
    assert 1 <= failures(resource_type="user").count() <= FROM_ONE_NETWORK + 2


def test_a_link_that_opens_nothing_is_recorded_without_its_secret(stranger):
    assert stranger.get(NO_LINK).status_code == 404
    row = failures(resource_type="invitation").get()
    assert row.request_path == "/join/…/"


@pytest.mark.parametrize(
    "path", ["/accounts/password/reset/key/1-secret/", "/accounts/confirm-email/s3/"]
)
def test_a_path_in_the_record_opens_no_door(path):
    assert without_secrets(path).endswith("/…/")
    assert without_secrets("/api/v1/agents/") == "/api/v1/agents/"


def test_a_wrong_code_and_a_stolen_token_of_a_widget_are_recorded(harbor):
    visitor = Visitor(SpeakingAgentFactory(organization=harbor))
    assert visitor.send("POST", "sessions", {"boot_code": "x"}).status_code == 401
    assert failures(resource_type="boot_code").count() == 1


# --- Limits -----------------------------------------------------------------
def test_guessing_links_is_limited_and_says_until_when(stranger):
    answers = [stranger.get(NO_LINK) for _ in range(35)]
    assert [answer.status_code for answer in answers[:30]] == [404] * 30
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused["RateLimit-Policy"] == '"invitation";q=30;w=60'
    assert int(refused["Retry-After"]) >= 1
    assert answers[0]["RateLimit"].startswith('"invitation";r=29;t=')


def test_the_limit_of_one_address_is_not_anothers(stranger):
    for _ in range(32):
        stranger.get(NO_LINK)
    assert from_elsewhere().get(NO_LINK).status_code == 404


def test_guessing_codes_of_a_widget_is_limited(harbor):
    visitor = Visitor(SpeakingAgentFactory(organization=harbor))
    statuses = [
        visitor.send("POST", "sessions", {"boot_code": "x"}).status_code
        for _ in range(70)
    ]
    assert statuses[:60] == [401] * 60
    assert 429 in statuses


def test_health_is_not_limited(stranger):
    assert {stranger.get("/health/live").status_code for _ in range(40)} == {200}


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("", ""),
    ],
)
def test_one_stranger_has_a_whole_network_of_ipv6(address, network):
    assert network_of(address) == network


def test_a_forged_forward_does_not_change_whose_limit_it_is(settings, stranger):
    settings.TRUSTED_PROXY_COUNT = 0
    for number in range(32):
        stranger.get(NO_LINK, headers={"X-Forwarded-For": f"198.51.100.{number}"})
    assert stranger.get(NO_LINK).status_code == 429


def test_behind_a_proxy_each_forwarded_address_has_its_own(settings, stranger):
    settings.TRUSTED_PROXY_COUNT = 1
    seen = f"2001:db8:{uuid.uuid4().hex[:4]}:{uuid.uuid4().hex[:4]}::1"
    for number in range(32):
        forged = f"198.51.100.{number}, {seen}"
        stranger.get(NO_LINK, headers={"X-Forwarded-For": forged})
    answer = stranger.get(NO_LINK, headers={"X-Forwarded-For": f"10.0.0.1, {seen}"})
    assert answer.status_code == 429


def test_without_redis_no_door_breaks(settings, monkeypatch, stranger, harbor, ada):
    agent = SpeakingAgentFactory(organization=harbor)
    offer = invite_member(
        organization=harbor, actor=ada.user, email="x@example.com", role=Role.VIEWER
    )
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    monkeypatch.setattr(rate_limits, "_local", rate_limits._Local())
    form = {"login": "x@example.com", "password": "wrong"}
    assert stranger.post(reverse("account_login"), form).status_code == 200
    assert stranger.get(f"/join/{token_of(offer)}/").status_code == 200
    assert try_key(stranger, generate_key()).status_code == 401
    assert Visitor(agent).boot().status_code in (200, 503)
    assert failures().count() == 2
