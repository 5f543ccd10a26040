"""A key's whole life on its page: bound, rotated, revoked, and taken back."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.access.api_keys import create_api_key, restore_api_key, revoke_api_key
from accounts.errors import Forbidden, Invalid
from accounts.models import APIKey, AuditLog, Plan, Role, Scope
from accounts.organizations.members import change_role, remove_member
from accounts.tests.factories import MembershipFactory
from agents.tests.factories import AgentFactory

pytestmark = pytest.mark.django_db
KEYS = "/api-keys/"


@pytest.fixture
def browser(browser_of, ada):
    return browser_of(ada)


@pytest.fixture
def admin(harbor):
    return MembershipFactory(organization=harbor, role=Role.ADMIN)


def made_by(membership, **fields):
    fields = {"name": "Till", "scopes": [Scope.AGENTS_WRITE]} | fields
    return create_api_key(
        user=membership.user, organization=membership.organization, **fields
    )


def opens(raw: str) -> bool:
    answer = Client().get("/api/v1/agents/", headers={"X-API-Key": raw})
    return answer.status_code != 401


def path(name, key):
    return reverse(f"accounts:{name}_api_key", args=[key.pk])


def secret_in(answer) -> str:
    return re.search(r'id="secret">(ya_live_\w+)<', answer.content.decode())[1]


def test_a_key_is_bound_to_an_agent_chosen_by_name(browser, harbor):
    agent = AgentFactory(organization=harbor, name="Bean finder")
    assert "Bean finder" in browser.get(KEYS).content.decode()
    form = {"name": "Till", "scopes": ["agents:read"], "rate_limit_tier": "free"}
    answer = browser.post(KEYS, form | {"agent": str(agent.public_id)})
    assert "only for Bean finder" in answer.content.decode()
    assert APIKey.objects.get().agent_public_id == agent.public_id


def test_another_organizations_agent_is_no_choice(browser, cy):
    theirs = AgentFactory(organization=cy.organization, name="Theirs")
    form = {"name": "Till", "scopes": ["agents:read"], "rate_limit_tier": "free"}
    answer = browser.post(KEYS, form | {"agent": str(theirs.public_id)})
    assert "Theirs" not in answer.content.decode()
    assert not APIKey.objects.exists()


def test_a_rotated_keys_successor_is_shown_once_and_both_open(browser, ada):
    key, raw = made_by(ada)
    answer = browser.post(path("rotate", key), {"overlap_seconds": "3600"})
    assert answer["Cache-Control"].startswith("max-age=0")
    assert opens(raw)
    assert opens(secret_in(answer))
    assert secret_in(answer) not in browser.get(KEYS).content.decode()


def test_a_rotation_without_overlap_ends_the_old_key(browser, ada):
    key, raw = made_by(ada)
    answer = browser.post(path("rotate", key), {"overlap_seconds": "0"})
    assert not opens(raw)
    assert opens(secret_in(answer))


def test_an_overlap_nobody_offered_rotates_nothing(browser, ada):
    key, _ = made_by(ada)
    browser.post(path("rotate", key), {"overlap_seconds": "999999999"})
    assert APIKey.objects.count() == 1


def test_a_revoked_key_works_again_by_undo(browser, ada):
    key, raw = made_by(ada)
    answer = browser.post(path("revoke", key), follow=True)
    assert f'action="{path("restore", key)}"' in answer.content.decode()
    assert not opens(raw)
    browser.post(path("restore", key))
    assert opens(raw)
    last = AuditLog.objects.for_organization(key.organization_id).newest_first()[0]
    assert last.detail.changes["deleted_at"]["new"] is None


def test_a_key_revoked_long_ago_stays_revoked(api, ada):
    key, raw = made_by(ada)
    revoke_api_key(key=key, actor=ada.user)
    APIKey.all_objects.filter(pk=key.pk).update(
        deleted_at=timezone.now() - timedelta(hours=1)
    )
    answer = api.post(f"/api/v1/api-keys/{key.pk}/restore/")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert not opens(raw)


def test_the_api_takes_a_revocation_back(api, ada):
    key, raw = made_by(ada)
    api.delete(f"/api/v1/api-keys/{key.pk}/")
    assert api.post(f"/api/v1/api-keys/{key.pk}/restore/").json()["is_active"]
    assert opens(raw)


def demote(ada, admin):
    change_role(
        organization=ada.organization,
        actor=ada.user,
        user_id=admin.user_id,
        role=Role.VIEWER,
    )


def remove(ada, admin):
    remove_member(organization=ada.organization, actor=ada.user, user_id=admin.user_id)


def deactivate(ada, admin):
    admin.user.deactivate()


def lower_the_plan(ada, admin):
    ada.organization.plan = Plan.FREE
    ada.organization.save()


def let_expire(ada, admin):
    APIKey.all_objects.update(expires_at=timezone.now())


@pytest.mark.parametrize(
    "event", [demote, remove, deactivate, lower_the_plan, let_expire]
)
def test_what_would_not_be_given_today_is_not_given_back(ada, admin, event):
    key, raw = made_by(admin, rate_limit_tier="pro")
    revoke_api_key(key=key, actor=ada.user)
    event(ada, admin)
    with pytest.raises((Forbidden, Invalid)):
        restore_api_key(key=key, actor=ada.user)
    assert not opens(raw)


@pytest.mark.parametrize("deed", ["rotate", "revoke", "restore"])
def test_a_strangers_deed_finds_nothing(browser_of, ada, cy, deed):
    key, raw = made_by(ada)
    answer = browser_of(cy).post(path(deed, key), {"overlap_seconds": "0"})
    assert answer.status_code == 404
    assert opens(raw)
