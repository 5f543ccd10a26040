"""Browsers a person has signed in with: strangers' guesses do not lock them out."""

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts.models.users import User

COOKIE = "known_device"
DAYS = 180
SALT = "accounts.devices"


def remember(response: HttpResponse, user: User) -> None:
    """Let this browser be known to be this person's, until the password changes."""
    response.set_cookie(
        COOKIE,
        signing.dumps([str(user.pk), _stamp(user)], salt=SALT, compress=False),
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
    return user is not None and constant_time_compare(stamp, _stamp(user))


def _stamp(user: User) -> str:
    facts = f"{user.pk}:{user.password}:{user.session_epoch}"
    return salted_hmac(SALT, facts, algorithm="sha256").hexdigest()[:32]
