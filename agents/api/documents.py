"""The REST door to documents: what they are, their files, their passages."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from accounts.api.fields import NameField, TextField
from accounts.api.viewsets import ORGANIZATION, CreationBody, OrganizationViewSet
from accounts.errors import Invalid, NotFound
from accounts.models.api_keys import Scope
from accounts.models.lifecycle import WorkStatus
from agents.api.downloads import as_attachment
from agents.knowledge import documents
from agents.knowledge.indexing import NO_REASON
from agents.models.knowledge import Chunk, Document, DocumentOrigin


class DocumentBody(CreationBody):
    title = NameField(max_length=documents.MAX_TITLE)
    content = TextField(max_length=documents.MAX_CONTENT, trim_whitespace=False)
    source_url = TextField(
        max_length=documents.MAX_URL, required=False, allow_blank=True
    )


class UploadBody(CreationBody):
    file = serializers.FileField(allow_empty_file=True)
    title = NameField(max_length=documents.MAX_TITLE, required=False, allow_blank=True)
    source_url = TextField(
        max_length=documents.MAX_URL, required=False, allow_blank=True
    )


class DocumentSummary(serializers.Serializer):
    id = serializers.UUIDField()
    knowledge_pack_id = serializers.UUIDField()
    title = serializers.CharField()
    origin = serializers.ChoiceField(DocumentOrigin.choices)
    source_url = serializers.CharField()
    media_type = serializers.CharField()
    file_name = serializers.CharField()
    byte_size = serializers.IntegerField()
    content_hash = serializers.CharField()
    status = serializers.ChoiceField(WorkStatus.choices)
    error = serializers.CharField(allow_null=True)
    left_out = serializers.ListField(child=serializers.CharField())
    chunk_count = serializers.IntegerField()
    indexed_at = serializers.DateTimeField(allow_null=True)
    missing_since = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class DocumentShape(DocumentSummary):
    content = serializers.CharField()


class PieceShape(serializers.Serializer):
    """A passage of a document, as it was cut."""

    id = serializers.UUIDField()
    position = serializers.IntegerField()
    heading = serializers.CharField()
    text = serializers.CharField()


def document_summary(document: Document) -> dict[str, Any]:
    has_failed = document.status == WorkStatus.FAILED
    return {
        "id": document.pk,
        "knowledge_pack_id": document.knowledge_pack_id,
        "title": document.title,
        "origin": document.origin,
        "source_url": document.source_url,
        "media_type": document.media_type,
        "file_name": document.file_name,
        "byte_size": document.byte_size,
        "content_hash": document.content_hash,
        "status": document.status,
        "error": (document.cause or NO_REASON) if has_failed else None,
        "left_out": document.left_out,
        "chunk_count": document.chunk_count,
        "indexed_at": document.indexed_at,
        "missing_since": document.missing_since,
        "created_at": document.created_at,
        "updated_at": document.updated_at,
    }


def document_as_dict(document: Document) -> dict[str, Any]:
    return document_summary(document) | {"content": document.content}


def piece_as_dict(chunk: Chunk) -> dict[str, Any]:
    return {
        "id": chunk.pk,
        "position": chunk.position,
        "heading": chunk.heading,
        "text": chunk.text,
    }


class DocumentViewSet(OrganizationViewSet):
    """Documents by their own id."""

    actions = {
        "retrieve": Scope.AGENTS_READ,
        "passages": Scope.AGENTS_READ,
        "file": Scope.AGENTS_READ,
        "*": Scope.KNOWLEDGE_WRITE,
    }
    queryset = Document.objects.none()
    serializer_class = DocumentShape

    def find(self) -> Document:
        found = documents.get_document_by_id(self.kwargs["pk"], self.organization)
        if found is None:
            raise NotFound
        return found

    @extend_schema(parameters=[ORGANIZATION], responses=DocumentShape)
    def retrieve(self, request, pk):
        return Response(document_as_dict(self.find()))

    @extend_schema(parameters=[ORGANIZATION], responses={204: None})
    def destroy(self, request, pk):
        documents.delete_document(document=self.find(), actor=self.principal.user)
        return Response(status=204)

    @extend_schema(parameters=[ORGANIZATION], responses=PieceShape(many=True))
    @action(detail=True)
    def passages(self, request, pk):
        if "cursor" in request.query_params:
            raise Invalid("This list is short; use `offset`.", pointer="/cursor")
        mine = Chunk.objects.filter(document=self.find()).order_by("position", "pk")
        return self.list_page(self.filter_queryset(mine), piece_as_dict)

    @extend_schema(
        parameters=[ORGANIZATION],
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    @action(detail=True)
    def file(self, request, pk):
        """Return the file as it was uploaded."""
        return as_attachment(self.find())

    @extend_schema(parameters=[ORGANIZATION], request=None, responses=DocumentShape)
    @action(detail=True, methods=["post"], url_path="try-again")
    def try_again(self, request, pk):
        """Read and index a document once more that failed."""
        document = documents.try_again(document=self.find(), actor=self.principal.user)
        return Response(document_as_dict(document))
