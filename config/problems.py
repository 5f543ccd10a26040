"""Errors as RFC 9457 problems: `application/problem+json`, one shape everywhere."""

from typing import Any

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse

CONTENT_TYPE = "application/problem+json"
TITLES = {
    400: ("invalid-request", "The request is not valid"),
    401: ("not-authenticated", "Authentication is required"),
    403: ("forbidden", "You may not do this"),
    404: ("not-found", "There is no such thing here"),
    405: ("method-not-allowed", "This method is not allowed here"),
    406: ("not-acceptable", "This representation is not offered"),
    408: ("request-timeout", "The request did not arrive in time"),
    409: ("conflict", "Try again unchanged"),
    412: ("precondition-failed", "It has changed since you read it"),
    413: ("too-large", "The request is too large"),
    415: ("unsupported-media-type", "This media type is not understood"),
    422: ("unprocessable", "The request cannot be carried out"),
    429: ("quota-exceeded", "Too many requests"),
    500: ("server-error", "Something went wrong on our side"),
    503: ("unavailable", "Not available at the moment"),
}
# Where every error is a problem, whatever went wrong.
API_PATHS = ("/api/", "/v1/", "/health")


# Where clients expect OpenAI's shape: it stands in the problem, under `error`.
OPENAI_PATH = "/v1/"
OPENAI_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    429: "rate_limit_error",
}
OPENAI_CODES = {
    "not_authenticated": "invalid_api_key",
    "quota_exceeded": "rate_limit_exceeded",
    "rate_limited": "rate_limit_exceeded",
}


def is_api_path(path: str) -> bool:
    return path.startswith(API_PATHS) or path in ("/api", "/v1")


def problem(
    request: HttpRequest | None,
    status: int,
    *,
    detail: str = "",
    code: str = "",
    title: str = "",
    errors: list[dict[str, str]] | None = None,
    **members: Any,
) -> dict[str, Any]:
    """Build the body; `code` is the last part of the type's address."""
    usual_code, usual_title = TITLES.get(status, TITLES[500 if status >= 500 else 400])
    body = {
        "type": f"{settings.PUBLIC_BASE_URL}/problems/{code or usual_code}",
        "title": title or usual_title,
        "status": status,
        "detail": detail or usual_title + ".",
        "instance": request.path if request is not None else "",
        "request_id": str(getattr(request, "request_id", "")),
        "code": (code or usual_code).replace("-", "_"),
        "errors": errors or [],
    }
    body |= members
    if body["instance"].startswith(OPENAI_PATH):
        body["error"] = openai_error(body)
    return body


def openai_error(body: dict[str, Any]) -> dict[str, Any]:
    """Say a problem in the words of OpenAI's clients."""
    status, code = body["status"], body["code"]
    usual = "server_error" if status >= 500 else "invalid_request_error"
    kind = OPENAI_TYPES.get(status, usual)
    pointer = body["errors"][0]["pointer"] if body["errors"] else ""
    return {
        "message": body["detail"],
        "type": code if code == "insufficient_quota" else kind,
        "param": ".".join(pointer.strip("/").split("/")) or None,
        "code": OPENAI_CODES.get(code, code),
    }


def problem_http_response(
    request: HttpRequest | None, status: int, **members: Any
) -> HttpResponse:
    """Answer with a problem outside the REST framework."""
    return HttpResponse(
        orjson.dumps(problem(request, status, **members)),
        status=status,
        content_type=CONTENT_TYPE,
    )
