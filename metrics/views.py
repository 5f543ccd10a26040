"""The pages of metrics: the overview, a page an agent type, results by hand."""

import json
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.errors import DomainError
from accounts.models.lifecycle import request_fingerprint
from accounts.views.access import page, principal_of
from metrics import charts, exports, overviews, trends
from metrics.api_ledger import csv_response
from metrics.filters import LeaderboardFilter
from metrics.forms import OnceForm, ResultForm
from metrics.ledger import Request
from metrics.models import AgentMetrics, Difficulty, Priority, Source, Status
from metrics.services import AgentMetricsService

PER_PAGE = 25
RANGES = [(28, "4 weeks"), (56, "8 weeks"), (182, "26 weeks")]
ORDERS = [
    ("", "By level"),
    ("-xp", "Most XP"),
    ("-pass_rate", "Best pass rate"),
    ("pass_rate", "Lowest pass rate"),
    ("-total_tests_given", "Most tests"),
    ("-learning_score", "Best learning score"),
    ("agent_type", "By name"),
]
FILTERS = [
    ("difficulty", "Difficulty", Difficulty.choices),
    ("status", "Status", Status.choices),
    ("priority", "Priority", Priority.choices),
]


def service_of(request: HttpRequest) -> AgentMetricsService:
    who = principal_of(request)
    return AgentMetricsService(
        who.organization, actor=who.user, source=Source.DASHBOARD
    )


def find_board(request: HttpRequest, agent_type: str) -> AgentMetrics:
    """Return a scoreboard of the viewer's organization, or answer 404."""
    board = service_of(request).board(agent_type)
    if board is None:
        raise Http404
    return board


def asked_range(request: HttpRequest) -> dict[str, Any]:
    """Read which days or weeks the curves show; anything else shows the usual."""
    interval, days = request.GET.get("interval"), request.GET.get("days")
    known = {str(number): number for number, _ in RANGES}
    return {
        "interval": interval if interval in trends.INTERVALS else "day",
        "days": known.get(days, trends.DEFAULT_DAYS),
    }


@require_safe
@page("metrics:read")
def overview(request: HttpRequest) -> HttpResponse:
    """Show all agent types together, and who leads."""
    organization, shown = principal_of(request).organization, asked_range(request)
    found = LeaderboardFilter(
        request.GET, queryset=service_of(request).boards().best_first().without_lists()
    )
    sheet = overviews.overview(organization, **shown, leaders=0)
    asked = {name: request.GET.get(name, "") for name in LeaderboardFilter.base_filters}
    is_narrowed = any(value for key, value in asked.items() if key != "ordering")
    pages = Paginator(found.qs, PER_PAGE)
    if not is_narrowed:
        # Counted already, with the sums.
        pages.count = sheet.totals["summary"]["total_agents"]
    leaders = pages.get_page(request.GET.get("page"))
    context = {
        **shown,
        "sheet": sheet,
        "curves": [
            charts.tests_chart(sheet.points, shown["interval"]),
            charts.rate_chart(sheet.points, shown["interval"]),
            charts.earned_chart(sheet.points, shown["interval"]),
        ],
        "page": leaders,
        "leaders": overviews.ranked(leaders.object_list, leaders.start_index()),
        "asked": asked,
        "is_narrowed": is_narrowed,
        "wrong_filter": bool(found.errors),
        "filters": [
            (name, label, choices, asked[name]) for name, label, choices in FILTERS
        ],
        "orders": ORDERS,
        "ranges": RANGES,
    }
    return render(request, "metrics/overview.html", context)


@require_safe
@page("metrics:read")
def portrait(request: HttpRequest, agent_type: str) -> HttpResponse:
    """Show one agent type: where it stands and how it came there."""
    organization, shown = principal_of(request).organization, asked_range(request)
    sheet = overviews.portrait(organization, agent_type.lower(), **shown)
    if sheet is None:
        raise Http404
    context = {
        **shown,
        "sheet": sheet,
        "board": sheet.board,
        "curves": [
            charts.running_chart(sheet.points, sheet.running_xp, shown["interval"]),
            charts.tests_chart(sheet.points, shown["interval"]),
            charts.rate_chart(sheet.points, shown["interval"]),
        ],
        "patterns": newest_words(sheet.board.learning_patterns),
        "suggestions": newest_words(sheet.board.improvement_suggestions),
        "ranges": RANGES,
    }
    return render(request, "metrics/portrait.html", context)


def newest_words(entries: list[Any]) -> list[tuple[str, int]]:
    """Return what was noted and how often, the newest first."""
    counts: dict[str, int] = {}
    for entry in reversed(entries):
        is_text = isinstance(entry, str)
        words = entry if is_text else json.dumps(entry, ensure_ascii=False)
        counts[words] = counts.get(words, 0) + 1
    return list(counts.items())


@require_http_methods(["GET", "HEAD", "POST"])
@page("metrics:write")
def record(request: HttpRequest, agent_type: str) -> HttpResponse:
    """Record the result of a test that somebody gave by hand."""
    board, form = find_board(request, agent_type), ResultForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        body = form.body()
        try:
            recorded = service_of(request).record_custody_test(
                board.agent_type, body, known_by(form, board, body)
            )
        except DomainError as error:
            form.refuse(error)
        else:
            messages.success(
                request,
                "This result was already recorded; it counts once."
                if recorded.is_replay
                else "The result is recorded.",
            )
            return redirect("metrics:portrait", board.agent_type)
    context = {"board": board, "form": form}
    return render(request, "metrics/record.html", context, status=_status_of(form))


@require_http_methods(["GET", "HEAD", "POST"])
@page("metrics:write")
def reset(request: HttpRequest, agent_type: str) -> HttpResponse:
    """Take every metric back to its default, once it is confirmed."""
    board, form = find_board(request, agent_type), OnceForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            service_of(request).reset(board.agent_type, known_by(form, board, "reset"))
        except DomainError as error:
            form.refuse(error)
        else:
            messages.success(request, f"{board.agent_type} starts again at level 1.")
            return redirect("metrics:portrait", board.agent_type)
    context = {"board": board, "form": form}
    return render(request, "metrics/reset.html", context, status=_status_of(form))


def known_by(form: OnceForm, board: AgentMetrics, what: Any) -> Request:
    """Return how a second submission of the same form is recognized."""
    fingerprint = request_fingerprint(["page", board.agent_type, what])
    return Request(form.cleaned_data["idempotency_key"], fingerprint)


def _status_of(form: OnceForm) -> int:
    return 422 if form.is_bound and not form.is_valid() else 200


@require_safe
@page("metrics:read")
def export(request: HttpRequest) -> StreamingHttpResponse:
    """Every scoreboard as CSV."""
    lines = exports.scoreboard(service_of(request).boards())
    return csv_response(lines, "agent-metrics.csv")


@require_safe
@page("metrics:read")
def export_ledger(request: HttpRequest, agent_type: str) -> StreamingHttpResponse:
    """Every event of one agent type as CSV, oldest first."""
    board = find_board(request, agent_type)
    return csv_response(exports.ledger(board), f"{board.agent_type}.csv")
