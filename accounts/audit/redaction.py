"""What the audit log leaves out of what it keeps: secrets, and what is too large."""

import math
import re
from functools import lru_cache
from typing import Any

REDACTED = "[redacted]"
WITHHELD = "[withheld]"
# Parts of the names that secrets are filed under.
SECRET_PARTS = (
    "password",
    "passphrase",
    "secret",
    "token",
    "api_key",
    "authorization",
    "cookie",
)
# Names in a request's body, besides: keys, one-time codes, what a passkey signs. And
# a visitor's id, of which the log holds a digest only.
SECRET_IN_BODIES = re.compile(
    r"(?:\A|_)(?:key|credentials?|visitor_id)\Z|"
    r"\A(?:(?:boot_|one_time_)?code|otp|pin)\Z"
)
# Names like those that hold no secret: one repeats a request, one chooses a persona
# or a template, the others count what a model reads and writes.
HARMLESS = {
    "idempotency_key",
    "persona_key",
    "template_key",
    "max_tokens",
    "max_tokens_per_month",
    "max_completion_tokens",
    "tokens",
    "total_tokens",
    "tokens_used",
}
# A body stands beside what it changed, which is whole in its own place (a document,
# an agent's version): here it only has to tell what was asked for. Unbounded, every
# document would stand a second time in a table that nothing is deleted from.
LONGEST_TEXT = 500
LONGEST_NAME = 100
LONGEST_BODY = 10_000
LONGEST_NUMBER = 256
MOST_NAMES = 40
# What a part costs beside its text, so that a million empty lists are too large, too.
PART = 4
CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
USER_IN_URL = re.compile(r"(?<=://)[^/@?#\s]+@")
PARAMETER = re.compile(r"([?&#]([^=&#?\s]+)=)[^&#\s]*")
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class TooLarge(Exception):
    """A body is more than the log keeps."""


def spelled(name: str) -> str:
    """Return a name as we would write it: `X-Api-Key` and `apiKey` alike."""
    return CAMEL.sub("_", name).lower().replace("-", "_")


# The same few names are asked about in every entry.
@lru_cache(maxsize=1024)
def is_secret(name: str) -> bool:
    """Say whether what is filed under a name must not be kept."""
    name = spelled(name)
    return name not in HARMLESS and any(part in name for part in SECRET_PARTS)


@lru_cache(maxsize=1024)
def is_secret_in_body(name: str) -> bool:
    """Say so of what a request's body files under a name."""
    name = spelled(name)
    return is_secret(name) or (
        name not in HARMLESS and SECRET_IN_BODIES.search(name) is not None
    )


def redact(value: Any) -> Any:
    """Replace whatever is filed under a secret's name, at any depth."""
    if isinstance(value, dict):
        return {
            str(key): REDACTED if is_secret(str(key)) else redact(item)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [redact(item) for item in value]
    return as_stored(value) if isinstance(value, float) else value


def as_stored(number: float) -> float | int | str:
    """Return a number as JSONB gives it back, so that its digest can be recomputed."""
    if not math.isfinite(number):
        return str(number)
    # There is no negative zero, nor an exponent.
    if number == 0:
        return 0.0
    return int(number) if abs(number) >= 1e16 else number


def redact_body(body: Any) -> Any:
    """Return of a body what the log keeps, or say that it is too large."""
    try:
        return Copying().copy(body)
    except TooLarge:
        return f"[more than {LONGEST_BODY} characters]"


def names_in(body: Any) -> Any:
    """Return of a body the names alone."""
    if not isinstance(body, dict) or len(body) > MOST_NAMES:
        return None if body is None else WITHHELD
    return {storable(str(name)[:LONGEST_NAME]): WITHHELD for name in body}


class Copying:
    """A copy of a body without its secrets, as long as it is not too large."""

    def __init__(self) -> None:
        self.left = LONGEST_BODY

    def copy(self, value: Any) -> Any:
        self.spend(PART)
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return dict(self.item(str(name), item) for name, item in value.items())
        if isinstance(value, list | tuple):
            return [self.copy(item) for item in value]
        if isinstance(value, float):
            return as_stored(value)
        if isinstance(value, int) and value.bit_length() > LONGEST_NUMBER:
            return f"[a number of {value.bit_length()} bits]"
        return value

    def item(self, name: str, value: Any) -> tuple[str, Any]:
        # Nobody of ours has such names: who knows what it hides.
        if len(name) > LONGEST_NAME:
            self.spend(LONGEST_NAME)
            return storable(name[:LONGEST_NAME]), REDACTED
        self.spend(len(name))
        kept = REDACTED if is_secret_in_body(name) else self.copy(value)
        return storable(name), kept

    def text(self, text: str) -> str:
        kept = text[:LONGEST_TEXT]
        self.spend(len(kept))
        if "://" in kept:
            kept = USER_IN_URL.sub(f"{REDACTED}@", kept)
            kept = PARAMETER.sub(_parameter, kept)
        kept = storable(kept)
        if len(text) <= LONGEST_TEXT:
            return kept
        return f"{kept}… [{len(text)} characters]"

    def spend(self, characters: int) -> None:
        self.left -= characters
        if self.left < 0:
            raise TooLarge


def storable(text: str) -> str:
    """Replace what PostgreSQL cannot hold, which a form may bring."""
    return text if text.isprintable() else UNSTORABLE.sub("\ufffd", text)


def _parameter(found: re.Match[str]) -> str:
    name = found[2][:LONGEST_NAME]
    return found[1] + REDACTED if is_secret_in_body(name) else found[0]
