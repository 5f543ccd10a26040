from django_filters import CharFilter, ChoiceFilter, OrderingFilter

from accounts.api.fields import MomentFilter, StrictBooleanFilter, StrictFilterSet
from metrics.models import (
    AgentMetrics,
    Difficulty,
    EventKind,
    MetricEvent,
    Priority,
    Source,
    Status,
)


class AgentMetricsFilter(StrictFilterSet):
    status = ChoiceFilter(choices=Status.choices)
    priority = ChoiceFilter(choices=Priority.choices)
    difficulty = ChoiceFilter(
        field_name="current_difficulty", choices=Difficulty.choices
    )
    is_active = StrictBooleanFilter()
    search = CharFilter(
        field_name="agent_type", lookup_expr="icontains", help_text="Part of the type"
    )

    class Meta:
        model = AgentMetrics
        fields = ()


class LeaderboardFilter(AgentMetricsFilter):
    ordering = OrderingFilter(
        fields=(
            "level",
            "xp",
            "custody_level",
            "custody_xp",
            "pass_rate",
            "learning_score",
            "total_tests_given",
            "consecutive_successes",
            "last_test_date",
            "agent_type",
        )
    )

    def filter_queryset(self, queryset):
        queryset = super().filter_queryset(queryset)
        order = queryset.query.order_by
        # Rows that compare equal must not change places between pages.
        return queryset.order_by(*order, "agent_type") if order else queryset


class HistoryFilter(StrictFilterSet):
    kind = ChoiceFilter(choices=EventKind.choices)
    source = ChoiceFilter(choices=Source.choices)
    passed = StrictBooleanFilter()
    occurred_after = MomentFilter(field_name="occurred_at", lookup_expr="gte")
    occurred_before = MomentFilter(field_name="occurred_at", lookup_expr="lt")

    class Meta:
        model = MetricEvent
        fields = ()
