"""Error pages outside the API."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from config.problems import is_api_path, problem_http_response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Refuse a form whose token is missing or stale."""
    if is_api_path(request.path):
        return problem_http_response(
            request, 403, code="csrf-failed", detail="The CSRF token is missing."
        )
    return render(request, "403_csrf.html", status=403)
