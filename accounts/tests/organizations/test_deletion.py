"""An organization is deleted, brought back with all it had, and at last erased."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.access.api_keys import create_api_key
from accounts.errors import NotFound
from accounts.models import AuditLog, Organization, Role, User
from accounts.organizations.deletion import (
    NotRestorable,
    delete_organization,
    erase_organization,
    erase_overdue_organizations,
    restore_organization,
)
from accounts.organizations.invitation_mail import send
from accounts.organizations.members import (
    InvitationInvalid,
    accept_invitation,
    invite_member,
    token_of,
)
from accounts.privacy.account_closing import close_account
from accounts.privacy.notifications import tell_owners
from accounts.tests.factories import MembershipFactory, make_key

pytestmark = pytest.mark.django_db


@pytest.fixture
def deleted(harbor, ada):
    return delete_organization(organization=harbor, actor=ada.user)


def test_a_deleted_organization_is_hidden_and_recorded_once(deleted, ada):
    delete_organization(organization=deleted, actor=ada.user)
    assert not Organization.objects.filter(pk=deleted.pk).exists()
    rows = AuditLog.objects.for_organization(deleted.pk)
    assert rows.filter(resource_type="organization", action="DELETE").count() == 1


def test_its_invitations_open_nothing_while_it_is_deleted(harbor, ada, mailoutbox):
    guest = MembershipFactory(user__email="guest@example.com").user
    offer = invite_member(
        organization=harbor, actor=ada.user, email=guest.email, role=Role.VIEWER
    )
    delete_organization(organization=harbor, actor=ada.user)
    assert not send(str(offer.pk))
    assert mailoutbox == []
    with pytest.raises(InvitationInvalid):
        accept_invitation(token=token_of(offer), user=guest)
    restore_organization(organization=harbor, actor=ada.user)
    assert accept_invitation(token=token_of(offer), user=guest).role == Role.VIEWER


def test_nothing_is_made_in_it(deleted, ada):
    with pytest.raises(NotFound):
        create_api_key(
            user=ada.user, organization=deleted, name="Late", scopes=["chat"]
        )


def test_it_comes_back_with_members_and_keys(client, harbor, ada, bo):
    key = make_key(bo)
    delete_organization(organization=harbor, actor=ada.user)
    restore_organization(organization=harbor, actor=ada.user)
    answer = client.get("/api/v1/agents/", headers={"X-API-Key": key})
    assert answer.status_code == 200
    assert harbor.memberships.count() == 2
    last = AuditLog.objects.for_organization(harbor.pk).newest_first()[0]
    assert last.detail.changes["deleted_at"]["new"] is None


@pytest.mark.parametrize(
    ("limit", "used"), [("max_agents", {"agent_count": 3}), ("max_members", {})]
)
def test_a_limit_lowered_meanwhile_is_checked_again(deleted, bo, limit, used):
    lowered = {limit: 1} | used
    Organization.all_objects.filter(pk=deleted.pk).update(**lowered)
    with pytest.raises(NotRestorable) as refused:
        restore_organization(organization=deleted, actor=None)
    assert refused.value.facts["limit"] == 1
    assert not Organization.objects.filter(pk=deleted.pk).exists()


def test_it_does_not_come_back_without_an_owner(deleted, ada):
    close_account(user=ada.user, actor=ada.user)
    with pytest.raises(NotRestorable):
        restore_organization(organization=deleted, actor=None)


def test_its_owners_and_nobody_else_are_told_until_when(deleted, ada, bo, mailoutbox):
    assert tell_owners(str(deleted.pk)) == 1
    assert mailoutbox[0].to == [ada.user.email]
    assert "/organizations/" in mailoutbox[0].body
    assert f"{deleted.kept_until:%Y}" in mailoutbox[0].body


def test_a_living_organization_is_not_erased(harbor, ada):
    with pytest.raises(NotFound):
        erase_organization(organization=harbor, actor=None)
    assert Organization.objects.filter(pk=harbor.pk).exists()


def test_nobody_has_back_what_has_begun_to_be_erased(deleted, ada):
    Organization.all_objects.update(erased_at=timezone.now())
    with pytest.raises(NotFound):
        restore_organization(organization=deleted, actor=ada.user)


def test_it_is_erased_when_its_time_is_over_and_people_stay(deleted, ada):
    assert erase_overdue_organizations() == 0
    long_ago = timezone.now() - timedelta(days=31)
    Organization.all_objects.filter(pk=deleted.pk).update(deleted_at=long_ago)
    assert erase_overdue_organizations() == 1
    assert not Organization.all_objects.filter(pk=deleted.pk).exists()
    assert User.objects.filter(pk=ada.user_id).exists()
