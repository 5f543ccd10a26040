"""Keep secrets we must read again: encrypted with keys that follow from SECRET_KEY."""

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.utils.crypto import salted_hmac

SALT = "accounts.encryption"


class Undecryptable(Exception):
    """The key this was encrypted with is neither SECRET_KEY nor a fallback."""


def encrypt(text: str) -> str:
    return _keys().encrypt(text.encode()).decode()


def decrypt(token: str) -> str:
    """Return what was encrypted, also under a former key. Raises Undecryptable."""
    try:
        return _keys().decrypt(token.encode()).decode()
    except InvalidToken:
        raise Undecryptable from None


def _keys() -> MultiFernet:
    """The first key encrypts; all of them decrypt."""
    return MultiFernet(
        Fernet(base64.urlsafe_b64encode(_derived(key)))
        for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    )


def _derived(key: str) -> bytes:
    return salted_hmac(SALT, "", secret=key, algorithm="sha256").digest()
