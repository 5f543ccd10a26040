"""Knowledge packs, their documents, and the passages search finds."""

from django.contrib import admin
from django.db import models
from django.db.models import Count
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from accounts.admin.recorded import OnlyTheseMixin, OperatorAdmin, ReadOnlyAdmin
from agents.knowledge.documents import create_document, delete_document
from agents.knowledge.packs import (
    create_knowledge_pack,
    delete_knowledge_pack,
    update_knowledge_pack,
)
from agents.models import (
    Chunk,
    Document,
    DocumentFile,
    KnowledgePack,
    KnowledgeSource,
    Renewal,
    SourcePage,
    VectorIndex,
)


@admin.register(KnowledgePack)
class KnowledgePackAdmin(OnlyTheseMixin, OperatorAdmin):
    is_recorded_below = True
    list_display = ("name", "organization", "language", "documents", "created_at")
    list_filter = ("language", ("organization", AutocompleteSelectFilter))
    list_select_related = ("organization",)
    search_fields = ("name", "=id")
    ordering = ("-created_at", "-id")
    autocomplete_fields = ("organization",)
    fields = ("organization", "name", "description", "language", "created_at")

    def get_queryset(self, request):
        return super().get_queryset(request).annotate(size=Count("documents"))

    def get_readonly_fields(self, request, obj=None):
        return ("created_at", *(("organization",) if obj else ()))

    @admin.display(description="Documents", ordering="size")
    def documents(self, pack):
        return pack.size

    def save_model(self, request, obj, form, change):
        values = {
            name: form.cleaned_data[name]
            for name in ("name", "description", "language")
        }
        if change:
            pack = update_knowledge_pack(
                knowledge_pack=obj, actor=request.user, changes=values
            )
        else:
            pack = create_knowledge_pack(
                organization=form.cleaned_data["organization"],
                created_by=request.user,
                **values,
            )
        obj.__dict__.update(pack.__dict__)

    def remove(self, request, obj):
        delete_knowledge_pack(knowledge_pack=obj, actor=request.user)


@admin.register(Document)
class DocumentAdmin(OnlyTheseMixin, OperatorAdmin):
    """A document is added and deleted; another text is another document."""

    is_recorded_below = True
    list_display = (
        "title",
        "knowledge_pack",
        "organization",
        "status",
        "chunk_count",
        "created_at",
    )
    list_filter = ("status", ("organization", AutocompleteSelectFilter))
    list_select_related = ("knowledge_pack", "organization")
    search_fields = ("title", "=id")
    ordering = ("-created_at", "-id")
    autocomplete_fields = ("knowledge_pack",)
    add_fieldsets = (
        (None, {"fields": ("knowledge_pack", "title", "source_url", "content")}),
    )
    fields = (
        "knowledge_pack",
        "organization",
        "title",
        "source_url",
        "content",
        "origin",
        "file_name",
        "media_type",
        "byte_size",
        "status",
        "cause",
        "attempt",
        "last_error",
        "chunk_count",
        "indexed_at",
        "created_by_user",
        "created_at",
    )

    formfield_overrides = OperatorAdmin.formfield_overrides | {
        models.URLField: {"assume_scheme": "https"}
    }

    def get_queryset(self, request):
        rows = super().get_queryset(request)
        # The texts of fifty documents may be fifty megabytes.
        is_list = request.resolver_match.url_name.endswith("_changelist")
        return rows.defer("content") if is_list else rows

    def has_change_permission(self, request, obj=None):
        return False

    def save_model(self, request, obj, form, change):
        document, _ = create_document(created_by=request.user, **form.cleaned_data)
        obj.__dict__.update(document.__dict__)

    def remove(self, request, obj):
        delete_document(document=obj, actor=request.user)


@admin.register(DocumentFile)
class DocumentFileAdmin(ReadOnlyAdmin):
    """What was uploaded, without the bytes: they may be twenty megabytes a row."""

    list_display = ("document", "file_name", "media_type", "byte_size")
    search_fields = ("document__title", "document__file_name")
    ordering = ("-document",)
    fields = ("document", "file_name", "media_type", "byte_size")
    readonly_fields = fields

    def get_queryset(self, request):
        rows = super().get_queryset(request)
        return rows.select_related("document").defer("content", "document__content")

    @admin.display(description="Name")
    def file_name(self, file):
        return file.document.file_name

    @admin.display(description="Kind")
    def media_type(self, file):
        return file.document.media_type

    @admin.display(description="Bytes")
    def byte_size(self, file):
        return file.document.byte_size


@admin.register(Chunk)
class ChunkAdmin(ReadOnlyAdmin):
    list_display = ("document", "position", "heading", "knowledge_pack")
    list_select_related = ("document", "knowledge_pack")
    search_fields = ("document__title", "heading")
    ordering = ("-id",)
    fields = ("document", "knowledge_pack", "position", "heading", "text")


@admin.register(VectorIndex)
class VectorIndexAdmin(ReadOnlyAdmin):
    list_display = (
        "knowledge_pack",
        "status",
        "embedding_model",
        "dimensions",
        "vector_count",
        "completed_at",
    )
    list_filter = ("status", "embedding_model")
    list_select_related = ("knowledge_pack",)
    search_fields = ("knowledge_pack__name",)
    ordering = ("-completed_at", "-knowledge_pack")


@admin.register(Renewal)
class RenewalAdmin(ReadOnlyAdmin):
    list_display = ("knowledge_pack", "status", "version", "run_after", "last_error")
    list_filter = ("status", "version")
    list_select_related = ("knowledge_pack",)
    search_fields = ("knowledge_pack__name",)
    ordering = ("-run_after", "-knowledge_pack")


@admin.register(KnowledgeSource)
class KnowledgeSourceAdmin(ReadOnlyAdmin):
    list_display = (
        "url",
        "knowledge_pack",
        "organization",
        "status",
        "recrawl",
        "next_crawl_at",
        "finished_at",
    )
    list_filter = ("status", "recrawl", ("organization", AutocompleteSelectFilter))
    list_select_related = ("knowledge_pack", "organization")
    search_fields = ("url", "=id")
    ordering = ("-created_at", "-id")
    exclude = ("idempotency_key", "request_fingerprint")


@admin.register(SourcePage)
class SourcePageAdmin(ReadOnlyAdmin):
    list_display = ("url", "source", "depth", "state", "cause", "checked_at")
    list_filter = ("state",)
    list_select_related = ("source",)
    search_fields = ("url",)
    ordering = ("-created_at", "-id")
