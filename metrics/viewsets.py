"""The REST door to metrics: the scoreboards, and the ledger behind them."""

from typing import Any

from django.http import HttpResponsePermanentRedirect, StreamingHttpResponse
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.response import Response

from accounts.doors import LIST_PARAMETERS, OrganizationViewSet, idempotency_key
from accounts.errors import NotFound
from accounts.models.api_keys import Scope
from accounts.models.lifecycle import request_fingerprint
from metrics import analytics, exports, trends
from metrics.bodies import (
    CustodyResult,
    InvalidMetrics,
    LearningUpdate,
    MetricsUpdate,
    error_at,
    pointer_to,
    schema_of,
)
from metrics.filters import AgentMetricsFilter, HistoryFilter, LeaderboardFilter
from metrics.ledger import Recorded, Request
from metrics.models import RESERVED_TYPES, AgentMetrics, MetricEvent
from metrics.pagination import LedgerPagination
from metrics.scores import EVENT, RANKED, as_json, figures
from metrics.serializers import (
    BULK_BODY,
    AgentMetricsShape,
    BulkUpdatedShape,
    CustodyShape,
    EventShape,
    LeaderShape,
    LearningRecordedShape,
    MetricsUpdatedShape,
    OverviewShape,
    ResetShape,
    SeriesShape,
    SummaryShape,
    TestRecordedShape,
)
from metrics.services import AgentMetricsService

ORGANIZATION = OpenApiParameter(
    "organization_id", int, description="Needed by who belongs to several."
)
IDEMPOTENCY = OpenApiParameter(
    "Idempotency-Key", str, OpenApiParameter.HEADER, description="1 to 255 characters"
)
CURVE = [
    ORGANIZATION,
    OpenApiParameter("interval", str, enum=list(trends.INTERVALS), default="day"),
    OpenApiParameter(
        "days", int, description=f"1 to {trends.MAX_DAYS}; default 56.", default=56
    ),
]
CSV = {(200, "text/csv"): OpenApiTypes.STR}
TAG = ["agent-metrics"]


class WhateverAccepted(BaseContentNegotiation):
    """For an answer that has one form only: CSV, and problems as everywhere."""

    def select_parser(self, request, parsers):
        return parsers[0]

    def select_renderer(self, request, renderers, format_suffix=None):
        return renderers[0], renderers[0].media_type


def documented(**described: Any):
    described.setdefault("parameters", [ORGANIZATION])
    return extend_schema(tags=TAG, **described)


