"""What somebody does who signs in with a second step."""

import time

from allauth.mfa.totp.internal import auth as totp
from django.test import Client
from django.urls import reverse

from accounts.tests.factories import PASSWORD, new_address

LOGIN = reverse("account_login")
AGAIN = reverse("account_reauthenticate")
STEP = reverse("mfa_authenticate")
APP = reverse("mfa_activate_totp")


def shown(secret, half_minutes=0):
    """Return the code an app shows now, or so many half minutes later."""
    return totp.format_hotp_value(
        totp.hotp_value(secret, int(time.time()) // 30 + half_minutes)
    )


def know_the_password(user, client=None):
    client = client or Client(REMOTE_ADDR=new_address())
    answer = client.post(LOGIN, {"login": user.email, "password": PASSWORD})
    return client, answer


def enter(client, code):
    return client.post(STEP, {"code": code})
