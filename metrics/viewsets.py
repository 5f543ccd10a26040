"""The REST door to metrics: the scoreboards, and the ledger behind them."""

from typing import Any

from django.http import HttpResponsePermanentRedirect
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.decorators import action
from rest_framework.response import Response
from rest_framework.settings import api_settings

from accounts.api.viewsets import IDEMPOTENCY, LIST_PARAMETERS, idempotency_key
from accounts.errors import NotFound
from accounts.models.api_keys import Scope
from accounts.models.lifecycle import request_fingerprint
from metrics import analytics
from metrics.api_ledger import ORGANIZATION, LedgerViewSet, documented
from metrics.bodies import (
    CustodyResult,
    InvalidMetrics,
    LearningUpdate,
    MetricsUpdate,
    error_at,
    pointer_to,
    schema_of,
)
from metrics.filters import AgentMetricsFilter, LeaderboardFilter
from metrics.ledger import Recorded, Request
from metrics.models import AgentMetrics
from metrics.scores import RANKED, as_json, figures
from metrics.serializers import (
    BULK_BODY,
    AgentMetricsShape,
    BulkUpdatedShape,
    CustodyShape,
    LeaderShape,
    LearningRecordedShape,
    MetricsUpdatedShape,
    OverviewShape,
    ResetShape,
    SummaryShape,
    TestRecordedShape,
)


def json_of(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": schema}


class AgentMetricsViewSet(LedgerViewSet):
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
        """Name all agent types and add up what they achieved."""
        boards = self.filter_queryset(self.get_queryset())
        all_of = self.organization if self.is_about_all else None
        return Response(analytics.overview(boards, all_of=all_of))

    @documented(responses=SummaryShape)
    @action(detail=False, url_path="analytics/summary", filterset_class=None)
    def summary(self, request):
        """Sums, averages, distributions, the best, the latest, and advice."""
        self.only_parameters()
        who = self.principal
        return Response(analytics.summary(who.organization, who.bound_agent))

    @documented(responses=LeaderShape(many=True))
    @action(
        detail=False,
        filterset_class=LeaderboardFilter,
        pagination_class=api_settings.DEFAULT_PAGINATION_CLASS,
    )
    def leaderboard(self, request):
        """Rank the agent types, by level unless asked otherwise."""
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

    @property
    def is_about_all(self) -> bool:
        """Whether nothing narrows down which agent types are meant."""
        narrowing = self.request.query_params.keys() - LIST_PARAMETERS
        return not narrowing and self.principal.bound_agent is None

    def known_count(self, queryset):
        """All are counted already; only some of them need a COUNT."""
        return analytics.count_of_all(self.organization) if self.is_about_all else None

    @documented(
        parameters=[ORGANIZATION, IDEMPOTENCY],
        request=json_of(BULK_BODY),
        responses=BulkUpdatedShape,
    )
    @action(detail=False, methods=["post"], url_path="bulk-update")
    def bulk_update(self, request):
        """Set columns of up to a hundred agent types, all or none."""
        body = request.data
        if not isinstance(body, dict) or set(body) != {"updates"}:
            raise InvalidMetrics(wrong_bulk_body(body))
        known_by = self.request_known_by(body)
        return self.recorded(self.service.put_many(body["updates"], known_by))

    # --- one agent type -------------------------------------------------------------
    @documented(responses=AgentMetricsShape)
    def retrieve(self, request, agent_type):
        """Every column of one agent type."""
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
        """What custody tests made of one agent type."""
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
        """Set columns of one agent type; it is created if there is none."""
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
        """Record the outcome of one custody test."""
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
        """Record what an agent learned."""
        known_by = self.request_known_by(request.data)
        return self.recorded(
            self.service.record_learning(self.agent_type, request.data, known_by)
        )

    @documented(
        parameters=[ORGANIZATION, IDEMPOTENCY],
        request=None,
        responses={200: ResetShape},
    )
    @action(detail=True, methods=["delete"])
    def reset(self, request, agent_type):
        """Take every metric back to its default."""
        known_by = self.request_known_by(None)
        return self.recorded(self.service.reset(self.agent_type, known_by))


def wrong_bulk_body(body: Any) -> list[dict[str, str]]:
    if not isinstance(body, dict):
        return [error_at("", "invalid_type", "Expected an object.")]
    unknown = [
        error_at(pointer_to(name), "unknown_field", "There is no such field.")
        for name in sorted(set(body) - {"updates"})[:20]
    ]
    return unknown or [error_at("/updates", "required", "This field is required.")]


def moved_custody_analytics(request) -> HttpResponsePermanentRedirect:
    """Lead callers of the former address to the summary, method and query kept."""
    query = request.META.get("QUERY_STRING", "")
    target = "/api/agent-metrics/analytics/summary" + (f"?{query}" if query else "")
    return HttpResponsePermanentRedirect(target, preserve_request=True)
