"""Error pages outside the API."""

import sys

from django.core.exceptions import (
    RequestDataTooBig,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views import defaults

from config.problems import is_api_path, problem_http_response

TOO_MUCH = (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Tell who sent too much so; what else is wrong is a plain 400."""
    if isinstance(exception, TOO_MUCH):
        # Without the request: its body can be read by nobody any more.
        return HttpResponse(render_to_string("413.html"), status=413)
    return defaults.bad_request(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer for what broke; a database that is away will be back."""
    if not isinstance(sys.exception(), OperationalError | InterfaceError):
        return defaults.server_error(request)
    return HttpResponse(
        render_to_string("503.html"), status=503, headers={"Retry-After": "2"}
    )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Refuse a form whose token is missing or stale."""
    if is_api_path(request.path):
        return problem_http_response(
            request, 403, code="csrf-failed", detail="The CSRF token is missing."
        )
    return render(request, "403_csrf.html", status=403)
