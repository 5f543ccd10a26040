"""Accounts at model makers as operators see them: read only, without any key."""

from django.contrib import admin
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from accounts.admin.recorded import ReadOnlyAdmin
from agents.models import ProviderAccount


@admin.register(ProviderAccount)
class ProviderAccountAdmin(ReadOnlyAdmin):
    list_display = (
        "name",
        "organization",
        "kind",
        "default_model",
        "is_enabled",
        "is_default",
        "checked_at",
    )
    list_filter = (
        "kind",
        "is_enabled",
        ("organization", AutocompleteSelectFilter),
    )
    list_select_related = ("organization",)
    search_fields = ("name", "organization__name", "=id")
    ordering = ("-created_at", "-id")
    fields = (
        "name",
        "organization",
        "kind",
        "base_url",
        "key_last_four",
        "default_model",
        "known_models",
        "embedding_model",
        "embedding_dimensions",
        "silence_seconds",
        "fallback",
        "is_enabled",
        "is_default",
        "checked_at",
        "check_error",
        "created_at",
        "updated_at",
    )
