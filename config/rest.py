"""What all REST views share: JSON in, JSON out, problems, pages of lists."""

import json
import math
from typing import Any

import orjson
from django.conf import settings
from django.core.exceptions import (
    BadRequest,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.db import DatabaseError, InterfaceError, OperationalError
from django.http import Http404
from rest_framework import exceptions, status
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.response import Response
from rest_framework.views import set_rollback

from accounts.errors import DomainError
from config.problems import CONTENT_TYPE, problem

MAX_DEPTH = 20


class JSONRenderer(BaseRenderer):
    media_type = "application/json"
    format = "json"
    charset = None

    def render(self, data, accepted_media_type=None, renderer_context=None):
        if data is None:
            return b""
        return orjson.dumps(
            data, default=str, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS
        )


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
    return text.isascii() or not any("\ud800" <= char <= "\udfff" for char in text)


class StrictJSONParser(BaseParser):
    """Parse JSON, refusing what other parsers guess at."""

    media_type = "application/json"

    def parse(self, stream, media_type=None, parser_context=None):
        # Django looks at Content-Length only, which a chunked body does not have.
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        raw = stream.read(most + 1)
        if len(raw) > most:
            raise RequestDataTooBig
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


def _pointers(detail: Any, pointer: str = "") -> list[dict[str, str]]:
    """Flatten the framework's nested errors to pointers."""
    if isinstance(detail, dict):
        return [
            error
            for name, item in detail.items()
            for error in _pointers(
                item,
                pointer
                if name == "non_field_errors"
                else f"{pointer}/{str(name).replace('~', '~0').replace('/', '~1')}",
            )
        ]
    if isinstance(detail, list):
        return [
            error
            for index, item in enumerate(detail)
            for error in _pointers(
                item, f"{pointer}/{index}" if isinstance(item, dict | list) else pointer
            )
            if item not in ({}, [])
        ]
    code = getattr(detail, "code", "invalid")
    return [{"pointer": pointer, "code": code, "detail": str(detail)}]


def problem_response(exc: Exception, context: dict[str, Any]) -> Response | None:
    """Turn whatever a view raised into a problem; None lets a bug be a 500."""
    request = context["request"]._request
    answer = _answer(exc, request)
    if answer is None:
        return None
    set_rollback()
    status_code, members, headers = answer
    response = Response(
        problem(request, status_code, **members),
        status=status_code,
        content_type=CONTENT_TYPE,
        headers=headers,
    )
    response.exception = True
    return response


def _answer(
    exc: Exception, request: Any
) -> tuple[int, dict[str, Any], dict[str, str]] | None:
    if isinstance(exc, DomainError):
        return exc.status, exc.members(), exc.headers()
    if isinstance(exc, RequestDataTooBig):
        return 413, {"detail": "The body is larger than 2.5 MB."}, {}
    if isinstance(exc, Http404):
        return 404, {}, {}
    if isinstance(exc, PermissionDenied):
        return 403, {"detail": str(exc)}, {}
    if isinstance(exc, SuspiciousOperation | BadRequest):
        return 400, {}, {}
    if isinstance(exc, InvalidBody):
        error = {
            "pointer": exc.pointer,
            "code": exc.get_codes(),
            "detail": str(exc.detail),
        }
        return 400, {"detail": str(exc.detail), "errors": [error]}, {}
    if isinstance(exc, exceptions.APIException):
        return _framework_answer(exc)
    if isinstance(exc, DatabaseError | InterfaceError):
        return _database_answer(exc)
    return None


def _framework_answer(
    exc: exceptions.APIException,
) -> tuple[int, dict[str, Any], dict[str, str]]:
    headers = {}
    if getattr(exc, "auth_header", None):
        headers["WWW-Authenticate"] = exc.auth_header
    if getattr(exc, "wait", None):
        headers["Retry-After"] = str(math.ceil(exc.wait))
    if isinstance(exc, exceptions.ValidationError):
        errors = _pointers(exc.detail)
        detail = errors[0]["detail"] if errors else ""
        return 400, {"detail": detail, "errors": errors}, headers
    if isinstance(exc, exceptions.NotFound):
        return 404, {}, headers
    return exc.status_code, {"detail": str(exc.detail)}, headers


def _database_answer(
    exc: Exception,
) -> tuple[int, dict[str, Any], dict[str, str]] | None:
    """Overload and lock waits are passing; anything else is a bug."""
    sqlstate = getattr(exc.__cause__, "sqlstate", None)
    if sqlstate == "55P03":
        detail = "Another request is changing this. Try again."
        return 409, {"detail": detail, "code": "busy"}, {"Retry-After": "1"}
    if isinstance(exc, OperationalError | InterfaceError):
        return status.HTTP_503_SERVICE_UNAVAILABLE, {}, {"Retry-After": "2"}
    return None
