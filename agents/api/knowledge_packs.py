"""The REST door to knowledge packs and their documents."""

from functools import partial
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.response import Response
from rest_framework.settings import api_settings

from accounts.api.fields import NameField, StrictSerializer, TextField
from accounts.api.viewsets import (
    IDEMPOTENCY,
    ORGANIZATION,
    CreationBody,
    OrganizationViewSet,
    idempotency_key,
)
from accounts.errors import Invalid
from accounts.models.api_keys import Scope
from agents.api.documents import (
    DocumentBody,
    DocumentShape,
    DocumentSummary,
    UploadBody,
    document_as_dict,
    document_summary,
)
from agents.api.knowledge_sources import SourceBody, SourceShape, source_as_dict
from agents.knowledge import documents, packs
from agents.knowledge.retrieval.search import MAX_QUESTION, Passage, search
from agents.knowledge.uploads import upload_document
from agents.knowledge.web.sites import create_source, get_source
from agents.models.knowledge import Document, KnowledgePack, Language, VectorStoreStatus
from agents.models.sources import KnowledgeSource


class PackEditBody(StrictSerializer):
    name = NameField(max_length=255, required=False)
    description = TextField(max_length=2000, required=False, allow_blank=True)
    language = serializers.ChoiceField(Language.choices, required=False)


class PackBody(PackEditBody, CreationBody):
    name = NameField(max_length=255)


