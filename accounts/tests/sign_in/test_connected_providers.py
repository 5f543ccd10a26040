"""Identities that are connected to an account, and what they may open."""

import re
import threading
import time

import pytest
from allauth.mfa.totp.internal import auth as totp
from allauth.socialaccount.models import SocialAccount
from django.core import mail
from django.db import IntegrityError, connections
from django.test import Client
from django.urls import reverse

from accounts.models import AuditLog, AuthProvider, User
from accounts.sign_in import identities
from accounts.tests.factories import PASSWORD, new_address, person_who_signs_in
from accounts.tests.sign_in.issuer import back, begin, let_in, sign_in

ACCOUNT = reverse("accounts:account")
CONNECT = reverse("accounts:connect_provider", args=["oidc"])


@pytest.fixture(autouse=True)
def place(client):
    client.defaults["REMOTE_ADDR"] = new_address()


@pytest.fixture
def mara(db, client):
    """Somebody who is signed in and has just shown once more who they are."""
    user = person_who_signs_in(name="Mara")
    client.force_login(user)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    return user


def go_and_connect(client):
    page = client.post(CONNECT)
    address = re.fullmatch(r"0; url=(\S+)", page["Refresh"])[1]
    return back(client, let_in(address))


def the_way_to_disconnect() -> str:
    identity = SocialAccount.objects.get()
    return reverse("accounts:disconnect_provider", args=[identity.pk])


def test_an_identity_is_connected_from_our_own_form(
    client, mara, issuer, django_capture_on_commit_callbacks
):
    assert "Connect<span" in client.get(ACCOUNT).content.decode()
    # Not even its address must be verified: the person has shown who they are.
    issuer.claims["email_verified"] = False
    with django_capture_on_commit_callbacks(execute=True):
        assert go_and_connect(client)["Location"] == ACCOUNT
    assert SocialAccount.objects.get().user == mara
    assert "Disconnect" in client.get(ACCOUNT).content.decode()
    row = AuditLog.objects.get(action="UPDATE")
    assert row.detail.changes == {"identity": {"old": None, "new": "oidc"}}
    assert "Harbor SSO was connected" in mail.outbox[0].body
    other = Client()
    sign_in(other)
    assert other.session["_auth_user_id"] == str(mara.pk)
    mara.refresh_from_db()
    assert (mara.name, mara.provider) == ("Mara", "local")


def test_a_link_connects_nothing(client, mara, issuer):
    assert client.get(CONNECT).status_code == 405
    back(client, let_in(begin(client, "/accounts/oidc/oidc/login/?process=connect")))
    assert not SocialAccount.objects.filter(user=mara).exists()


def test_connecting_asks_once_more_who_it_is(client, db, issuer):
    client.force_login(person_who_signs_in())
    asked = reverse("account_reauthenticate")
    assert client.post(CONNECT)["Location"].startswith(asked)


def test_an_answer_to_somebody_else_connects_nothing(client, mara, issuer):
    page = client.post(CONNECT)
    location = let_in(page["Refresh"].removeprefix("0; url="))
    issuer.wrong = {"nonce": "of another browser"}
    assert back(client, location)["Location"] == ACCOUNT
    assert not SocialAccount.objects.exists()


def test_an_identity_of_another_account_stays_theirs(client, mara, issuer):
    sign_in(Client())
    other = User.objects.exclude(pk=mara.pk).get()
    page = client.get(go_and_connect(client)["Location"]).content.decode()
    assert "belongs to another account" in page
    assert SocialAccount.objects.get().user == other


def test_an_identity_is_disconnected(client, mara, issuer):
    go_and_connect(client)
    path = reverse(
        "accounts:disconnect_provider", args=[SocialAccount.objects.get().pk]
    )
    assert client.post(path)["Location"] == ACCOUNT
    assert not SocialAccount.objects.exists()
    assert AuditLog.objects.filter(action="UPDATE").count() == 2


def test_anothers_identity_is_no_ones_to_disconnect(client, mara, issuer):
    sign_in(Client())
    path = reverse(
        "accounts:disconnect_provider", args=[SocialAccount.objects.get().pk]
    )
    assert client.post(path).status_code == 404
    assert SocialAccount.objects.exists()


def test_the_last_way_in_cannot_be_taken_away(client, db, issuer):
    sign_in(client)
    path = reverse(
        "accounts:disconnect_provider", args=[SocialAccount.objects.get().pk]
    )
    page = client.post(path, follow=True).content.decode()
    assert "Set a password first" in page
    assert SocialAccount.objects.exists()


def test_who_has_no_password_shows_at_the_provider_who_it_is(client, db, issuer):
    sign_in(client)
    app = reverse("mfa_activate_totp")
    assert client.get(app).status_code == 200
    session = client.session
    for record in session["account_authentication_methods"]:
        record["at"] = time.time() - 3600
    session.save()
    asked = client.get(app)["Location"]
    assert asked.startswith("/accounts/oidc/oidc/login/?next=")
    address = begin(client, asked)
    assert "prompt=login" in address
    assert back(client, let_in(address))["Location"] == app
    assert client.get(app).status_code == 200


def test_a_provider_does_not_do_without_the_second_step(client, db, issuer):
    sign_in(client)
    client.post(reverse("account_logout"))
    totp.TOTP.activate(User.objects.get(), totp.generate_totp_secret())
    assert sign_in(client)["Location"] == reverse("mfa_authenticate")
    assert "_auth_user_id" not in client.session


def test_a_name_the_provider_gives_is_the_providers_to_change(client, db, issuer):
    sign_in(client)
    assert "from Single sign-on" in client.get(ACCOUNT).content.decode()
    page = client.post(ACCOUNT, {"name": "Somebody else"})
    assert page.status_code == 200
    assert User.objects.get().name == "Noor Jansen"


def come_in_two_windows(monkeypatch, enter):
    """Let both find that there is no account, before either makes one."""
    meeting, users, failures = threading.Barrier(2, timeout=10), [], []
    create, once = identities._create, threading.local()

    def meet(*args, **facts):
        if not getattr(once, "has_met", False):
            once.has_met = True
            meeting.wait()
        return create(*args, **facts)

    def come():
        try:
            users.append(enter().pk)
        except IntegrityError as error:
            failures.append(error)
        finally:
            connections.close_all()

    monkeypatch.setattr(identities, "_create", meet)
    threads = [threading.Thread(target=come) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return users, failures


@pytest.mark.django_db(transaction=True)
@pytest.mark.threaded
def test_an_identity_that_comes_in_two_windows_at_once_gets_one_account(monkeypatch):
    users, failures = come_in_two_windows(
        monkeypatch,
        lambda: identities.upsert_oauth_user(
            provider=AuthProvider.OIDC, sub="person-1", email="noor@example.com"
        ),
    )
    assert failures == []
    assert len(users) == 2
    assert {User.objects.get().pk} == set(users)


@pytest.mark.django_db(transaction=True)
@pytest.mark.threaded
def test_without_a_second_look_one_of_two_windows_would_fail(monkeypatch):
    facts = {"name": "Noor", "groups": None, "roles": None}
    users, failures = come_in_two_windows(
        monkeypatch,
        lambda: identities._upsert(
            AuthProvider.OIDC, "person-1", "noor@example.com", facts
        ),
    )
    assert (len(users), len(failures)) == (1, 1)
