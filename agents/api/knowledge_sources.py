"""The REST door to sites that are read into packs."""

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from accounts.api.fields import StrictSerializer, TextField
from accounts.api.viewsets import ORGANIZATION, CreationBody, OrganizationViewSet
from accounts.models.api_keys import Scope
from accounts.models.lifecycle import WorkStatus
from agents.knowledge.web import sites
from agents.knowledge.web.links import MAX_URL
from agents.models.sources import KnowledgeSource, PageState, Recrawl, SourcePage

COUNTS = ("page", "waiting", "read", "skipped", "failed", "gone")


class SourceEditBody(StrictSerializer):
    max_pages = serializers.IntegerField(
        min_value=1, max_value=sites.MAX_PAGES, required=False
    )
    max_depth = serializers.IntegerField(
        min_value=0, max_value=sites.MAX_DEPTH, required=False
    )
    recrawl = serializers.ChoiceField(Recrawl.choices, required=False)


class SourceBody(SourceEditBody, CreationBody):
    url = TextField(max_length=MAX_URL)


class SourceShape(serializers.Serializer):
    id = serializers.UUIDField()
    knowledge_pack_id = serializers.UUIDField()
    url = serializers.CharField()
    max_pages = serializers.IntegerField()
    max_depth = serializers.IntegerField()
    recrawl = serializers.ChoiceField(Recrawl.choices)
    status = serializers.ChoiceField(WorkStatus.choices)
    cause = serializers.CharField(allow_null=True)
    page_count = serializers.IntegerField()
    waiting_count = serializers.IntegerField()
    read_count = serializers.IntegerField()
    skipped_count = serializers.IntegerField()
    failed_count = serializers.IntegerField()
    gone_count = serializers.IntegerField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    next_crawl_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class SourcePageShape(serializers.Serializer):
    id = serializers.UUIDField()
    url = serializers.CharField()
    depth = serializers.IntegerField()
    state = serializers.ChoiceField(PageState.choices)
    cause = serializers.CharField(allow_null=True)
    document_id = serializers.UUIDField(allow_null=True)
    checked_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


def source_as_dict(source: KnowledgeSource) -> dict[str, Any]:
    names = (
        "knowledge_pack_id",
        "url",
        "max_pages",
        "max_depth",
        "recrawl",
        "status",
        "started_at",
        "finished_at",
        "next_crawl_at",
        "created_at",
        "updated_at",
        *(f"{name}_count" for name in COUNTS),
    )
    return {name: getattr(source, name) for name in names} | {
        "id": source.pk,
        "cause": source.cause or None,
    }


def page_as_dict(page: SourcePage) -> dict[str, Any]:
    return {
        "id": page.pk,
        "url": page.url,
        "depth": page.depth,
        "state": page.state,
        "cause": page.cause or None,
        "document_id": page.document_id,
        "checked_at": page.checked_at,
        "created_at": page.created_at,
    }


@extend_schema_view(
    retrieve=extend_schema(parameters=[ORGANIZATION], responses=SourceShape)
)
class KnowledgeSourceViewSet(OrganizationViewSet):
    """Sites by their own id; a pack lists and adds them."""

    statuses = {"crawl": 202}
    actions = {
        "retrieve": Scope.AGENTS_READ,
        "pages": Scope.AGENTS_READ,
        "*": Scope.KNOWLEDGE_WRITE,
    }
    queryset = KnowledgeSource.objects.none()
    serializer_class = SourceShape

    def get_serializer_class(self):
        return SourceEditBody if self.action == "partial_update" else SourceShape

    def find(self) -> KnowledgeSource:
        return sites.get_source(
            organization=self.organization, source_id=self.kwargs["pk"]
        )

    def retrieve(self, request, pk):
        return Response(source_as_dict(self.find()))

    @extend_schema(
        parameters=[ORGANIZATION], request=SourceEditBody, responses=SourceShape
    )
    def partial_update(self, request, pk):
        sites.update_source(
            source=self.find(), actor=self.principal.user, changes=self.body()
        )
        return Response(source_as_dict(self.find()))

    @extend_schema(parameters=[ORGANIZATION], responses={204: None})
    def destroy(self, request, pk):
        """Delete a site with the documents its pages became."""
        sites.delete_source(source=self.find(), actor=self.principal.user)
        return Response(status=204)

    @extend_schema(
        parameters=[ORGANIZATION], request=None, responses={202: SourceShape}
    )
    @action(detail=True, methods=["post"])
    def crawl(self, request, pk):
        """Read a site once more, at once."""
        sites.crawl_again(source=self.find(), actor=self.principal.user)
        return Response(source_as_dict(self.find()), 202)

    @extend_schema(parameters=[ORGANIZATION], responses=SourcePageShape(many=True))
    @action(detail=True)
    def pages(self, request, pk):
        mine = SourcePage.objects.filter(source=self.find())
        return self.list_page(self.filter_queryset(mine), page_as_dict)
