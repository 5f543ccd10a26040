"""The second step of signing in: apps, recovery codes, and who is asked for them."""

import json
import re

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from django.contrib.sessions.models import Session
from django.core import mail
from django.test import Client
from django.urls import reverse

from accounts import encryption
from accounts.models import AuditLog
from accounts.tests.factories import (
    PASSWORD,
    MembershipFactory,
    new_address,
    person_who_signs_in,
)
from accounts.tests.sign_in.second_step import (
    AGAIN,
    APP,
    LOGIN,
    STEP,
    enter,
    know_the_password,
    shown,
)

pytestmark = pytest.mark.django_db
CODES = reverse("mfa_view_recovery_codes")
ACCOUNT = reverse("accounts:account")


@pytest.fixture(autouse=True)
def place(client):
    client.defaults["REMOTE_ADDR"] = new_address()


@pytest.fixture
def mara(db):
    user = person_who_signs_in(name="Mara")
    MembershipFactory(user=user)
    return user


@pytest.fixture
def browser(client, mara):
    """Mara's browser, in which she has just shown once more who she is."""
    client.force_login(mara)
    client.post(AGAIN, {"password": PASSWORD})
    return client


@pytest.fixture
def app(mara):
    """The secret of an app Mara has."""
    secret = totp.generate_totp_secret()
    totp.TOTP.activate(mara, secret)
    return secret


@pytest.fixture
def codes(mara, app):
    return RecoveryCodes.activate(mara).generate_codes()


def is_signed_in(client):
    return "_auth_user_id" in client.session


def recorded(user):
    """Return what the audit log says was done: the action, and what became what."""
    found = []
    for row in AuditLog.objects.filter(user_id=user.pk).order_by("sequence"):
        change = row.detail.changes.get("factor", {})
        found.append((row.action, change.get("old"), change.get("new")))
    return found


# --- Setting one up ---------------------------------------------------------
def test_setting_up_asks_once_more_who_it_is(client, mara):
    client.force_login(mara)
    for name in (
        "mfa_activate_totp",
        "mfa_add_webauthn",
        "mfa_generate_recovery_codes",
    ):
        answer = client.get(reverse(name))
        assert answer["Location"].startswith(f"{AGAIN}?next=")
    assert client.post(APP, {"code": "000000"})["Location"].startswith(AGAIN)


@pytest.mark.django_db(transaction=True)
def test_an_app_is_connected_by_its_first_code(browser, mara):
    page = browser.get(APP)
    secret = page.context["form"].secret
    assert secret in page.content.decode()
    assert browser.post(APP, {"code": shown(secret)})["Location"] == CODES
    assert recorded(mara) == [
        ("LOGIN", None, None),
        ("CREATE", None, "totp"),
        ("CREATE", None, "recovery_codes"),
    ]
    assert mail.outbox[0].subject.endswith("Sign-in now asks for a code")
    assert "Authenticator app" in browser.get(ACCOUNT).content.decode()


def test_a_wrong_first_code_connects_nothing(browser, mara):
    secret = browser.get(APP).context["form"].secret
    page = browser.post(APP, {"code": shown(secret, 9)})
    assert "not right" in page.content.decode()
    # The same secret is offered again: it may be in the app already.
    assert page.context["form"].secret == secret
    assert not Authenticator.objects.exists()


def test_no_secret_is_kept_in_clear(browser, mara, codes, app):
    Authenticator.objects.filter(type="totp").delete()
    secret = browser.get(APP).context["form"].secret
    session = Session.objects.get(pk=browser.session.session_key).get_decoded()
    assert secret not in json.dumps(session)
    assert encryption.decrypt(session[totp.SECRET_SESSION_KEY]) == secret
    browser.post(APP, {"code": shown(secret)})
    kept = json.dumps(list(Authenticator.objects.values_list("data", flat=True)))
    for text in (secret, *codes):
        assert text not in kept


def test_a_former_key_still_opens_the_secrets(mara, app, settings):
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another key, which is long enough for everything here" * 2
    client, _ = know_the_password(mara)
    enter(client, shown(app))
    assert is_signed_in(client)


