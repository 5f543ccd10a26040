"""Failed sign-ins stop who makes them, never the person they are aimed at."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts import adapter
from accounts.devices import COOKIE
from accounts.tests.factories import UserFactory

LOGIN = reverse("account_login")
PASSWORD = "a long enough passphrase"


@pytest.fixture
def mara(db):
    user = UserFactory(email="mara@example.com")
    user.set_password(PASSWORD)
    user.save()
    return user


def sign_in(user, password=PASSWORD, client=None, address="10.0.0.1"):
    client = client or Client()
    wish = {"login": user.email, "password": password}
    client.post(LOGIN, wish, REMOTE_ADDR=address)
    return client


def is_signed_in(client):
    return "_auth_user_id" in client.session


def leave(client):
    """End the session; unlike the test client's logout, other cookies stay."""
    client.post(reverse("account_logout"))


def guess(user, times, address="10.9.9.9"):
    for _ in range(times):
        sign_in(user, "wrong", address=address)


def test_a_stranger_who_fails_is_refused_alone(mara):
    guess(mara, 5)
    assert not is_signed_in(sign_in(mara, address="10.9.9.9"))
    assert is_signed_in(sign_in(mara, address="10.0.0.1"))


def test_many_strangers_cannot_keep_out_a_browser_that_is_known(mara, monkeypatch):
    monkeypatch.setattr(adapter, "GUESSES", {"login_guessed": "4/h/key"})
    known = sign_in(mara)
    leave(known)
    for number in range(6):
        guess(mara, 1, address=f"10.9.0.{number}")
    assert not is_signed_in(sign_in(mara, address="10.0.0.7"))
    assert is_signed_in(sign_in(mara, client=known))


def test_signing_in_uses_up_no_guess(mara, monkeypatch):
    monkeypatch.setattr(adapter, "GUESSES", {"login_guessed": "2/h/key"})
    for number in range(5):
        assert is_signed_in(sign_in(mara, address=f"10.0.1.{number}"))


@pytest.mark.parametrize("change", ["password", "cookie", "person"])
def test_a_browser_is_known_no_longer(mara, monkeypatch, change):
    monkeypatch.setattr(adapter, "GUESSES", {"login_guessed": "1/h/key"})
    known = sign_in(mara)
    leave(known)
    other = mara
    if change == "password":
        mara.set_password(PASSWORD)
        mara.save()
    elif change == "cookie":
        known.cookies[COOKIE] = known.cookies[COOKIE].value[:-2] + "xx"
    else:
        other = UserFactory(email="bo@example.com")
        other.set_password(PASSWORD)
        other.save()
    guess(other, 1, address="10.9.9.1")
    assert not is_signed_in(sign_in(other, client=known))


def test_the_known_browser_may_not_guess_without_end(mara):
    known = sign_in(mara)
    leave(known)
    for number in range(5):
        sign_in(mara, "wrong", client=known, address=f"10.0.2.{number}")
    assert not is_signed_in(sign_in(mara, client=known, address="10.0.2.9"))
