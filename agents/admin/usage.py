"""What answers cost, read only: the budget's own functions keep these figures."""

from django.contrib import admin
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from accounts.admin.recorded import ReadOnlyAdmin
from agents.models import AgentBudget, AgentStats, Reservation, UsageDay, UsageMonth


@admin.register(AgentBudget)
class AgentBudgetAdmin(ReadOnlyAdmin):
    list_display = ("agent", "max_messages_per_month", "max_tokens_per_month")
    list_select_related = ("agent",)
    search_fields = ("agent__name",)
    ordering = ("-created_at", "-agent")


@admin.register(UsageMonth)
class UsageMonthAdmin(ReadOnlyAdmin):
    list_display = (
        "month",
        "organization",
        "agent",
        "messages",
        "tokens",
        "reserved_messages",
        "reserved_tokens",
    )
    list_filter = ("month", ("organization", AutocompleteSelectFilter))
    list_select_related = ("organization", "agent")
    search_fields = ("organization__name", "agent__name")
    ordering = ("-month", "-id")


@admin.register(UsageDay)
class UsageDayAdmin(ReadOnlyAdmin):
    list_display = ("day", "organization", "agent", "kind", "messages", "tokens")
    list_filter = ("kind", ("organization", AutocompleteSelectFilter))
    list_select_related = ("organization", "agent")
    search_fields = ("organization__name", "agent__name")
    ordering = ("-day", "-id")


@admin.register(Reservation)
class ReservationAdmin(ReadOnlyAdmin):
    list_display = ("agent", "kind", "messages", "tokens", "month", "expires_at")
    list_filter = ("kind", ("organization", AutocompleteSelectFilter))
    list_select_related = ("agent",)
    search_fields = ("=id", "agent__name")
    ordering = ("-expires_at", "-id")


@admin.register(AgentStats)
class AgentStatsAdmin(ReadOnlyAdmin):
    list_display = (
        "agent",
        "total_conversations",
        "total_messages",
        "total_documents",
        "recent_conversations",
        "last_used_at",
        "counted_at",
    )
    list_select_related = ("agent",)
    search_fields = ("agent__name",)
    ordering = ("-last_used_at", "-agent")
