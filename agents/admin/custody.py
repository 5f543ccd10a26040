"""Custody tests, runs and results, read only: their pages and API write them."""

from django.contrib import admin
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from accounts.admin.recorded import ReadOnlyAdmin
from agents.models import CustodyResult, CustodyRun, CustodyTest


@admin.register(CustodyTest)
class CustodyTestAdmin(ReadOnlyAdmin):
    list_display = ("name", "agent", "kind", "difficulty", "is_enabled", "created_at")
    list_filter = (
        "kind",
        "difficulty",
        "is_enabled",
        ("agent", AutocompleteSelectFilter),
    )
    list_select_related = ("agent",)
    search_fields = ("name", "=id")
    ordering = ("-created_at", "-id")


@admin.register(CustodyRun)
class CustodyRunAdmin(ReadOnlyAdmin):
    list_display = (
        "agent",
        "number",
        "version",
        "status",
        "total",
        "passed_count",
        "failed_count",
        "created_at",
        "finished_at",
    )
    list_filter = ("status", ("agent", AutocompleteSelectFilter))
    list_select_related = ("agent", "version")
    search_fields = ("=id", "agent__name")
    ordering = ("-created_at", "-id")


@admin.register(CustodyResult)
class CustodyResultAdmin(ReadOnlyAdmin):
    list_display = ("run", "position", "passed", "duration_ms", "tokens", "created_at")
    list_filter = ("passed",)
    list_select_related = ("run",)
    search_fields = ("=run__id", "=id")
    ordering = ("-created_at", "-id")
