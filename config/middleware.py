"""The outermost layer: a request's id, its log line, and problems for API paths."""

import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import contextmanager

import structlog
from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from csp.constants import HEADER
from csp.middleware import CSPMiddleware
from csp.utils import build_policy
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.functional import cached_property

from accounts import rate_limits
from accounts.audit.log import without_secrets
from accounts.audit.request_facts import RequestFacts, current_request
from config.measures import measures
from config.problems import CONTENT_TYPE, is_api_path, problem_http_response

log = structlog.get_logger("request")
KEPT_HEADERS = ("Retry-After", "WWW-Authenticate", "Allow", "Vary")


def client_address(request: HttpRequest) -> str:
    """Return the address the outermost trusted proxy saw, or the peer's own."""
    hops = settings.TRUSTED_PROXY_COUNT
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    if hops and len(forwarded) >= hops and forwarded[-hops].strip():
        return forwarded[-hops].strip()[:45]
    return request.META.get("REMOTE_ADDR", "")[:45]


def request_id_of(request: HttpRequest) -> uuid.UUID:
    """Keep the caller's id when it is a UUID, so that traces join up."""
    try:
        return uuid.UUID(request.META.get("HTTP_X_REQUEST_ID", "")[:36])
    except ValueError:
        return uuid.uuid4()


class RequestMiddleware:
    sync_capable = True
    async_capable = True

    def __init__(
        self, get_response: Callable[[HttpRequest], HttpResponse | Awaitable]
    ) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request):
        if self.is_async:
            return self.answer(request)
        with self.described(request) as started:
            response = self.finished(request, self.get_response(request), started)
            measures.share()
            return response

    async def answer(self, request: HttpRequest) -> HttpResponse:
        with self.described(request) as started:
            return self.finished(request, await self.get_response(request), started)

    @contextmanager
    def described(self, request: HttpRequest):
        request.request_id = request_id_of(request)
        request.client_address = client_address(request)
        token = current_request.set(
            RequestFacts(
                request_id=request.request_id,
                path=request.path,
                method=request.method or "",
                ip_address=request.client_address,
                user_agent=request.META.get("HTTP_USER_AGENT", ""),
                request=request,
            )
        )
        with structlog.contextvars.bound_contextvars(
            request_id=str(request.request_id)
        ):
            try:
                yield time.perf_counter()
            finally:
                current_request.reset(token)

    def finished(
        self, request: HttpRequest, response: HttpResponse, started: float
    ) -> HttpResponse:
        if response.status_code >= 400 and is_api_path(request.path):
            response = as_problem(request, response)
        measures.count_answer(response.status_code)
        response["X-Request-ID"] = str(request.request_id)
        if standings := getattr(request, "rate_standings", None):
            for name, value in rate_limits.headers(standings).items():
                response.headers.setdefault(name, value)
        log.info(
            "Request answered",
            method=request.method,
            path=without_secrets(request.path),
            status=response.status_code,
            milliseconds=round((time.perf_counter() - started) * 1000, 1),
        )
        return response


class PolicyMiddleware(CSPMiddleware):
    """Content-Security-Policy; the text that nearly every answer has is made once."""

    def process_response(self, request, response):
        has_own = any(name.startswith("_csp") for name in vars(response))
        is_technical = settings.DEBUG and response.status_code in (404, 500)
        if has_own or is_technical or hasattr(request, "_csp_nonce"):
            return super().process_response(request, response)
        response.headers.setdefault(HEADER, self.usual)
        return response

    @cached_property
    def usual(self) -> str:
        return build_policy()


def as_problem(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Replace an error page by a problem, keeping the headers that matter."""
    if response.get("Content-Type", "").startswith(CONTENT_TYPE):
        return response
    if response.get("Content-Type", "").startswith("application/json"):
        return response
    answer = problem_http_response(request, response.status_code)
    for name in KEPT_HEADERS:
        if name in response:
            answer[name] = response[name]
    response.close()
    return answer
