"""The way in without anything else: signing in and out, and a forgotten password."""

import re
import secrets

import pytest
from django.core import mail
from django.urls import reverse

from accounts.models import Role
from accounts.tests.factories import PASSWORD, MembershipFactory, person_who_signs_in

KEYS = reverse("accounts:api_keys")


@pytest.fixture
def mara(db, client):
    """Somebody with a password, at an address nobody has tried before.

    Sign-in and reset are limited by address, and the counters outlive a test.
    """
    token = secrets.token_hex(6)
    client.defaults["REMOTE_ADDR"] = f"2001:db8:{token[:4]}:{token[4:8]}:{token[8:]}::"
    user = person_who_signs_in()
    MembershipFactory(user=user, role=Role.OWNER)
    return user


def test_signing_in_leads_where_one_wanted_to_go(client, mara):
    response = client.post(
        reverse("account_login"),
        {"login": mara.email.upper(), "password": PASSWORD, "next": KEYS},
    )
    assert response["Location"] == KEYS


def test_signing_in_never_leads_to_another_site(client, mara):
    response = client.post(
        reverse("account_login"),
        {"login": mara.email, "password": PASSWORD, "next": "//evil.example"},
    )
    assert response["Location"] == "/"


def test_a_wrong_password_is_refused_in_words(client, mara):
    response = client.post(
        reverse("account_login"), {"login": mara.email, "password": "wrong"}
    )
    assert "not correct" in response.content.decode()


def test_signing_out_ends_the_session(client, mara):
    client.force_login(mara)
    client.post(reverse("account_logout"))
    assert client.get(KEYS).status_code == 302


def test_a_forgotten_password_is_reset_by_mail(
    client, mara, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        client.post(reverse("account_reset_password"), {"email": mara.email})
    message = mail.outbox[0]
    assert message.subject.endswith("Choose a new password")
    assert message.alternatives[0].mimetype == "text/html"
    link = re.search(r"http://\S+", message.body)[0]
    form = client.get(link, follow=True)
    new = {
        "password1": "another fine passphrase",
        "password2": "another fine passphrase",
    }
    done = client.post(form.request["PATH_INFO"], new, follow=True)
    assert "Password saved" in done.content.decode()
    mara.refresh_from_db()
    assert mara.check_password(new["password1"])


def test_a_reset_link_works_once(client, mara, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        client.post(reverse("account_reset_password"), {"email": mara.email})
    link = re.search(r"http://\S+", mail.outbox[0].body)[0]
    mara.set_password("changed meanwhile, quite long")
    mara.save()
    assert "no longer works" in client.get(link, follow=True).content.decode()


def test_an_unknown_address_is_answered_like_a_known_one(client, mara):
    url = reverse("account_reset_password")
    known = client.post(url, {"email": mara.email}, follow=True)
    unknown = client.post(url, {"email": f"no-{mara.email}"}, follow=True)
    assert known.content == unknown.content


@pytest.mark.parametrize(
    "name",
    [
        "account_login",
        "account_signup",
        "account_reset_password",
        "account_reset_password_done",
        "account_reset_password_from_key_done",
        "account_inactive",
    ],
)
def test_every_page_of_the_entrance_is_our_own(client, db, name):
    response = client.get(reverse(name))
    assert response.status_code == 200
    assert "Agents you can vouch for" in response.content.decode()


@pytest.mark.parametrize(
    "name",
    ["account_change_password", "account_email", "account_logout"],
)
def test_every_page_about_an_account_is_our_own(browser_of, ada, name):
    ada.user.set_password(PASSWORD)
    ada.user.save()
    response = browser_of(ada).get(reverse(name), follow=True)
    assert response.status_code == 200
    assert "Agents you can vouch for" in response.content.decode()


def test_too_many_tries_are_refused_on_a_page_of_ours(client, mara):
    wrong = {"login": mara.email, "password": "wrong"}
    for _ in range(5):
        client.post(reverse("account_login"), wrong)
    right = {"login": mara.email, "password": PASSWORD}
    page = client.post(reverse("account_login"), right).content.decode()
    assert "Too many" in page
    assert client.get(KEYS).status_code == 302