class PackShape(serializers.Serializer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField()
    language = serializers.ChoiceField(Language.choices)
    document_count = serializers.IntegerField()
    vector_store_status = serializers.ChoiceField(VectorStoreStatus.choices)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class PassageShape(serializers.Serializer):
    document_id = serializers.UUIDField()
    title = serializers.CharField()
    url = serializers.CharField()
    heading = serializers.CharField()
    text = serializers.CharField()
    position = serializers.IntegerField()
    score = serializers.FloatField()
    word_score = serializers.FloatField()
    word_rank = serializers.IntegerField(allow_null=True)
    sense_rank = serializers.IntegerField(allow_null=True)


class PassagesShape(serializers.Serializer):
    results = PassageShape(many=True)


def pack_as_dict(pack: KnowledgePack) -> dict[str, Any]:
    return {
        "id": pack.pk,
        "name": pack.name,
        "description": pack.description,
        "language": pack.language,
        "document_count": pack.document_count,
        "vector_store_status": pack.vector_store_status,
        "created_at": pack.created_at,
        "updated_at": pack.updated_at,
    }


def passage_as_dict(passage: Passage) -> dict[str, Any]:
    return vars(passage) | {
        "score": round(passage.score, 4),
        "word_score": round(passage.word_score, 4),
    }


@extend_schema_view(
    list=extend_schema(parameters=[ORGANIZATION], responses=PackShape(many=True)),
    retrieve=extend_schema(parameters=[ORGANIZATION], responses=PackShape),
)
class KnowledgePackViewSet(OrganizationViewSet):
    """Packs of documents, which agents answer from."""

    statuses = {"add_document": 201, "add_source": 202}
    actions = {
        "list": Scope.AGENTS_READ,
        "retrieve": Scope.AGENTS_READ,
        "documents": Scope.AGENTS_READ,
        "sources": Scope.AGENTS_READ,
        "search": Scope.AGENTS_READ,
        "*": Scope.KNOWLEDGE_WRITE,
    }
    queryset = KnowledgePack.objects.none()
    serializer_class = PackShape

    def get_queryset(self):
        return KnowledgePack.objects.for_organization(self.organization)

    def get_serializer_class(self):
        return {
            "create": PackBody,
            "partial_update": PackEditBody,
            "add_source": SourceBody,
            "add_document": UploadBody if self.is_upload else DocumentBody,
        }.get(self.action, PackShape)

    @property
    def is_upload(self) -> bool:
        return self.request.content_type.startswith("multipart/form-data")

    def find(self) -> KnowledgePack:
        pack = packs.get_pack(organization=self.organization, pack_id=self.kwargs["pk"])
        # The domain then knows the organization without asking again.
        pack.organization = self.organization
        return pack

    def shown(self, pack: KnowledgePack) -> dict[str, Any]:
        return pack_as_dict(KnowledgePack.objects.with_counts().get(pk=pack.pk))

    def list(self, request):
        mine = self.filter_queryset(self.get_queryset())
        return self.list_page(mine.with_counts(), pack_as_dict)

    def retrieve(self, request, pk):
        return Response(self.shown(self.find()))

    @extend_schema(
        parameters=[ORGANIZATION, IDEMPOTENCY],
        request=PackBody,
        responses={201: PackShape, 200: PackShape},
    )
    def create(self, request):
        answer = self.answer_once(
            self.body(),
            self.get_queryset(),
            partial(
                packs.create_knowledge_pack,
                organization=self.organization,
                created_by=self.principal.user,
            ),
            self.shown,
        )
        answer["Location"] = f"/api/v1/knowledge-packs/{answer.data['id']}/"
        return answer

    @extend_schema(parameters=[ORGANIZATION], request=PackEditBody, responses=PackShape)
    def partial_update(self, request, pk):
        pack = packs.update_knowledge_pack(
            knowledge_pack=self.find(), actor=self.principal.user, changes=self.body()
        )
        return Response(self.shown(pack))

    @extend_schema(
        parameters=[
            ORGANIZATION,
            OpenApiParameter(
                "detach", bool, description="Take it from the agents that use it."
            ),
        ],
        responses={204: None},
    )
    def destroy(self, request, pk):
        detach = request.query_params.get("detach", "false")
        if detach not in ("true", "false"):
            raise Invalid("Say true or false.", pointer="/detach")
        packs.delete_knowledge_pack(
            knowledge_pack=self.find(),
            actor=self.principal.user,
            detach=detach == "true",
        )
        return Response(status=204)

    @extend_schema(parameters=[ORGANIZATION], responses=DocumentSummary(many=True))
    @action(
        detail=True,
        parser_classes=[*api_settings.DEFAULT_PARSER_CLASSES, MultiPartParser],
    )
    def documents(self, request, pk):
        mine = Document.objects.filter(knowledge_pack=self.find()).defer("content")
        return self.list_page(self.filter_queryset(mine), document_summary)

    @extend_schema(
        parameters=[ORGANIZATION, IDEMPOTENCY],
        request={"application/json": DocumentBody, "multipart/form-data": UploadBody},
        responses={201: DocumentShape, 200: DocumentShape},
    )
    @documents.mapping.post
    def add_document(self, request, pk):
        """Add a text (JSON), or a file (multipart) that a worker reads."""
        body = self.body()
        key = idempotency_key(request, body)
        body.pop("idempotency_key", None)
        create = upload_document if self.is_upload else documents.create_document
        document, created = create(
            knowledge_pack=self.find(),
            created_by=self.principal.user,
            idempotency_key=key,
            **body,
        )
        headers = {"Location": f"/api/v1/documents/{document.pk}/"}
        if not created:
            headers["Idempotency-Replayed"] = "true"
        return Response(
            document_as_dict(document), 201 if created else 200, headers=headers
        )

    @extend_schema(
        parameters=[
            ORGANIZATION,
            OpenApiParameter("q", str, required=True, description="A question"),
        ],
        responses=PassagesShape,
        filters=False,
    )
    @action(detail=True, pagination_class=None)
    def search(self, request, pk):
        pack = self.find()
        question = request.query_params.get("q", "").strip()
        if not 1 <= len(question) <= MAX_QUESTION or "\x00" in question:
            raise Invalid(f"1 to {MAX_QUESTION:,} characters.", pointer="/q")
        found = search(knowledge_pack_id=pack.pk, question=question)
        return Response({"results": [passage_as_dict(each) for each in found]})

    @extend_schema(parameters=[ORGANIZATION], responses=SourceShape(many=True))
    @action(detail=True)
    def sources(self, request, pk):
        mine = KnowledgeSource.objects.filter(knowledge_pack=self.find())
        mine = self.filter_queryset(mine.with_counts())
        return self.list_page(mine, source_as_dict)

    @extend_schema(
        parameters=[ORGANIZATION, IDEMPOTENCY],
        request=SourceBody,
        responses={202: SourceShape, 200: SourceShape},
    )
    @sources.mapping.post
    def add_source(self, request, pk):
        """Have a site read into the pack: a page and what it links to, or a sitemap."""
        body = self.body()
        key = idempotency_key(request, body)
        body.pop("idempotency_key", None)
        source, created = create_source(
            knowledge_pack=self.find(),
            created_by=self.principal.user,
            idempotency_key=key,
            **body,
        )
        source = get_source(organization=self.organization, source_id=source.pk)
        headers = {"Location": f"/api/v1/knowledge-sources/{source.pk}/"}
        if not created:
            headers["Idempotency-Replayed"] = "true"
        status = 202 if created else 200
        return Response(source_as_dict(source), status, headers=headers)
