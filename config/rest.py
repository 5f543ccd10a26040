"""What all REST views share: JSON in, JSON out, problems, pages of lists."""

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
from accounts.strict_json import InvalidBody, parse_json
from config.problems import CONTENT_TYPE, problem


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


class StrictJSONParser(BaseParser):
    """Parse JSON, refusing what other parsers guess at."""

    media_type = "application/json"

    def parse(self, stream, media_type=None, parser_context=None):
        view = (parser_context or {}).get("view")
        most = getattr(view, "max_body_bytes", None)
        most = most or settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        # Django looks at Content-Length only, which a chunked body does not have.
        raw = stream.read(most + 1)
        if len(raw) > most:
            raise BodyTooLarge(most)
        body = parse_json(raw)
        # For the audit log, which may want to know what was asked for.
        if request := (parser_context or {}).get("request"):
            request._request.parsed_json = body
        return body


class BodyTooLarge(RequestDataTooBig):
    """The body is larger than this view reads."""

    def __init__(self, most: int) -> None:
        super().__init__(f"The body is larger than {most / 2**20:.3g} MB.")


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
        is_ours = isinstance(exc, BodyTooLarge)
        return 413, {"detail": str(exc) if is_ours else "The body is too large."}, {}
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
