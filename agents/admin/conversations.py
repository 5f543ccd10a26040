"""Conversations, read only: they are their own record."""

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from accounts.admin.recorded import IsDeletedFilter, ReadOnlyAdmin
from agents.models import (
    Message,
    Rating,
    Reply,
    RetentionPolicy,
    Session,
    SessionSummary,
    Tag,
)


@admin.register(Session)
class SessionAdmin(ReadOnlyAdmin):
    list_display = (
        "id",
        "agent_ref",
        "organization",
        "channel",
        "person",
        "status",
        "total_messages",
        "last_activity_at",
        "deleted_at",
    )
    list_filter = (
        "status",
        "channel",
        ("deleted_at", IsDeletedFilter),
        ("organization", AutocompleteSelectFilter),
    )
    list_select_related = ("agent_ref", "organization", "user")
    search_fields = ("=id", "title", "=visitor_id", "user__email", "agent_ref__name")
    ordering = ("-last_activity_at", "-id")
    readonly_fields = ("read",)

    @admin.display(description="Person")
    def person(self, session):
        return session.user or session.visitor_id

    @admin.display(description="Messages")
    def read(self, session):
        return format_html(
            '<a href="{}?session__id__exact={}" class="text-primary-600">{}</a>',
            reverse("admin:agents_message_changelist"),
            session.pk,
            f"{session.total_messages} messages",
        )


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    list_display = ("session", "sequence", "role", "beginning", "tokens", "created_at")
    list_filter = ("role", "created_at")
    list_select_related = ("session",)
    search_fields = ("=session__id", "=id")
    ordering = ("-created_at", "-id")

    def lookup_allowed(self, lookup, value, request=None):
        return lookup == "session__id__exact" or super().lookup_allowed(
            lookup, value, request
        )

    @admin.display(description="Text")
    def beginning(self, message):
        return message.content[:100]


@admin.register(Reply)
class ReplyAdmin(ReadOnlyAdmin):
    list_display = (
        "id",
        "session",
        "status",
        "provider",
        "attempt",
        "failure_code",
        "created_at",
        "finished_at",
    )
    list_filter = ("status", "provider", "failure_code")
    list_select_related = ("session",)
    search_fields = ("=id", "=session__id")
    ordering = ("-created_at", "-id")


@admin.register(Rating)
class RatingAdmin(ReadOnlyAdmin):
    list_display = ("id", "session", "value", "user", "comment", "updated_at")
    list_filter = ("value", "updated_at")
    list_select_related = ("session", "user")
    search_fields = ("=id", "=session__id", "comment")
    ordering = ("-updated_at", "-id")


@admin.register(Tag)
class TagAdmin(ReadOnlyAdmin):
    # Which conversations bear it is the organization's own to see and to change.
    exclude = ("sessions",)
    list_display = ("name", "organization", "created_at")
    list_filter = (("organization", AutocompleteSelectFilter),)
    list_select_related = ("organization",)
    search_fields = ("name", "organization__name")
    ordering = ("name", "id")


@admin.register(RetentionPolicy)
class RetentionPolicyAdmin(ReadOnlyAdmin):
    list_display = ("organization", "days", "updated_at")
    list_select_related = ("organization",)
    search_fields = ("organization__name",)
    ordering = ("organization",)


@admin.register(SessionSummary)
class SessionSummaryAdmin(ReadOnlyAdmin):
    list_display = ("session", "status", "covers", "attempt")
    list_filter = ("status",)
    list_select_related = ("session",)
    search_fields = ("=session__id",)
    ordering = ("-session_id",)
