"""REST API of API keys."""

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from accounts.access import api_keys
from accounts.api.fields import NameField
from accounts.api.viewsets import (
    IDEMPOTENCY,
    ORGANIZATION,
    CreationBody,
    OrganizationViewSet,
    idempotency_key,
)
from accounts.errors import NotFound
from accounts.models.api_keys import APIKey, RateLimitTier, Scope
from accounts.models.lifecycle import request_fingerprint


class KeyBody(CreationBody):
    name = NameField(max_length=100)
    scopes = serializers.ListField(
        child=serializers.ChoiceField([scope.value for scope in Scope.offered()]),
        min_length=1,
        max_length=20,
    )
    rate_limit_tier = serializers.ChoiceField(RateLimitTier.choices, required=False)
    agent_public_id = serializers.UUIDField(required=False, allow_null=True)
    expires_at = serializers.DateTimeField(required=False, allow_null=True)


class KeyShape(serializers.Serializer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    key_prefix = serializers.CharField()
    last_four = serializers.CharField()
    scopes = serializers.ListField(child=serializers.CharField())
    rate_limit_tier = serializers.ChoiceField(RateLimitTier.choices)
    agent_public_id = serializers.UUIDField(allow_null=True)
    user_id = serializers.UUIDField()
    is_active = serializers.BooleanField()
    expires_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class NewKeyShape(KeyShape):
    key = serializers.CharField(
        required=False, help_text="The key itself; in the first answer only."
    )


class RotationBody(CreationBody):
    overlap_seconds = serializers.IntegerField(
        min_value=0, max_value=604_800, default=86_400
    )


def key_as_dict(key: APIKey) -> dict:
    return {name: getattr(key, name) for name in KeyShape().fields}


@extend_schema_view(
    list=extend_schema(parameters=[ORGANIZATION], responses=KeyShape(many=True))
)
class KeyViewSet(OrganizationViewSet):
    """The organization's API keys; a key is shown once, in the answer that makes it."""

    statuses = {"rotate": 201}
    actions = {"*": "keys:manage"}
    queryset = APIKey.objects.none()
    serializer_class = KeyShape
    filter_backends = []

    def get_queryset(self):
        return APIKey.objects.for_organization(self.organization)

    def get_serializer_class(self):
        return {"create": KeyBody, "rotate": RotationBody}.get(self.action, KeyShape)

    def find(self, pk: str) -> APIKey:
        key = self.get_queryset().filter(pk=pk).first()
        if key is None:
            raise NotFound
        return key

    def list(self, request):
        return self.list_page(self.filter_queryset(self.get_queryset()), key_as_dict)

    @extend_schema(parameters=[ORGANIZATION], responses=KeyShape)
    def retrieve(self, request, pk):
        return Response(key_as_dict(self.find(pk)))

    @extend_schema(
        parameters=[ORGANIZATION, IDEMPOTENCY],
        request=KeyBody,
        responses={201: NewKeyShape, 200: NewKeyShape},
    )
    def create(self, request):
        body = self.body()
        repeated = idempotency_key(request, body)
        body.pop("idempotency_key", None)
        key, raw = api_keys.create_api_key(
            user=self.principal.user,
            organization=self.organization,
            idempotency_key=repeated,
            request_fingerprint=request_fingerprint(body) if repeated else "",
            acting_key=self.principal.api_key,
            **body,
        )
        return self.made(key, raw)

    @extend_schema(parameters=[ORGANIZATION], responses={204: None})
    def destroy(self, request, pk):
        api_keys.revoke_api_key(key=self.find(pk), actor=self.principal.user)
        return Response(status=204)

    @extend_schema(parameters=[ORGANIZATION], request=None, responses=KeyShape)
    @action(detail=True, methods=["post"])
    def restore(self, request, pk):
        """Take a revocation back, within a quarter of an hour."""
        mine = APIKey.all_objects.for_organization(self.organization)
        key = mine.filter(pk=pk).first()
        if key is None:
            raise NotFound
        key = api_keys.restore_api_key(key=key, actor=self.principal.user)
        return Response(key_as_dict(key))

    @extend_schema(
        parameters=[ORGANIZATION, IDEMPOTENCY],
        request=RotationBody,
        responses={201: NewKeyShape, 200: NewKeyShape},
    )
    @action(detail=True, methods=["post"])
    def rotate(self, request, pk):
        body = self.body()
        repeated = idempotency_key(request, body)
        body.pop("idempotency_key", None)
        asked = {"rotates": pk} | body
        key, raw = api_keys.rotate_api_key(
            key=self.find(pk),
            actor=self.principal.user,
            acting_key=self.principal.api_key,
            idempotency_key=repeated,
            request_fingerprint=request_fingerprint(asked) if repeated else "",
            **body,
        )
        return self.made(key, raw)

    def made(self, key: APIKey, raw: str | None) -> Response:
        """Show a key that is new, this once; or what a repeated key found."""
        if raw is None:
            headers = {"Idempotency-Replayed": "true"}
            return Response(key_as_dict(key), 200, headers=headers)
        return Response(key_as_dict(key) | {"key": raw}, 201)
