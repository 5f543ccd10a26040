"""Failed sign-ins stop who makes them, never the person they are aimed at."""

import re
import secrets

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from django.core import mail
from django.test import Client
from django.urls import reverse

from accounts.sign_in import attempt_limits
from accounts.sign_in.known_devices import COOKIE
from accounts.tests.factories import PASSWORD, UserFactory, person_who_signs_in

LOGIN = reverse("account_login")
RESET = reverse("account_reset_password")
CODE = reverse("mfa_authenticate")


class Streets:
    """Addresses nobody has tried from: the counters outlive a test."""

    def __init__(self):
        self.town = f"2001:db8:{secrets.token_hex(2)}"
        self.number = 0

    def new(self) -> str:
        self.number += 1
        return f"{self.town}:{self.number:x}::1"


@pytest.fixture
def streets():
    return Streets()


@pytest.fixture
def mara(db):
    return person_who_signs_in()


@pytest.fixture
def few(monkeypatch):
    """Let so few guesses through from all strangers together."""

    def set_to(number):
        for what, (own, _) in dict(attempt_limits.RATES).items():
            monkeypatch.setitem(attempt_limits.RATES, what, (own, f"{number}/h/key"))

    return set_to


def sign_in(user, address, password=PASSWORD, client=None):
    client = client or Client()
    wish = {"login": user.email, "password": password}
    client.post(LOGIN, wish, REMOTE_ADDR=address)
    return client


def is_signed_in(client):
    return "_auth_user_id" in client.session


def leave(client):
    """End the session; unlike the test client's logout, other cookies stay."""
    client.post(reverse("account_logout"))


def guess(user, times, address):
    for _ in range(times):
        sign_in(user, address, "wrong")


def test_a_stranger_who_fails_is_refused_alone(mara, streets):
    theirs = streets.new()
    guess(mara, 5, theirs)
    assert not is_signed_in(sign_in(mara, theirs))
    assert is_signed_in(sign_in(mara, streets.new()))


def test_a_network_of_many_addresses_counts_as_one(mara, streets):
    network = streets.new().removesuffix("1")
    for number in range(5):
        guess(mara, 1, f"{network}{number + 1}")
    assert not is_signed_in(sign_in(mara, f"{network}ff"))


def test_many_strangers_cannot_keep_out_a_browser_that_is_known(mara, streets, few):
    few(4)
    known = sign_in(mara, streets.new())
    leave(known)
    for _ in range(6):
        guess(mara, 1, streets.new())
    assert not is_signed_in(sign_in(mara, streets.new()))
    assert is_signed_in(sign_in(mara, streets.new(), client=known))


def test_many_strangers_cannot_keep_out_who_reads_the_mail(
    mara, streets, few, django_capture_on_commit_callbacks
):
    few(4)
    for _ in range(6):
        guess(mara, 1, streets.new())
    client, address = Client(), streets.new()
    assert not is_signed_in(sign_in(mara, address, client=client))
    choose_by_mail(client, mara, address, django_capture_on_commit_callbacks)
    # The strangers go on meanwhile.
    guess(mara, 1, streets.new())
    assert is_signed_in(sign_in(mara, address, "another fine phrase", client=client))


def choose_by_mail(client, user, address, mails):
    with mails(execute=True):
        client.post(RESET, {"email": user.email}, REMOTE_ADDR=address)
    link = re.search(r"http://\S+", mail.outbox[-1].body)[0]
    form = client.get(link, follow=True).request["PATH_INFO"]
    new = dict.fromkeys(("password1", "password2"), "another fine phrase")
    assert client.post(form, new, REMOTE_ADDR=address).status_code == 302


def test_signing_in_uses_up_no_guess(mara, streets, few):
    few(2)
    for _ in range(5):
        assert is_signed_in(sign_in(mara, streets.new()))


@pytest.mark.parametrize("change", ["password", "cookie", "person"])
def test_a_browser_is_known_no_longer(mara, streets, few, change):
    few(1)
    known = sign_in(mara, streets.new())
    leave(known)
    other = mara
    if change == "password":
        mara.set_password(PASSWORD)
        mara.save()
    elif change == "cookie":
        known.cookies[COOKIE] = known.cookies[COOKIE].value[:-2] + "xx"
    else:
        other = person_who_signs_in()
    guess(other, 1, streets.new())
    assert not is_signed_in(sign_in(other, streets.new(), client=known))


