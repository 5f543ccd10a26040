"""The visitor's session token: short-lived, signed, kept in memory only.

It has the form `yaw1.<key id>.<claims>.<signature>`. The form names no algorithm:
there is one, HMAC-SHA256. It carries no number of ours; the organization is the
agent's.
"""

import base64
import binascii
import hashlib
import hmac
import json
import secrets
import time
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings

from widget.errors import SessionExpired
from widget.models import WidgetSession

FORM = "yaw1"
LIFE_SECONDS = 600
LONGEST = 2000


class Claims(NamedTuple):
    """What a token says; `sid` is the widget session."""

    sid: UUID
    agent: str
    origin: str
    visitor: str
    verified: bool
    iat: int
    exp: int
    jti: str
    epoch: int


class Issued(NamedTuple):
    token: str
    expires_in: int


def issue(widget_session: WidgetSession) -> Issued:
    """Sign a token for a session, never for longer than the session lasts."""
    now = int(time.time())
    exp = min(now + LIFE_SECONDS, int(widget_session.expires_at.timestamp()))
    claims = {
        "sid": str(widget_session.pk),
        "agent": str(widget_session.agent.public_id),
        "origin": widget_session.origin,
        "visitor": widget_session.visitor_id,
        "verified": False,
        "iat": now,
        "exp": exp,
        "jti": secrets.token_urlsafe(9),
        "epoch": widget_session.epoch,
    }
    kid, key = _keys()[0]
    body = _encode(json.dumps(claims, separators=(",", ":")).encode())
    signed = f"{FORM}.{kid}.{body}"
    return Issued(f"{signed}.{_signature(key, signed)}", max(0, exp - now))


def read(token: str) -> Claims:
    """Return what a genuine, current token says, or raise SessionExpired."""
    form, kid, body, signature = _parts(token)
    key = dict(_keys()).get(kid)
    if form != FORM or key is None:
        raise SessionExpired
    expected = _signature(key, f"{form}.{kid}.{body}")
    if not hmac.compare_digest(expected.encode(), signature.encode()):
        raise SessionExpired
    claims = _claims(body)
    if claims.exp <= time.time():
        raise SessionExpired
    return claims


def _parts(token: str) -> list[str]:
    parts = token.split(".")
    if len(token) > LONGEST or not token.isascii() or len(parts) != 4:
        raise SessionExpired
    return parts


def _claims(body: str) -> Claims:
    try:
        said: dict[str, Any] = json.loads(_decode(body))
        return Claims(**said | {"sid": UUID(said["sid"])})
    except (ValueError, TypeError, KeyError, binascii.Error):
        raise SessionExpired from None


def _keys() -> list[tuple[str, bytes]]:
    """Return (id, key) for the secret key and those it replaced, newest first."""
    found = []
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        key = hmac.digest(secret.encode(), b"widget session token", hashlib.sha256)
        kid = hmac.digest(key, b"key id", hashlib.sha256).hex()[:8]
        found.append((kid, key))
    return found


def _signature(key: bytes, text: str) -> str:
    return _encode(hmac.digest(key, text.encode(), hashlib.sha256))


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
