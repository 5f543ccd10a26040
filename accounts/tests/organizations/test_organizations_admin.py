"""What operators change of users and organizations, and what is recorded of it."""

import json

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditAction, AuditLog, Membership, Organization, Plan, User
from accounts.models.organizations import PLAN_LIMITS
from accounts.tests.factories import (
    MembershipFactory,
    OperatorFactory,
    OrganizationFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db
PHRASE = "another long passphrase"


@pytest.fixture
def operator(db):
    return OperatorFactory(email="op@example.com")


@pytest.fixture
def site(operator):
    client = Client()
    client.force_login(operator)
    return client


def url(model: str, page: str, *args) -> str:
    return reverse(f"admin:accounts_{model}_{page}", args=args)


def filled_in(site, address: str, **changes) -> dict:
    """Return the form's own values with some changed, as a browser would send."""
    form = site.get(address).context["adminform"].form
    values = {}
    for field in form:
        shown = field.value()
        if hasattr(field.field.widget, "widgets"):
            parts = field.field.widget.decompress(shown)
            values |= {f"{field.html_name}_{n}": v or "" for n, v in enumerate(parts)}
        elif shown not in (None, False):
            values[field.html_name] = shown
    return {name: value for name, value in (values | changes).items() if value != ""}


def change(site, model: str, row, **changes):
    address = url(model, "change", row.pk)
    return site.post(address, filled_in(site, address, **changes))


def errors_of(response) -> dict:
    return response.context["adminform"].form.errors


def test_a_new_user_can_sign_in_and_is_recorded(site, operator):
    form = {
        "email": "New@Example.com",
        "name": "New",
        "usable_password": "true",
        "password1": PHRASE,
        "password2": PHRASE,
    }
    site.post(url("user", "add"), form)
    user = User.objects.get(email="new@example.com")
    assert user.check_password(PHRASE)
    row = AuditLog.objects.select_related("detail").get(resource_id=str(user.pk))
    assert (row.action, row.user) == (AuditAction.CREATE, operator)
    assert PHRASE not in json.dumps(row.detail.changes)


def test_the_address_of_a_deleted_user_is_refused_in_the_form(site):
    UserFactory(email="gone@example.com").soft_delete()
    form = {
        "email": "gone@example.com",
        "usable_password": "true",
        "password1": PHRASE,
        "password2": PHRASE,
    }
    response = site.post(url("user", "add"), form)
    assert "email" in errors_of(response)


def test_what_changed_of_a_user_is_recorded_with_old_and_new(site):
    user = UserFactory(name="Old name")
    assert change(site, "user", user, name="New name").status_code == 302
    detail = AuditLog.objects.get(resource_id=str(user.pk)).detail
    assert detail.changes == {"name": {"old": "Old name", "new": "New name"}}
    assert detail.metadata == {"operator": True}


def test_saving_without_a_change_records_nothing(site):
    user = UserFactory()
    change(site, "user", user)
    assert not AuditLog.objects.filter(resource_id=str(user.pk)).exists()


def test_a_new_password_is_recorded_but_not_kept(site):
    user = UserFactory()
    form = {"usable_password": "true", "password1": PHRASE, "password2": PHRASE}
    site.post(f"/admin/accounts/user/{user.pk}/password/", form)
    user.refresh_from_db()
    assert user.check_password(PHRASE)
    row = AuditLog.objects.get(resource_id=str(user.pk))
    assert PHRASE not in json.dumps(row.detail.changes)


def test_deleting_a_user_ends_their_sessions_and_restoring_lets_them_in(site, bo):
    browser = Client()
    browser.force_login(bo.user)
    site.post(url("user", "delete", bo.user.pk), {"post": "yes"})
    assert User.all_objects.get(pk=bo.user.pk).is_deleted
    assert browser.get(reverse("agents:list")).status_code == 302
    form = {"action": "restore", "_selected_action": bo.user.pk}
    site.post(url("user", "changelist"), form)
    assert User.objects.get(pk=bo.user.pk).is_active
    actions = AuditLog.objects.filter(resource_id=str(bo.user.pk), resource_type="user")
    assert set(actions.values_list("action", flat=True)) >= {"DELETE", "UPDATE"}


def test_the_only_owner_is_not_deleted_and_the_operator_is_told_why(site, ada):
    address = url("user", "delete", ada.user.pk)
    answer = site.post(address, {"post": "yes"}, follow=True)
    assert "Nobody else owns Harbor Coffee" in answer.content.decode()
    assert User.objects.filter(pk=ada.user_id).exists()


def test_a_session_does_not_revive_with_an_account_switched_off(site, bo):
    browser = Client()
    browser.force_login(bo.user)
    form = filled_in(site, url("user", "change", bo.user.pk))
    form.pop("is_active")
    site.post(url("user", "change", bo.user.pk), form)
    User.objects.get(pk=bo.user_id).activate()
    assert browser.get(reverse("agents:list")).status_code == 302


def test_an_organization_is_deleted_and_restored_within_its_limits(site, harbor, ada):
    site.post(url("organization", "delete", harbor.pk), {"post": "yes"})
    assert not Organization.objects.filter(pk=harbor.pk).exists()
    Organization.all_objects.update(agent_count=9, max_agents=3)
    form = {"action": "restore", "_selected_action": harbor.pk}
    address = url("organization", "changelist")
    assert "allows 3" in site.post(address, form, follow=True).content.decode()
    Organization.all_objects.update(agent_count=0)
    site.post(address, form)
    assert Organization.objects.filter(pk=harbor.pk).exists()


def test_operators_cannot_delete_themselves(site, operator):
    address = url("user", "delete", operator.pk)
    assert site.post(address, {"post": "yes"}).status_code == 403


def test_an_organization_starts_with_its_plans_limits(site):
    site.post(url("organization", "add"), {"name": "Kiosk", "plan": Plan.PRO})
    kiosk = Organization.objects.get(name="Kiosk")
    assert kiosk.max_agents == PLAN_LIMITS[Plan.PRO]["max_agents"]
    row = AuditLog.objects.get(resource_type="organization")
    assert row.organization_id == kiosk.pk


def test_an_operator_changes_one_limit_and_nothing_else(site):
    kiosk = OrganizationFactory()
    address = url("organization", "change", kiosk.pk)
    form = filled_in(site, address, max_agents=7)
    # Meanwhile an agent is created, which the form knows nothing of.
    Organization.objects.filter(pk=kiosk.pk).update(agent_count=5)
    site.post(address, form)
    kiosk.refresh_from_db()
    assert (kiosk.max_agents, kiosk.agent_count) == (7, 5)


def test_the_count_of_agents_is_not_to_be_edited(site):
    kiosk = OrganizationFactory()
    change(site, "organization", kiosk, agent_count=40)
    kiosk.refresh_from_db()
    assert kiosk.agent_count == 0


def test_a_limit_below_unlimited_is_a_form_error(site):
    response = change(site, "organization", OrganizationFactory(), max_agents=-2)
    assert response.status_code == 200
    assert errors_of(response)


@pytest.mark.parametrize(
    "settings", ['{"a": "\\u0000"}', '{"a": "\\ud800"}', "[" * 100_000, "{", "NaN"]
)
def test_json_that_cannot_be_stored_is_a_form_error(site, settings):
    response = change(site, "organization", OrganizationFactory(), settings=settings)
    assert "settings" in errors_of(response)


def test_an_action_sets_the_plans_limits_again(site):
    kiosk = OrganizationFactory(plan=Plan.PRO, max_agents=1)
    form = {"action": "use_plan_limits", "_selected_action": kiosk.pk}
    site.post(url("organization", "changelist"), form)
    kiosk.refresh_from_db()
    assert kiosk.max_agents == PLAN_LIMITS[Plan.PRO]["max_agents"]
    detail = AuditLog.objects.get(resource_type="organization").detail
    assert detail.changes == {"max_agents": {"old": 1, "new": 50}}


def test_a_membership_is_given_and_taken_and_both_are_recorded(site, harbor):
    user = UserFactory()
    form = {"organization": harbor.pk, "user": user.pk, "role": "editor"}
    site.post(url("membership", "add"), form)
    membership = Membership.objects.get(user=user)
    site.post(url("membership", "delete", membership.pk), {"post": "yes"})
    assert not Membership.objects.filter(user=user).exists()
    rows = AuditLog.objects.filter(resource_type="membership")
    assert set(rows.values_list("action", "organization_id")) == {
        ("CREATE", harbor.pk),
        ("DELETE", harbor.pk),
    }


def test_several_rows_are_deleted_and_recorded_at_once(site, harbor):
    members = MembershipFactory.create_batch(3, organization=harbor)
    form = {
        "action": "delete_selected",
        "_selected_action": [member.pk for member in members],
        "post": "yes",
    }
    site.post(url("membership", "changelist"), form)
    assert not Membership.objects.filter(organization=harbor).exists()
    assert AuditLog.objects.filter(resource_type="membership").count() == 3
