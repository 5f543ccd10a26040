"""The pages about members, and joining by a link."""

import pytest
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Invitation, Membership, Role, User
from accounts.organizations import members
from accounts.tests.factories import MembershipFactory, UserFactory

MEMBERS = "/members/"


@pytest.fixture
def browser(client, ada):
    client.force_login(ada.user)
    return client


def invite(ada, email="new@example.com"):
    invitation = members.invite_member(
        organization=ada.organization, actor=ada.user, email=email, role=Role.EDITOR
    )
    return reverse("accounts:invitation", args=[members.token_of(invitation)])


def test_members_and_invitations_are_listed(browser, ada, bo):
    invite(ada)
    page = browser.get(MEMBERS).content.decode()
    for text in ("Ada Owner", "bo@example.com", "new@example.com"):
        assert text in page


def test_an_invitation_is_sent_from_the_page(browser):
    answer = browser.post(MEMBERS, {"email": "x@example.com", "role": "viewer"})
    assert answer["Location"] == MEMBERS
    assert Invitation.objects.get().email == "x@example.com"


def test_a_wrong_address_is_said_at_its_field(browser):
    answer = browser.post(MEMBERS, {"email": "nonsense", "role": "viewer"})
    assert "valid email" in answer.content.decode()


def test_a_full_organization_is_told_so(browser, harbor):
    type(harbor).objects.update(max_members=1)
    answer = browser.post(MEMBERS, {"email": "x@example.com", "role": "viewer"})
    assert "member limit" in answer.content.decode()


def test_a_role_is_changed_and_a_member_removed(browser, bo):
    path = reverse("accounts:change_role", args=[bo.user_id])
    browser.post(path, {"role": "admin"})
    bo.refresh_from_db()
    assert bo.role == "admin"
    browser.post(reverse("accounts:remove_member", args=[bo.user_id]))
    assert not Membership.objects.filter(pk=bo.pk).exists()


def test_the_last_owner_is_told_why_they_stay(browser, ada):
    path = reverse("accounts:remove_member", args=[ada.user_id])
    page = browser.post(path, follow=True).content.decode()
    assert "needs an owner" in page


def test_a_viewer_sees_no_way_to_manage(client, bo, ada):
    client.force_login(bo.user)
    page = client.get(MEMBERS).content.decode()
    assert "Send the invitation" not in page
    client.post(MEMBERS, {"email": "x@example.com", "role": "viewer"})
    assert not Invitation.objects.exists()
    path = reverse("accounts:change_role", args=[ada.user_id])
    assert client.post(path, {"role": "viewer"}).status_code == 403


@pytest.mark.parametrize("how_many", [1, 20])
def test_the_page_costs_the_same_however_many_members(browser, harbor, how_many):
    from django.db import connection

    MembershipFactory.create_batch(how_many, organization=harbor)
    browser.get(MEMBERS)
    with CaptureQueriesContext(connection) as queries:
        browser.get(MEMBERS)
    # session, user, memberships; the count, the page, invitations
    assert len(queries) == 6, [query["sql"][:90] for query in queries]


def test_a_new_person_joins_by_the_link_and_is_signed_in(client, ada):
    link = invite(ada)
    assert "Join Harbor Coffee" in client.get(link).content.decode()
    body = {"name": "New Person", "password": "a long enough passphrase"}
    assert client.post(link, body)["Location"] == reverse("agents:list")
    user = User.objects.get(email="new@example.com")
    assert Membership.objects.get(user=user).role == Role.EDITOR
    assert client.get(MEMBERS).status_code == 200
    assert client.get(link).status_code == 404


def test_a_password_is_kept_as_it_is_typed(client, ada):
    password = " a long enough passphrase "
    client.post(invite(ada), {"name": "New Person", "password": password})
    assert User.objects.get(email="new@example.com").check_password(password)


def test_a_weak_password_is_refused(client, ada):
    link = invite(ada)
    page = client.post(link, {"name": "N", "password": "12345678"}).content.decode()
    assert "too common" in page
    assert not User.objects.filter(email="new@example.com").exists()


def test_who_has_an_account_signs_in_to_accept(client, ada):
    user = UserFactory(email="known@example.com")
    link = invite(ada, user.email)
    assert f"?next={link}" in client.get(link).content.decode()
    client.post(link)
    assert not Membership.objects.filter(user=user).exists()
    client.force_login(user)
    client.post(link)
    assert Membership.objects.filter(user=user).exists()


def test_somebody_else_cannot_use_the_link(client, ada, cy):
    UserFactory(email="known@example.com")
    link = invite(ada, "known@example.com")
    client.force_login(cy.user)
    assert "another address" in client.post(link).content.decode()
    assert Membership.objects.filter(user=cy.user).count() == 1


def test_a_link_nobody_made_leads_nowhere(client, db):
    answer = client.get(reverse("accounts:invitation", args=["nonsense"]))
    assert answer.status_code == 404
    assert "no longer works" in answer.content.decode()


@pytest.mark.parametrize(
    ("name", "kind"),
    [("change_role", "user"), ("remove_member", "user"), ("withdraw_invitation", "")],
)
def test_a_stranger_is_refused(client, ada, cy, name, kind):
    invite(ada)
    client.force_login(cy.user)
    target = ada.user_id if kind else Invitation.objects.get().pk
    path = reverse(f"accounts:{name}", args=[target])
    client.post(path, {"role": "viewer"})
    ada.refresh_from_db()
    assert ada.role == Role.OWNER
    assert Invitation.objects.open().count() == 1


def test_a_page_needs_somebody_signed_in(client, db):
    assert "login" in client.get(MEMBERS)["Location"]
