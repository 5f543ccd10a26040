"""Operators are asked to have a second step, or need one."""

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from django.test import Client
from django.urls import reverse

from accounts.models import AuditLog
from accounts.tests.factories import PASSWORD, new_address, person_who_signs_in
from accounts.tests.sign_in.second_step import (
    AGAIN,
    APP,
    enter,
    know_the_password,
    shown,
)

pytestmark = pytest.mark.django_db
ACCOUNT = reverse("accounts:account")
ADMIN = reverse("admin:index")


@pytest.fixture(autouse=True)
def place(client):
    client.defaults["REMOTE_ADDR"] = new_address()


def operator_with(app_secret=None):
    user = person_who_signs_in(is_staff=True, is_superuser=True)
    if app_secret:
        totp.TOTP.activate(user, app_secret)
    return user


def test_an_operator_without_a_second_step_is_reminded_once(client):
    client.force_login(operator_with())
    assert "Add a second step" in client.get(ADMIN).content.decode()
    assert "Add a second step" not in client.get(ADMIN).content.decode()
    page = client.get(ACCOUNT).content.decode()
    assert "You can change everything here" in page


def test_the_administration_can_be_closed_to_who_has_none(client, settings):
    settings.ADMIN_REQUIRES_MFA = True
    client.force_login(operator_with())
    assert client.get(ADMIN, follow=True).request["PATH_INFO"] == ACCOUNT
    path = reverse("admin:accounts_user_changelist")
    assert client.get(path, follow=True).request["PATH_INFO"] == ACCOUNT


def test_the_administration_opens_in_a_session_that_has_shown_it(settings):
    settings.ADMIN_REQUIRES_MFA = True
    secret = totp.generate_totp_secret()
    user = operator_with(secret)
    client, _ = know_the_password(user)
    enter(client, shown(secret))
    assert client.get(ADMIN).status_code == 200
    # A session from before it was there shows it first.
    older = Client(REMOTE_ADDR=new_address())
    older.force_login(user)
    asked = older.get(ADMIN, follow=True).request
    assert asked["PATH_INFO"] == reverse("mfa_reauthenticate")
    again = reverse("mfa_reauthenticate")
    answer = older.post(again, {"code": shown(secret, 1), "next": ADMIN})
    assert answer["Location"] == ADMIN
    assert older.get(ADMIN).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_setting_one_up_opens_the_administration_at_once(client, settings):
    settings.ADMIN_REQUIRES_MFA = True
    client.force_login(operator_with())
    client.post(AGAIN, {"password": PASSWORD})
    secret = client.get(APP).context["form"].secret
    client.post(APP, {"code": shown(secret)})
    assert client.get(ADMIN).status_code == 200


def test_an_operator_takes_the_step_from_who_has_lost_it(client):
    mara = person_who_signs_in()
    totp.TOTP.activate(mara, totp.generate_totp_secret())
    RecoveryCodes.activate(mara)
    theirs = Client()
    theirs.force_login(mara)
    operator = operator_with()
    client.force_login(operator)
    form = {"action": "remove_factors", "_selected_action": [mara.pk, operator.pk]}
    client.post(reverse("admin:accounts_user_changelist"), form)
    assert not Authenticator.objects.exists()
    assert theirs.get(ACCOUNT).status_code == 302
    row = AuditLog.objects.get(action="DELETE")
    assert (row.user, row.resource_id) == (operator, str(mara.pk))
    assert row.detail.changes["type"]["old"] == ["recovery_codes", "totp"]
