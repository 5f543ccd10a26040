"""The REST door to accounts at model makers, and to the models there are to choose."""

from functools import partial
from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from accounts.api.fields import NameField, StrictSerializer, TextField
from accounts.api.viewsets import (
    IDEMPOTENCY,
    ORGANIZATION,
    CreationBody,
    OrganizationViewSet,
)
from accounts.errors import NotFound
from accounts.models.api_keys import Scope
from agents.configuration.model_choice import choices_for
from agents.llm import circuit_breaker
from agents.models.providers import (
    LONGEST_SILENCE,
    SHORTEST_SILENCE,
    ProviderAccount,
    ProviderKind,
)
from agents.providers import accounts, checks


class ProviderChanges(StrictSerializer):
    name = NameField(max_length=100)
    kind = serializers.ChoiceField(ProviderKind.choices)
    base_url = TextField(
        max_length=500, required=False, allow_blank=True, help_text="Blank: the usual."
    )
    api_key = TextField(max_length=1000, required=False, allow_blank=True)
    default_model = NameField(max_length=200, required=False, allow_blank=True)
    embedding_model = NameField(max_length=200, required=False, allow_blank=True)
    silence_seconds = serializers.IntegerField(
        min_value=SHORTEST_SILENCE, max_value=LONGEST_SILENCE, required=False
    )
    fallback = serializers.UUIDField(required=False, allow_null=True)
    is_enabled = serializers.BooleanField(required=False)
    is_default = serializers.BooleanField(required=False)


class ProviderBody(ProviderChanges, CreationBody):
    pass


class ProviderShape(serializers.Serializer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(ProviderKind.choices)
    base_url = serializers.CharField()
    key_last_four = serializers.CharField(help_text="The key itself is never shown.")
    default_model = serializers.CharField()
    models = serializers.ListField(child=serializers.CharField())
    embedding_model = serializers.CharField()
    embedding_dimensions = serializers.IntegerField(help_text="0: not tested yet.")
    silence_seconds = serializers.IntegerField()
    fallback = serializers.UUIDField(allow_null=True)
    is_enabled = serializers.BooleanField()
    is_default = serializers.BooleanField()
    checked_at = serializers.DateTimeField(allow_null=True)
    check_error = serializers.CharField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class ProviderCheckShape(serializers.Serializer):
    ok = serializers.BooleanField()
    error = serializers.CharField(help_text="Blank where all went well.")
    models = serializers.ListField(child=serializers.CharField())
    answered_ms = serializers.IntegerField(allow_null=True)
    embedding_dimensions = serializers.IntegerField()
    resting = serializers.BooleanField(help_text="Left alone after failures.")


class ModelChoiceShape(serializers.Serializer):
    model = serializers.CharField()
    offered_by = serializers.CharField()
    is_default = serializers.BooleanField(help_text="What new agents start with.")


def provider_as_dict(account: ProviderAccount) -> dict[str, Any]:
    shown = {
        name: getattr(account, name)
        for name in ProviderShape().fields
        if name not in ("models", "fallback")
    }
    return shown | {"models": account.offered, "fallback": account.fallback_id}


@extend_schema_view(
    list=extend_schema(parameters=[ORGANIZATION], responses=ProviderShape(many=True))
)
class ProviderViewSet(OrganizationViewSet):
    """Accounts at makers of models; a key goes in and never comes out."""

    actions = {"*": "providers:manage", "models": Scope.AGENTS_READ}
    queryset = ProviderAccount.objects.none()
    serializer_class = ProviderShape
    filter_backends = []

    def get_queryset(self):
        mine = ProviderAccount.objects.for_organization(self.organization)
        return mine.newest_first()

    def get_serializer_class(self):
        return {
            "create": ProviderBody,
            "partial_update": ProviderChanges,
        }.get(self.action, ProviderShape)

    def find(self, pk: str) -> ProviderAccount:
        account = self.get_queryset().filter(pk=pk).first()
        if account is None:
            raise NotFound
        return account

    def list(self, request):
        return self.list_page(
            self.filter_queryset(self.get_queryset()), provider_as_dict
        )

    @extend_schema(parameters=[ORGANIZATION], responses=ProviderShape)
    def retrieve(self, request, pk):
        return Response(provider_as_dict(self.find(pk)))

    @extend_schema(
        parameters=[ORGANIZATION, IDEMPOTENCY],
        request=ProviderBody,
        responses={201: ProviderShape, 200: ProviderShape},
    )
    def create(self, request):
        return self.answer_once(
            self.body(),
            self.get_queryset(),
            partial(
                accounts.create_account,
                organization=self.organization,
                actor=self.principal.user,
            ),
            provider_as_dict,
        )

    @extend_schema(
        parameters=[ORGANIZATION], request=ProviderChanges, responses=ProviderShape
    )
    def partial_update(self, request, pk):
        account = accounts.update_account(
            account=self.find(pk),
            actor=self.principal.user,
            changes=self.body(partial=True),
        )
        return Response(provider_as_dict(account))

    @extend_schema(parameters=[ORGANIZATION], responses={204: None})
    def destroy(self, request, pk):
        accounts.delete_account(account=self.find(pk), actor=self.principal.user)
        return Response(status=204)

    @extend_schema(
        parameters=[ORGANIZATION], request=None, responses=ProviderCheckShape
    )
    @action(detail=True, methods=["post"])
    def test(self, request, pk):
        """Ask it for its models, a word and a vector; what fails is said."""
        account = self.find(pk)
        found = checks.check_account(account=account, actor=self.principal.user)
        return Response(
            {
                "ok": not found.error,
                "error": found.error,
                "models": found.models,
                "answered_ms": found.answered_ms,
                "embedding_dimensions": found.embedding_dimensions,
                "resting": circuit_breaker.is_open(str(account.pk)),
            }
        )

    @extend_schema(
        parameters=[ORGANIZATION],
        responses=ModelChoiceShape(many=True),
        filters=False,
    )
    @action(detail=False, pagination_class=None)
    def models(self, request):
        """What an agent's `config.model` may be."""
        return Response([vars(each) for each in choices_for(self.organization)])