# --- Signing in -------------------------------------------------------------
def test_the_password_alone_opens_nothing(mara, app):
    client, answer = know_the_password(mara)
    assert answer["Location"] == STEP
    assert not is_signed_in(client)
    assert client.get(ACCOUNT).status_code == 302


def test_the_apps_code_opens_the_account_and_is_recorded(mara, app):
    client, _ = know_the_password(mara)
    assert enter(client, f" {shown(app)[:3]} {shown(app)[3:]} ")["Location"] == "/"
    assert is_signed_in(client)
    assert recorded(mara)[-1] == ("LOGIN", None, None)


@pytest.mark.parametrize("code", ["", "000000", "abc", "1" * 21, "\x00", "١٢٣٤٥٦"])
def test_a_wrong_code_opens_nothing_and_is_recorded(mara, app, code):
    client, _ = know_the_password(mara)
    assert enter(client, code).status_code == 200
    assert not is_signed_in(client)
    rows = AuditLog.objects.filter(action="FAILED_AUTH", resource_id=str(mara.pk))
    is_try = 0 < len(code) <= 20 and "\x00" not in code
    assert [row.detail.metadata for row in rows] == [{"factor": "code"}] * is_try


def test_a_code_counts_once_however_long_it_is_shown(mara, app):
    early = shown(app, -1)
    enter(know_the_password(mara)[0], early)
    client, _ = know_the_password(mara)
    enter(client, early)
    assert not is_signed_in(client)
    enter(client, shown(app))
    assert is_signed_in(client)
    # One from before the last that counted is no good either.
    other, _ = know_the_password(mara)
    enter(other, early)
    assert not is_signed_in(other)


@pytest.mark.parametrize("half_minutes", [-3, 3])
def test_a_code_of_another_time_opens_nothing(mara, app, half_minutes):
    client, _ = know_the_password(mara)
    enter(client, shown(app, half_minutes))
    assert not is_signed_in(client)


def test_a_recovery_code_opens_it_once(mara, codes):
    client, _ = know_the_password(mara)
    enter(client, codes[3])
    assert is_signed_in(client)
    other, _ = know_the_password(mara)
    enter(other, codes[3])
    assert not is_signed_in(other)
    assert ("EXECUTE", "recovery_code", None) in recorded(mara)
    assert "9 left" in client.get(ACCOUNT).content.decode()


def test_a_new_password_by_mail_does_not_do_without_it(
    mara, app, django_capture_on_commit_callbacks
):
    client = Client()
    with django_capture_on_commit_callbacks(execute=True):
        client.post(reverse("account_reset_password"), {"email": mara.email})
    link = re.search(r"http://\S+", mail.outbox[0].body)[0]
    form = client.get(link, follow=True).request["PATH_INFO"]
    client.post(form, dict.fromkeys(("password1", "password2"), "another fine phrase"))
    answer = client.post(
        LOGIN, {"login": mara.email, "password": "another fine phrase"}
    )
    assert answer["Location"] == STEP
    assert not is_signed_in(client)


def test_nobody_gets_to_the_second_step_without_the_first(client, mara, app):
    assert client.get(STEP)["Location"] == LOGIN
    assert enter(client, shown(app))["Location"] == LOGIN
    assert not is_signed_in(client)


# --- Codes, and removing ----------------------------------------------------
def test_recovery_codes_are_shown_to_who_has_shown_it_is_them(client, mara, codes):
    client.force_login(mara)
    assert client.get(CODES)["Location"].startswith(AGAIN)
    client.post(AGAIN, {"password": PASSWORD})
    page = client.get(CODES)
    assert all(code in page.content.decode() for code in codes)
    assert "no-store" in page["Cache-Control"]
    file = client.get(reverse("mfa_download_recovery_codes"))
    assert file.content.decode().split() == codes
    assert "attachment" in file["Content-Disposition"]


