"""Webhooks as operators see them: read only, without any secret."""

from django.contrib import admin
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from accounts.admin.recorded import IsDeletedFilter, ReadOnlyAdmin
from accounts.models.webhooks import WebhookAttempt, WebhookDelivery, WebhookEndpoint


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(ReadOnlyAdmin):
    list_display = ("url", "organization", "is_active", "created_at", "deleted_at")
    list_filter = (
        "is_active",
        ("deleted_at", IsDeletedFilter),
        ("organization", AutocompleteSelectFilter),
    )
    list_select_related = ("organization",)
    search_fields = ("url", "description", "organization__name")
    ordering = ("-created_at", "-id")
    fields = (
        "url",
        "description",
        "organization",
        "events",
        "is_active",
        "disabled_reason",
        "previous_secret_expires_at",
        "created_at",
        "updated_at",
        "deleted_at",
    )


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnlyAdmin):
    list_display = (
        "created_at",
        "event",
        "endpoint",
        "organization",
        "status",
        "attempt",
        "response_status",
    )
    list_filter = ("status", "event", ("organization", AutocompleteSelectFilter))
    list_select_related = ("endpoint", "organization")
    search_fields = ("endpoint__url", "event")
    ordering = ("-created_at", "-id")


@admin.register(WebhookAttempt)
class WebhookAttemptAdmin(ReadOnlyAdmin):
    list_display = ("started_at", "delivery", "number", "response_status", "error")
    list_select_related = ("delivery",)
    search_fields = ("delivery__event", "error")
    ordering = ("-started_at", "-id")
