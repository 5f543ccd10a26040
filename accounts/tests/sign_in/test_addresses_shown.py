"""Whoever signs in has shown that the address is theirs."""

import re
import secrets

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal import auth as totp
from django.core import mail
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from accounts.models import AuditLog, Role, User
from accounts.organizations import members
from accounts.tests.factories import (
    PASSWORD,
    OperatorFactory,
    UserFactory,
    person_who_signs_in,
)
from accounts.tests.organizations.test_organizations_admin import change

pytestmark = pytest.mark.django_db
LOGIN = reverse("account_login")
SHOW = reverse("account_email_verification_sent")
CHANGE = reverse("account_email")
ACCOUNT = reverse("accounts:account")


@pytest.fixture
def newcomer(db):
    """Somebody an operator has made, who has never signed in."""
    return person_who_signs_in(verified=False)


@pytest.fixture
def post(client, django_capture_on_commit_callbacks):
    """Send a form, and with it the mails that follow from it."""

    def send(path, **fields):
        with django_capture_on_commit_callbacks(execute=True):
            return client.post(path, fields)

    return send


def code_in(message) -> str:
    return re.search(r"^[A-Z]{4}-[A-Z]{4}$", message.body, re.MULTILINE)[0]


def new_address() -> str:
    """Return an address no mail went to: one gets few, and the counters stay."""
    return f"new-{secrets.token_hex(6)}@example.com"


def is_signed_in(client) -> bool:
    return "_auth_user_id" in client.session


def test_the_right_password_alone_does_not_open_an_account_never_shown(
    client, newcomer, post
):
    response = post(LOGIN, login=newcomer.email, password=PASSWORD)
    assert response["Location"] == SHOW
    assert not is_signed_in(client)
    assert mail.outbox[0].to == [newcomer.email]


def test_the_mailed_code_opens_it_for_good(client, newcomer, post):
    post(LOGIN, login=newcomer.email, password=PASSWORD, next="/api-keys/")
    page = client.get(SHOW).content.decode()
    assert newcomer.email in page
    answer = post(SHOW, code=code_in(mail.outbox[0]).lower())
    assert answer["Location"] == "/api-keys/"
    assert is_signed_in(client)
    assert newcomer.has_verified_email()
    client.post(reverse("account_logout"))
    assert post(LOGIN, login=newcomer.email, password=PASSWORD)["Location"] == "/"


def test_the_code_works_in_the_browser_that_asked_alone(client, newcomer, post):
    post(LOGIN, login=newcomer.email, password=PASSWORD)
    other = Client()
    answer = other.post(SHOW, {"code": code_in(mail.outbox[0])})
    assert answer["Location"] == LOGIN
    assert not newcomer.has_verified_email()


def test_three_wrong_codes_end_it(client, newcomer, post):
    post(LOGIN, login=newcomer.email, password=PASSWORD)
    for _ in range(3):
        post(SHOW, code="BBBB-BBBB")
    post(SHOW, code=code_in(mail.outbox[0]))
    assert not is_signed_in(client)


def test_one_may_start_over_as_somebody_else(client, newcomer, post):
    post(LOGIN, login=newcomer.email, password=PASSWORD)
    assert "Use another account" in client.get(SHOW).content.decode()
    post(reverse("account_logout"), next=LOGIN)
    assert client.get(LOGIN).status_code == 200


def test_a_password_chosen_by_mail_shows_the_address_too(client, newcomer, post):
    post(reverse("account_reset_password"), email=newcomer.email)
    link = re.search(r"http://\S+", mail.outbox[0].body)[0]
    form = client.get(link, follow=True).request["PATH_INFO"]
    new = "another fine passphrase"
    post(form, password1=new, password2=new)
    post(LOGIN, login=newcomer.email, password=new)
    assert is_signed_in(client)


def test_an_invitations_link_shows_it(client, ada):
    offer = members.invite_member(
        organization=ada.organization,
        actor=ada.user,
        email="new@example.com",
        role=Role.EDITOR,
    )
    link = reverse("accounts:invitation", args=[members.token_of(offer)])
    client.post(link, {"name": "New Person", "password": PASSWORD})
    assert User.objects.get(email="new@example.com").has_verified_email()


def test_who_runs_the_server_vouches_for_an_operator(monkeypatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command("createsuperuser", interactive=False, email="op@example.com")
    assert User.objects.get().has_verified_email()


# --- Another address --------------------------------------------------------
@pytest.fixture
def mara(client, post):
    """Somebody signed in who has just shown once more who they are."""
    user = person_who_signs_in()
    client.force_login(user)
    post(reverse("account_reauthenticate"), password=PASSWORD)
    return user


def test_a_change_asks_once_more_who_it_is(client, post):
    client.force_login(person_who_signs_in())
    answer = post(CHANGE, email=new_address(), action_add="")
    assert answer["Location"].startswith(reverse("account_reauthenticate"))
    assert not mail.outbox


def test_an_address_changes_when_its_code_is_entered(client, mara, post):
    old = mara.email
    new = new_address()
    post(CHANGE, email=new.upper(), action_add="")
    mara.refresh_from_db()
    assert mara.email == old
    message = mail.outbox[0]
    assert (message.to, old in message.body) == ([new], True)
    assert post(SHOW, code=code_in(message))["Location"] == ACCOUNT
    mara.refresh_from_db()
    assert mara.email == new
    assert [each.email for each in EmailAddress.objects.all()] == [new]
    # The old one is told, and opens nothing any more.
    assert mail.outbox[-1].to == [old]
    other = Client()
    other.post(LOGIN, {"login": old, "password": PASSWORD})
    assert not is_signed_in(other)
    row = AuditLog.objects.get(action="UPDATE")
    assert row.detail.changes["verified_email"]["new"] == new


@pytest.mark.parametrize("state", ["alive", "unshown", "deleted"])
def test_anothers_address_cannot_be_taken_nor_found_out(client, mara, post, state):
    other = UserFactory(email=new_address(), verified=state != "unshown")
    if state == "deleted":
        other.soft_delete()
    answer = post(CHANGE, email=other.email, action_add="")
    assert answer["Location"] == SHOW
    assert "We sent a code to" in client.get(SHOW).content.decode()
    assert "has one already" in mail.outbox[0].body
    code = client.session["account_email_verification_code"]["code"]
    post(SHOW, code=code)
    mara.refresh_from_db()
    assert mara.email != other.email


def test_a_second_step_does_not_stand_in_the_way_of_another_address(mara, post):
    totp.TOTP.activate(mara, totp.generate_totp_secret())
    assert post(CHANGE, email=new_address(), action_add="")["Location"] == SHOW


def test_an_address_an_operator_changes_is_shown_anew(client, mara):
    old, site = mara.email, Client()
    site.force_login(OperatorFactory())
    assert change(site, "user", mara, email="new@example.com").status_code == 302
    mara.refresh_from_db()
    assert not mara.has_verified_email()
    other = Client()
    other.post(LOGIN, {"login": old, "password": PASSWORD})
    assert not is_signed_in(other)
    form = {"action": "vouch", "_selected_action": mara.pk}
    site.post(reverse("admin:accounts_user_changelist"), form)
    assert mara.has_verified_email()
