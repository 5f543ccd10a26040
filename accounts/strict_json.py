"""JSON as we accept it: what other readers guess at is refused, with a pointer."""

import json
import math
from typing import Any

from rest_framework import exceptions

MAX_DEPTH = 20
# A few megabytes of empty lists would be hundreds of them in memory. Texts hold
# brackets and commas too, so there is room for a large one.
MAX_BRACKETS = 500_000
MAX_COMMAS = 2_000_000


class InvalidBody(exceptions.ParseError):
    """The body is not JSON as we accept it; the pointer says where."""

    def __init__(self, detail: str, pointer: str = "", code: str = "invalid_json"):
        super().__init__(detail, code)
        self.pointer = pointer


def _object_without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise InvalidBody("An object names the same key twice.", code="duplicate_key")
    return found


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise InvalidBody("A number is too large.", code="number_out_of_range")
    return number


def _no_constant(text: str) -> None:
    raise InvalidBody(f"{text} is not JSON.")


def check_text(value: Any, pointer: str = "", depth: int = 0) -> None:
    """Refuse what PostgreSQL cannot store and what nobody nests by hand."""
    if depth > MAX_DEPTH:
        raise InvalidBody("Nested too deeply.", pointer, "nested_too_deeply")
    if isinstance(value, str):
        if "\x00" in value or not _is_unicode(value):
            raise InvalidBody(
                "The text holds a character that cannot be stored.",
                pointer,
                "invalid_character",
            )
    elif isinstance(value, dict):
        for key, item in value.items():
            escaped = key.replace("~", "~0").replace("/", "~1")
            if "\x00" in key or not _is_unicode(key):
                raise InvalidBody(
                    "A key holds a character that cannot be stored.",
                    pointer,
                    "invalid_character",
                )
            check_text(item, f"{pointer}/{escaped}", depth + 1)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            check_text(item, f"{pointer}/{index}", depth + 1)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def parse_json(raw: bytes) -> Any:
    """Return what a text in UTF-8 says, or raise InvalidBody."""
    brackets = raw.count(b"[") + raw.count(b"{")
    if brackets > MAX_BRACKETS or raw.count(b",") > MAX_COMMAS:
        raise InvalidBody("The body has too many parts.", code="too_many_parts")
    try:
        value = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_object_without_twins,
            parse_float=_finite,
            parse_constant=_no_constant,
        )
    except RecursionError:
        raise InvalidBody("Nested too deeply.", code="nested_too_deeply") from None
    except UnicodeDecodeError:
        raise InvalidBody("The body is not UTF-8.", code="not_utf8") from None
    except ValueError as error:
        reason = str(error) if isinstance(error, json.JSONDecodeError) else ""
        raise InvalidBody(f"The body is not JSON. {reason}".strip()) from None
    check_text(value)
    return value
