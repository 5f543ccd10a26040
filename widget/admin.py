from django.contrib import admin, messages
from django.db import transaction

from accounts.admin.recorded import ReadOnlyAdmin
from accounts.models import AuditAction
from widget.models import RefreshToken, WidgetSession
from widget.sessions import revoke as end_session


@admin.register(WidgetSession)
class WidgetSessionAdmin(ReadOnlyAdmin):
    list_display = (
        "visitor_id",
        "agent",
        "origin",
        "created_at",
        "last_seen_at",
        "expires_at",
        "revoked_at",
    )
    list_filter = (("revoked_at", admin.EmptyFieldListFilter), "created_at")
    list_select_related = ("agent",)
    search_fields = ("=visitor_id", "origin", "agent__name")
    ordering = ("-created_at", "-id")
    actions = ("revoke",)

    def organization_id_of(self, obj):
        return obj.agent.organization_id

    @admin.action(description="Revoke", permissions=["view"])
    @transaction.atomic
    def revoke(self, request, queryset):
        sessions = list(queryset.filter(revoked_at=None).select_for_update(of=["self"]))
        for session in sessions:
            end_session(session)
            self.record(request, AuditAction.UPDATE, session)
        messages.success(request, f"{len(sessions)} revoked.")


@admin.register(RefreshToken)
class RefreshTokenAdmin(ReadOnlyAdmin):
    list_display = ("id", "widget_session", "created_at", "used_at")
    list_filter = (("used_at", admin.EmptyFieldListFilter),)
    list_select_related = ("widget_session",)
    search_fields = ("=widget_session__visitor_id",)
    ordering = ("-created_at", "-id")
    # Never the digest.
    fields = ("id", "widget_session", "created_at", "used_at")