def test_new_recovery_codes_replace_the_old(browser, mara, codes):
    browser.post(reverse("mfa_generate_recovery_codes"))
    client, _ = know_the_password(mara)
    enter(client, codes[0])
    assert not is_signed_in(client)
    assert recorded(mara).count(("CREATE", None, "recovery_codes")) == 2


def test_removing_the_app_ends_the_second_step(browser, mara, codes):
    assert (
        "no longer asks" in browser.get(reverse("mfa_deactivate_totp")).content.decode()
    )
    browser.post(reverse("mfa_deactivate_totp"))
    assert not Authenticator.objects.exists()
    assert is_signed_in(know_the_password(mara)[0])
    assert ("DELETE", "totp", None) in recorded(mara)
    assert ("DELETE", "recovery_codes", None) in recorded(mara)


def test_confirming_by_a_code_is_offered_beside_the_password(client, mara, codes):
    client.force_login(mara)
    page = client.get(f"{AGAIN}?next={CODES}").content.decode()
    assert "Use authenticator app or code" in page
    again = reverse("mfa_reauthenticate")
    answer = client.post(again, {"code": codes[0], "next": CODES})
    assert answer["Location"] == CODES
    assert client.get(CODES).status_code == 200


# --- Passkeys, without a device ---------------------------------------------
NONSENSE = [
    "",
    "{",
    "[]",
    "7",
    "null",
    "[" * 5000,
    '"' + "x" * 30_000 + '"',
    "{}",
    '{"id": 1, "rawId": 2, "type": 3, "response": 4}',
    '{"id": "AA", "rawId": "AA", "type": "public-key", "response": {}}',
    json.dumps(
        {
            "id": "AA",
            "rawId": "AA",
            "type": "public-key",
            "response": {
                "clientDataJSON": "AA",
                "attestationObject": "o2M",
                "authenticatorData": "AA",
                "signature": "AA",
                "userHandle": "AA",
            },
        }
    ),
    json.dumps(
        {
            "id": "\x00",
            "rawId": "é",
            "response": {"clientDataJSON": "e30", "attestationObject": "\x00"},
        }
    ),
]


@pytest.mark.parametrize("credential", NONSENSE)
def test_nonsense_for_a_passkey_is_refused_everywhere(browser, mara, app, credential):
    browser.get(reverse("mfa_add_webauthn"))
    form = {"credential": credential, "name": "Key", "passwordless": "on"}
    assert browser.post(reverse("mfa_add_webauthn"), form).status_code == 200
    browser.get(reverse("mfa_reauthenticate_webauthn"))
    again = browser.post(reverse("mfa_reauthenticate_webauthn"), form)
    assert again.status_code == 302
    client, _ = know_the_password(mara)
    client.get(STEP)
    assert client.post(STEP, {"credential": credential}).status_code == 200
    assert not is_signed_in(client)
    assert not Authenticator.objects.filter(type="webauthn").exists()


@pytest.mark.parametrize("credential", NONSENSE)
def test_nonsense_signs_nobody_in_by_a_passkey_alone(client, mara, credential):
    path = reverse("mfa_login_webauthn")
    assert (
        "challenge"
        in client.get(path, headers={"accept": "application/json"}).content.decode()
    )
    assert client.post(path, {"credential": credential})["Location"] == LOGIN
    assert not is_signed_in(client)


def test_anothers_passkey_is_no_ones_to_touch(browser, cy):
    theirs = Authenticator.objects.create(
        user=cy.user, type="webauthn", data={"name": "Cy's", "credential": {}}
    )
    for name in ("mfa_edit_webauthn", "mfa_remove_webauthn"):
        path = reverse(name, args=[theirs.pk])
        assert browser.get(path).status_code == 404
        assert browser.post(path, {"name": "Mine"}).status_code == 404


def test_a_passkey_belongs_to_the_configured_name(browser, settings):
    settings.PUBLIC_BASE_URL = "https://agents.example"
    page = browser.get(reverse("mfa_add_webauthn"))
    options = page.context["js_data"]["creation_options"]["publicKey"]
    assert options["rp"] == {"id": "agents.example", "name": "YourAgent"}
