"""What the REST door shows of the ledger: histories, curves, files of it all."""

from collections.abc import Iterator
from typing import Any

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response

from accounts.api.viewsets import OrganizationViewSet, WhateverAccepted
from accounts.errors import NotFound
from metrics import analytics, exports, trends
from metrics.filters import HistoryFilter
from metrics.models import (
    RESERVED_TYPES,
    AgentMetrics,
    MetricEvent,
    MetricEventQuerySet,
)
from metrics.pagination import LedgerPagination
from metrics.scores import EVENT, figures
from metrics.serializers import EventShape, SeriesShape
from metrics.services import AgentMetricsService

ORGANIZATION = OpenApiParameter(
    "organization_id", int, description="Needed by who belongs to several."
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


def documented(**described: Any):
    described.setdefault("parameters", [ORGANIZATION])
    return extend_schema(tags=TAG, **described)


class LedgerViewSet(OrganizationViewSet):
    """The readings of one organization's ledger."""

    admits_bound_keys = True
    pagination_class = None

    @property
    def service(self) -> AgentMetricsService:
        who = self.principal
        return AgentMetricsService(
            who.organization, actor=who.user, bound_agent=who.bound_agent
        )

    def get_queryset(self):
        return self.service.boards()

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

    @documented(responses=EventShape(many=True))
    @action(
        detail=True,
        queryset=MetricEvent.objects.none(),
        filterset_class=HistoryFilter,
        pagination_class=LedgerPagination,
    )
    def history(self, request, agent_type):
        """Every event of one agent type, newest first."""
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
        """Every event of one agent type as CSV, oldest first."""
        self.only_parameters()
        board = self.board()
        return csv_response(exports.ledger(board), f"{board.agent_type}.csv")

    @documented(parameters=CURVE, responses=SeriesShape)
    @action(detail=True, url_path="series", filterset_class=None)
    def agent_curve(self, request, agent_type):
        """Tests and points of each day or week."""
        board = self.board()
        events = MetricEvent.objects.filter(metrics=board)
        return self.series(events, board.agent_type)

    @documented(parameters=CURVE, responses=SeriesShape)
    @action(detail=False, url_path="analytics/series", filterset_class=None)
    def curve(self, request):
        """Tests and points of each day or week, all agent types together."""
        who = self.principal
        return self.series(analytics.events_of(who.organization, who.bound_agent))

    @documented(responses=CSV)
    @action(
        detail=False,
        url_path="analytics/export",
        content_negotiation_class=WhateverAccepted,
    )
    def export(self, request):
        """Every scoreboard as CSV."""
        boards = self.filter_queryset(self.get_queryset())
        return csv_response(exports.scoreboard(boards), "agent-metrics.csv")

    def only_parameters(self, *known: str) -> None:
        """Refuse parameters nobody reads."""
        asked = set(self.request.query_params)
        if unknown := sorted(asked - {"organization_id", "format", *known}):
            raise ValidationError({unknown[0]: "There is no such parameter here."})

    def series(
        self, events: MetricEventQuerySet, agent_type: str | None = None
    ) -> Response:
        self.only_parameters("interval", "days")
        interval = self.request.query_params.get("interval", "day")
        if interval not in trends.INTERVALS:
            raise ValidationError({"interval": "Either day or week."})
        text = self.request.query_params.get("days", str(trends.DEFAULT_DAYS))
        is_number = text.isascii() and text.isdigit() and len(text) <= 3
        days = int(text) if is_number else 0
        if not 1 <= days <= trends.MAX_DAYS:
            raise ValidationError({"days": f"1 to {trends.MAX_DAYS}."})
        points = trends.curve(events, interval=interval, days=days)
        return Response(
            {
                "status": "success",
                "interval": interval,
                "agent_type": agent_type,
                "points": [point.as_dict() for point in points],
            }
        )


def csv_response(lines: Iterator[str], name: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
