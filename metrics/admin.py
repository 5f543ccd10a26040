from django.contrib import admin
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from accounts.admin.recorded import ReadOnlyAdmin
from metrics.models import AgentMetrics, MetricEvent, MetricsTotal


@admin.register(AgentMetrics)
class AgentMetricsAdmin(ReadOnlyAdmin):
    """A projection of the ledger: an edit here would be undone by its next replay."""

    list_display = (
        "agent_type",
        "organization",
        "level",
        "xp",
        "pass_rate",
        "total_tests_given",
        "status",
        "updated_at",
    )
    list_filter = (
        "status",
        "current_difficulty",
        "is_active",
        ("retired_at", admin.EmptyFieldListFilter),
        ("organization", AutocompleteSelectFilter),
    )
    list_select_related = ("organization",)
    search_fields = ("agent_type", "=agent_id")
    ordering = ("-updated_at", "-id")


@admin.register(MetricEvent)
class MetricEventAdmin(ReadOnlyAdmin):
    list_display = (
        "occurred_at",
        "kind",
        "metrics",
        "sequence",
        "source",
        "organization",
    )
    list_filter = ("kind", "source", ("organization", AutocompleteSelectFilter))
    list_select_related = ("metrics", "organization")
    search_fields = ("=metrics__agent_type", "=idempotency_key")
    ordering = ("-occurred_at", "-id")


@admin.register(MetricsTotal)
class MetricsTotalAdmin(ReadOnlyAdmin):
    """Parts of sums; only together do those of an organization mean something."""

    list_display = (
        "organization",
        "current_difficulty",
        "status",
        "is_active",
        "agents",
        "xp",
    )
    list_filter = (
        "current_difficulty",
        "status",
        "is_active",
        ("organization", AutocompleteSelectFilter),
    )
    list_select_related = ("organization",)
    ordering = ("-id",)
