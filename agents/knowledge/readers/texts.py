"""Plain text, and text in whatever encoding."""

import re

from agents.knowledge.file_types import CONTROL, encoding_of
from agents.knowledge.readers.reading import Reading, Unreadable

HEADING = re.compile(r"\A\s*#{1,2} ++(.+)")
DETECTED_FROM = 200_000
NOT_TEXT = "This is not text in an encoding we know. Save it as UTF-8."


def decoded(raw: bytes, declared: str = "") -> str:
    """Return a text, by its marks, what it declares, or what its letters suggest."""
    for encoding in filter(None, (encoding_of(raw), declared)):
        try:
            return raw.decode(encoding).lstrip("\ufeff")
        except (UnicodeDecodeError, LookupError):
            continue
    return _detected(raw)


def _detected(raw: bytes) -> str:
    from charset_normalizer import from_bytes

    best = from_bytes(raw[:DETECTED_FROM]).best()
    if best is None or b"\x00" in raw[:DETECTED_FROM]:
        raise Unreadable(NOT_TEXT)
    text = raw.decode(best.encoding, "replace")
    if text.count("\ufffd") > len(text) / 100:
        raise Unreadable(NOT_TEXT)
    return text


def read(raw: bytes) -> Reading:
    text = decoded(raw)
    if len(CONTROL.findall(text)) > len(text) / 100:
        raise Unreadable(NOT_TEXT)
    return Reading(text, title_of(text))


def title_of(text: str) -> str:
    """Return the heading a text begins with, if it does."""
    first = HEADING.match(text)
    return first[1].strip("# ") if first else ""
