"""Members: who may come, who may change whom, and who must stay."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connections
from django.utils import timezone

from accounts.errors import Forbidden, Invalid, NotFound
from accounts.models import (
    APIKey,
    AuditLog,
    Invitation,
    Membership,
    Organization,
    Role,
    User,
)
from accounts.organizations import invitation_mail, members
from accounts.tests.factories import (
    MembershipFactory,
    OrganizationFactory,
    UserFactory,
    make_key,
)


def invite(by, email="new@example.com", role=Role.EDITOR):
    return members.invite_member(
        organization=by.organization, actor=by.user, email=email, role=role
    )


@pytest.fixture
def admin(harbor):
    return MembershipFactory(organization=harbor, role=Role.ADMIN)


@pytest.mark.django_db
def test_who_creates_an_organization_owns_it():
    user = UserFactory()
    organization = members.create_organization(owner=user, name=" Tern ")
    assert organization.name == "Tern"
    assert organization.max_agents == 3
    assert organization.memberships.get().role == Role.OWNER


def test_an_invitation_is_mailed_and_opens_the_door_once(ada, mailoutbox):
    invitation = invite(ada, "New@Example.com")
    invitation_mail.send(str(invitation.pk))
    link = re.search(r"http\S+/join/(\w+)/", mail.outbox[0].body)
    membership = members.accept_as_new_user(
        token=link[1], name="New Person", password="a long enough passphrase"
    )
    assert membership.role == Role.EDITOR
    assert membership.user.email == "new@example.com"
    with pytest.raises(members.InvitationInvalid):
        members.find_invitation(link[1])


def test_the_token_is_not_in_the_database(ada):
    invitation = invite(ada)
    token = members.token_of(invitation)
    assert token != invitation.token_hash
    assert token not in str(Invitation.objects.values().get())


@pytest.mark.parametrize("field", ["expires_at", "revoked_at", "accepted_at"])
def test_an_invitation_that_is_over_opens_nothing(ada, field):
    invitation = invite(ada)
    Invitation.objects.update(**{field: timezone.now() - timedelta(seconds=1)})
    with pytest.raises(members.InvitationInvalid):
        members.find_invitation(members.token_of(invitation))
    assert invitation_mail.send(str(invitation.pk)) is False


def test_a_forged_token_opens_nothing(ada):
    token = members.token_of(invite(ada))
    for forged in (token[:-1] + ("0" if token[-1] != "0" else "1"), "x", ""):
        with pytest.raises(members.InvitationInvalid):
            members.find_invitation(forged)


def test_only_the_invited_address_may_accept(ada, cy):
    token = members.token_of(invite(ada))
    with pytest.raises(Forbidden):
        members.accept_invitation(token=token, user=cy.user)
    assert members.find_invitation(token)


def test_a_second_invitation_replaces_the_first(ada):
    first = members.token_of(invite(ada))
    invite(ada, role=Role.VIEWER)
    assert ada.organization.invitations.open().get().role == Role.VIEWER
    with pytest.raises(members.InvitationInvalid):
        members.find_invitation(first)


def test_a_member_is_not_invited_again(ada, bo):
    with pytest.raises(Invalid) as refused:
        invite(ada, bo.user.email)
    assert refused.value.pointer == "/email"


def test_members_and_invitations_share_the_limit(ada):
    Organization.objects.update(max_members=2)
    invite(ada, "one@example.com")
    with pytest.raises(members.MemberLimitReached):
        invite(ada, "two@example.com")
    assert Invitation.objects.count() == 1


@pytest.mark.parametrize("role", [Role.EDITOR, Role.VIEWER])
def test_who_does_not_manage_cannot_invite(harbor, role):
    with pytest.raises(Forbidden):
        invite(MembershipFactory(organization=harbor, role=role))


def test_an_admin_cannot_make_owners_or_touch_them(ada, admin):
    with pytest.raises(Forbidden):
        invite(admin, role=Role.OWNER)
    change = {"organization": ada.organization, "actor": admin.user}
    with pytest.raises(Forbidden):
        members.change_role(**change, user_id=ada.user_id, role=Role.VIEWER)
    with pytest.raises(Forbidden):
        members.change_role(**change, user_id=admin.user_id, role=Role.OWNER)
    with pytest.raises(Forbidden):
        members.remove_member(**change, user_id=ada.user_id)


def test_the_last_owner_cannot_leave_or_step_down(ada, admin):
    own = {"organization": ada.organization, "actor": ada.user, "user_id": ada.user_id}
    with pytest.raises(members.LastOwner):
        members.remove_member(**own)
    with pytest.raises(members.LastOwner):
        members.change_role(**own, role=Role.ADMIN)
    ada.refresh_from_db()
    assert ada.role == Role.OWNER


def test_ownership_is_handed_over_in_one_step(ada, bo):
    members.transfer_ownership(
        organization=ada.organization, actor=ada.user, user_id=bo.user_id
    )
    ada.refresh_from_db()
    bo.refresh_from_db()
    assert (ada.role, bo.role) == (Role.ADMIN, Role.OWNER)


def test_who_leaves_loses_their_keys(ada, client):
    editor = MembershipFactory(organization=ada.organization, role=Role.EDITOR)
    raw = make_key(editor)
    members.remove_member(
        organization=ada.organization, actor=editor.user, user_id=editor.user_id
    )
    assert not APIKey.objects.exists()
    assert client.get("/api/v1/agents/", headers={"X-API-Key": raw}).status_code == 401


def test_a_stranger_is_no_member(ada, cy):
    with pytest.raises(NotFound):
        members.change_role(
            organization=ada.organization,
            actor=ada.user,
            user_id=cy.user_id,
            role=Role.VIEWER,
        )


def test_every_change_is_recorded(ada, bo):
    invite(ada)
    members.change_role(
        organization=ada.organization,
        actor=ada.user,
        user_id=bo.user_id,
        role=Role.EDITOR,
    )
    members.remove_member(
        organization=ada.organization, actor=ada.user, user_id=bo.user_id
    )
    rows = AuditLog.objects.filter(organization_id=ada.organization_id)
    assert [(row.resource_type, row.action) for row in rows.order_by("sequence")] == [
        ("invitation", "CREATE"),
        ("membership", "UPDATE"),
        ("membership", "DELETE"),
    ]


@pytest.mark.threaded
@pytest.mark.django_db(transaction=True)
def test_two_owners_cannot_both_leave():
    organization = OrganizationFactory()
    owners = [MembershipFactory(organization=organization) for _ in range(2)]
    together = threading.Barrier(2)

    def leave(owner):
        together.wait(timeout=30)
        try:
            members.remove_member(
                organization=organization, actor=owner.user, user_id=owner.user_id
            )
        except members.LastOwner:
            return "stays"
        finally:
            connections.close_all()
        return "left"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(leave, owners)) == ["left", "stays"]
    assert Membership.objects.get().role == Role.OWNER


@pytest.mark.threaded
@pytest.mark.django_db(transaction=True)
def test_ten_invitations_at_once_do_not_exceed_the_limit():
    owner = MembershipFactory(organization__max_members=4)
    together = threading.Barrier(10)

    def ask(number):
        together.wait(timeout=30)
        try:
            invite(owner, f"guest{number}@example.com")
        except members.MemberLimitReached:
            return "refused"
        finally:
            connections.close_all()
        return "invited"

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(ask, range(10)))
    assert answers.count("invited") == 3
    assert Invitation.objects.open().count() == 3


@pytest.mark.django_db
def test_an_account_is_not_taken_over_by_an_invitation(ada):
    known = UserFactory(email="known@example.com")
    known.set_password("the old passphrase")
    known.save()
    token = members.token_of(invite(ada, known.email))
    with pytest.raises(Invalid):
        members.accept_as_new_user(token=token, name="X", password="another one here")
    assert User.objects.get(pk=known.pk).check_password("the old passphrase")
