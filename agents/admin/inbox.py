"""The team's side of conversations, read only: the inbox is where it is changed."""

from django.contrib import admin
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from accounts.admin.recorded import ReadOnlyAdmin
from agents.models import CannedReply, InboxEntry, InboxNotice, InboxPreference, Note

OF_ORGANIZATION = ("organization", AutocompleteSelectFilter)


@admin.register(InboxEntry)
class InboxEntryAdmin(ReadOnlyAdmin):
    list_display = (
        "session",
        "organization",
        "holder",
        "assignee",
        "requested_at",
        "taken_at",
        "unanswered_at",
    )
    list_filter = ("holder", OF_ORGANIZATION)
    list_select_related = ("session", "organization", "assignee")
    search_fields = ("=session__id", "assignee__email")
    ordering = ("-updated_at", "-session_id")


@admin.register(Note)
class NoteAdmin(ReadOnlyAdmin):
    list_display = ("session", "organization", "author", "created_at")
    list_filter = (OF_ORGANIZATION,)
    list_select_related = ("session", "organization", "author")
    search_fields = ("=session__id", "author__email")
    ordering = ("-created_at", "-id")


@admin.register(CannedReply)
class CannedReplyAdmin(ReadOnlyAdmin):
    list_display = ("shortcut", "organization", "created_by_user", "updated_at")
    list_filter = (OF_ORGANIZATION,)
    list_select_related = ("organization", "created_by_user")
    search_fields = ("shortcut",)
    ordering = ("shortcut", "id")


@admin.register(InboxPreference)
class InboxPreferenceAdmin(ReadOnlyAdmin):
    list_display = ("membership", "notify", "shown_name", "shown_title", "updated_at")
    list_filter = ("notify",)
    list_select_related = ("membership__user", "membership__organization")
    search_fields = ("membership__user__email", "shown_name")
    ordering = ("-updated_at", "-membership_id")


@admin.register(InboxNotice)
class InboxNoticeAdmin(ReadOnlyAdmin):
    list_display = ("session", "membership", "kind", "status", "attempt", "created_at")
    list_filter = ("kind", "status")
    list_select_related = (
        "session",
        "membership__user",
        "membership__organization",
    )
    search_fields = ("=session__id", "membership__user__email")
    ordering = ("-created_at", "-id")