def test_the_known_browser_may_not_guess_without_end(mara, streets):
    known = sign_in(mara, streets.new())
    leave(known)
    for _ in range(5):
        sign_in(mara, streets.new(), "wrong", client=known)
    assert not is_signed_in(sign_in(mara, streets.new(), client=known))


# --- The second step --------------------------------------------------------
@pytest.fixture
def codes(mara):
    """Mara's recovery codes; with an app they are asked for."""
    totp.TOTP.activate(mara, totp.generate_totp_secret())
    return RecoveryCodes.activate(mara).generate_codes()


def enter(client, code, address):
    client.post(CODE, {"code": code}, REMOTE_ADDR=address)
    return client


def test_guessing_the_code_stops_who_guesses_alone(mara, codes, streets):
    theirs = streets.new()
    stranger = sign_in(mara, theirs)
    for number in range(5):
        enter(stranger, f"00000{number}", theirs)
    page = stranger.post(CODE, {"code": codes[0]}, REMOTE_ADDR=theirs)
    assert "Too many" in page.content.decode()
    assert not is_signed_in(stranger)
    own = streets.new()
    assert is_signed_in(enter(sign_in(mara, own), codes[0], own))


def test_many_who_guess_the_code_cannot_keep_out_a_known_browser(
    mara, codes, streets, few
):
    address = streets.new()
    known = enter(sign_in(mara, address), codes[0], address)
    leave(known)
    few(3)
    for _ in range(4):
        theirs = streets.new()
        enter(sign_in(mara, theirs), "000000", theirs)
    theirs = streets.new()
    assert not is_signed_in(enter(sign_in(mara, theirs), codes[1], theirs))
    sign_in(mara, address, client=known)
    assert is_signed_in(enter(known, codes[2], address))


def test_confirming_who_it_is_is_no_way_to_guess(mara, codes, streets):
    address = streets.new()
    client = enter(sign_in(mara, address), codes[0], address)
    again = reverse("mfa_reauthenticate")
    for _ in range(5):
        client.post(again, {"code": "000000"}, REMOTE_ADDR=address)
    page = client.post(again, {"code": codes[1]}, REMOTE_ADDR=address)
    assert "Too many" in page.content.decode()


# --- Mails somebody asks for ------------------------------------------------
@pytest.fixture
def ask(django_capture_on_commit_callbacks):
    """Ask for a mail, and return how many that made it."""

    def asking(email, address, client=None):
        before = len(mail.outbox)
        with django_capture_on_commit_callbacks(execute=True):
            answer = (client or Client()).post(
                RESET, {"email": email}, REMOTE_ADDR=address
            )
        assert answer["Location"] == reverse("account_reset_password_done")
        return len(mail.outbox) - before

    return asking


@pytest.mark.parametrize("is_known", [True, False])
def test_nobody_is_flooded_with_mails(mara, streets, ask, is_known):
    email = mara.email if is_known else f"no-{mara.email}"
    assert sum(ask(email, streets.new()) for _ in range(12)) == 10
    one = streets.new()
    other = f"x-{email}"
    assert sum(ask(other, one) for _ in range(7)) == 5


def test_strangers_who_ask_cannot_keep_a_known_browser_from_it(mara, streets, ask):
    known = sign_in(mara, streets.new())
    leave(known)
    for _ in range(12):
        ask(mara.email, streets.new())
    assert ask(mara.email, streets.new()) == 0
    assert ask(mara.email, streets.new(), client=known) == 1


def test_the_links_strangers_have_asked_for_open_the_account_to_its_owner(
    mara, streets, ask
):
    for _ in range(12):
        ask(mara.email, streets.new())
    client = Client()
    link = re.search(r"http://\S+", mail.outbox[-1].body)[0]
    assert "Choose a new password" in client.get(link, follow=True).content.decode()


def test_who_signs_in_elsewhere_is_told_so_and_gets_no_link(db, streets, ask):
    user = UserFactory(provider="azure_ad", provider_user_id=secrets.token_hex(4))
    user.set_unusable_password()
    user.save()
    assert ask(user.email, streets.new()) == 1
    assert "Azure AD" in mail.outbox[-1].body
    assert "http" not in mail.outbox[-1].body
