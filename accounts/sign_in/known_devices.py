"""Browsers a person has signed in with: strangers' guesses do not lock them out."""

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare

from accounts.models.users import User

COOKIE = "known_device"
DAYS = 180
SALT = "accounts.devices"


def remember(response: HttpResponse, user: User) -> None:
    """Let this browser be known to be this person's, until the password changes."""
    response.set_cookie(
        COOKIE,
        signing.dumps([str(user.pk), user.session_stamp()], salt=SALT, compress=False),
        max_age=DAYS * 86_400,
        httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
        samesite="Lax",
    )


def is_known(request: HttpRequest, email: str) -> bool:
    """Say whether the person of this address has signed in with this browser."""
    cookie = request.COOKIES.get(COOKIE)
    if not cookie:
        return False
    try:
        user_id, stamp = signing.loads(cookie, salt=SALT, max_age=DAYS * 86_400)
    except (signing.BadSignature, ValueError, TypeError):
        return False
    user = User.objects.filter(pk=user_id, email=email.strip().lower()).first()
    return user is not None and constant_time_compare(stamp, user.session_stamp())