def json_of(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": schema}


class AgentMetricsViewSet(OrganizationViewSet):
    """What the agents of one organization achieve, by agent type."""

    actions = {
        "list": Scope.METRICS_READ,
        "retrieve": Scope.METRICS_READ,
        "custody": Scope.METRICS_READ,
        "summary": Scope.METRICS_READ,
        "leaderboard": Scope.METRICS_READ,
        "curve": Scope.METRICS_READ,
        "agent_curve": Scope.METRICS_READ,
        "history": Scope.METRICS_READ,
        "export": Scope.METRICS_READ,
        "export_history": Scope.METRICS_READ,
        "*": Scope.METRICS_WRITE,
    }
    queryset = AgentMetrics.objects.none()
    serializer_class = AgentMetricsShape
    filter_backends = [DjangoFilterBackend]
    filterset_class = AgentMetricsFilter
    lookup_field = "agent_type"
    lookup_value_regex = "[A-Za-z0-9][A-Za-z0-9_-]{0,49}"

    @property
    def service(self) -> AgentMetricsService:
        who = self.principal
        return AgentMetricsService(
            who.organization, actor=who.user, bound_agent=who.bound_agent
        )

    def get_queryset(self):
        return analytics.boards_of(self.organization, self.principal.bound_agent)

    def board(self) -> AgentMetrics:
        """Return the row of the path, or raise NotFound."""
        board = self.service.board(self.agent_type)
        if board is None:
            raise NotFound
        return board

    @property
    def agent_type(self) -> str:
        name = self.kwargs["agent_type"].lower()
        if name in RESERVED_TYPES:
            raise NotFound
        return name

    def request_known_by(self, body: Any) -> Request:
        """Return how a repetition of this request is recognized."""
        key = idempotency_key(self.request, {})
        if key is None:
            return Request()
        what = [self.action, self.kwargs.get("agent_type", "").lower(), body]
        return Request(key, request_fingerprint(what))

    def recorded(self, recorded: Recorded, status: int = 200) -> Response:
        if recorded.is_replay:
            headers = {"Idempotency-Replayed": "true"}
            return Response(recorded.answer, headers=headers)
        return Response(recorded.answer, status)

    # --- all agent types ----------------------------------------------------------
    @documented(responses=OverviewShape)
    def list(self, request):
        return Response(analytics.overview(self.filter_queryset(self.get_queryset())))

    @documented(responses=SummaryShape)
    @action(detail=False, url_path="analytics/summary", filterset_class=None)
    def summary(self, request):
        self.only_parameters()
        who = self.principal
        return Response(analytics.summary(who.organization, who.bound_agent))

    @documented(responses=LeaderShape(many=True))
    @action(detail=False, filterset_class=LeaderboardFilter)
    def leaderboard(self, request):
        boards = self.filter_queryset(self.get_queryset().best_first())
        rows = self.paginator.paginate_queryset(
            analytics.ranking(boards), request, self
        )
        lines = [{name: as_json(row[name]) for name in RANKED} for row in rows]
        for place, line in enumerate(lines, 1):
            # A cursor goes by age: there the place says nothing.
            by_age = "cursor" in request.query_params
            line["rank"] = None if by_age else self.paginator.offset + place
        return self.paginator.page_of(rows, lines)

    def cursor_of(self, row):
        return row["created_at"], row["pk"]

    @documented(parameters=CURVE, responses=SeriesShape)
    @action(detail=False, url_path="analytics/series", filterset_class=None)
    def curve(self, request):
        who = self.principal
        return self.series(analytics.events_of(who.organization, who.bound_agent))

    @documented(responses=CSV)
    @action(
        detail=False,
        url_path="analytics/export",
        content_negotiation_class=WhateverAccepted,
    )
    def export(self, request):
        boards = self.filter_queryset(self.get_queryset())
        return csv_response(exports.scoreboard(boards), "agent-metrics.csv")

    @documented(
        parameters=[ORGANIZATION, IDEMPOTENCY],
        request=json_of(BULK_BODY),
        responses=BulkUpdatedShape,
    )
    @action(detail=False, methods=["post"], url_path="bulk-update")
    def bulk_update(self, request):
        body = request.data
        if not isinstance(body, dict) or set(body) != {"updates"}:
            raise InvalidMetrics(wrong_bulk_body(body))
        known_by = self.request_known_by(body)
        return self.recorded(self.service.put_many(body["updates"], known_by))

    # --- one agent type -------------------------------------------------------------
    @documented(responses=AgentMetricsShape)
    def retrieve(self, request, agent_type):
        board = self.board()
        return Response(
            {
                "status": "success",
                "agent_type": board.agent_type,
                "metrics": figures(board),
            }
        )

    @documented(responses=CustodyShape)
    @action(detail=True)
    def custody(self, request, agent_type):
        metrics = self.service.get_custody_metrics(self.agent_type)
        if metrics is None:
            raise NotFound
        return Response(
            {
                "status": "success",
                "agent_type": self.agent_type,
                "custody_metrics": metrics,
            }
        )

    @documented(
        parameters=[ORGANIZATION, IDEMPOTENCY],
        request=json_of(schema_of(MetricsUpdate)),
        responses={200: MetricsUpdatedShape, 201: MetricsUpdatedShape},
    )
    def update(self, request, agent_type):
        known_by = self.request_known_by(request.data)
        recorded = self.service.put(self.agent_type, request.data, known_by)
        return self.recorded(recorded, 201 if recorded.opened else 200)

    @documented(
        parameters=[ORGANIZATION, IDEMPOTENCY],
        request=json_of(schema_of(CustodyResult)),
        responses=TestRecordedShape,
    )
    @action(detail=True, methods=["post"], url_path="custody-test")
    def custody_test(self, request, agent_type):
        known_by = self.request_known_by(request.data)
        return self.recorded(
            self.service.record_custody_test(self.agent_type, request.data, known_by)
        )

    @documented(
        parameters=[ORGANIZATION, IDEMPOTENCY],
        request=json_of(schema_of(LearningUpdate)),
        responses=LearningRecordedShape,
    )
    @action(detail=True, methods=["post"])
    def learning(self, request, agent_type):
        known_by = self.request_known_by(request.data)
        return self.recorded(
            self.service.record_learning(self.agent_type, request.data, known_by)
        )

    @documented(
        parameters=[ORGANIZATION, IDEMPOTENCY], request=None, responses=ResetShape
    )
    @action(detail=True, methods=["delete"])
    def reset(self, request, agent_type):
        known_by = self.request_known_by(None)
        return self.recorded(self.service.reset(self.agent_type, known_by))

    @documented(responses=EventShape(many=True))
    @action(
        detail=True,
        queryset=MetricEvent.objects.none(),
        filterset_class=HistoryFilter,
        pagination_class=LedgerPagination,
    )
    def history(self, request, agent_type):
        board = self.board()
        events = self.filter_queryset(MetricEvent.objects.filter(metrics=board))
        is_whole = not set(request.query_params) - {"organization_id", "limit"}
        self.paginator.count = board.events if is_whole else None
        return self.list_page(events, lambda event: figures(event, EVENT))

    @documented(responses=CSV)
    @action(
        detail=True,
        url_path="history/export",
        filterset_class=None,
        content_negotiation_class=WhateverAccepted,
    )
    def export_history(self, request, agent_type):
        self.only_parameters()
        board = self.board()
        return csv_response(exports.ledger(board), f"{board.agent_type}.csv")

    @documented(parameters=CURVE, responses=SeriesShape)
    @action(detail=True, url_path="series", filterset_class=None)
    def agent_curve(self, request, agent_type):
        board = self.board()
        events = MetricEvent.objects.filter(metrics=board)
        return self.series(events, board.agent_type)

    # --- shared -----------------------------------------------------------------------
    def only_parameters(self, *known: str) -> None:
        """Refuse parameters nobody reads."""
        if unknown := sorted(
            set(self.request.query_params) - LIST_PARAMETERS - {*known}
        ):
            raise ValidationError({unknown[0]: "There is no such parameter here."})

    def series(self, events, agent_type: str | None = None) -> Response:
        self.only_parameters("interval", "days")
        interval = self.request.query_params.get("interval", "day")
        if interval not in trends.INTERVALS:
            raise ValidationError({"interval": "Either day or week."})
        days = self.request.query_params.get("days", str(trends.DEFAULT_DAYS))
        if not (days.isascii() and days.isdigit()) or (
            not 1 <= int(days[:9]) <= trends.MAX_DAYS
        ):
            raise ValidationError({"days": f"1 to {trends.MAX_DAYS}."})
        points = trends.curve(events, interval=interval, days=int(days))
        return Response(
            {
                "status": "success",
                "interval": interval,
                "agent_type": agent_type,
                "points": [point.as_dict() for point in points],
            }
        )


def wrong_bulk_body(body: Any) -> list[dict[str, str]]:
    if not isinstance(body, dict):
        return [error_at("", "invalid_type", "Expected an object.")]
    unknown = [
        error_at(pointer_to(name), "unknown_field", "There is no such field.")
        for name in sorted(set(body) - {"updates"})[:20]
    ]
    return unknown or [error_at("/updates", "required", "This field is required.")]


def csv_response(lines, name: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def moved_custody_analytics(request) -> HttpResponsePermanentRedirect:
    """Lead callers of the former address to the summary, method and query kept."""
    query = request.META.get("QUERY_STRING", "")
    target = "/api/agent-metrics/analytics/summary" + (f"?{query}" if query else "")
    return HttpResponsePermanentRedirect(target, preserve_request=True)
