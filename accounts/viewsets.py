"""The REST door to members, invitations and API keys."""

from functools import partial
from uuid import UUID

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from accounts import keys, members
from accounts.doors import (
    IDEMPOTENCY,
    ORGANIZATION,
    CreationBody,
    NameField,
    OrganizationViewSet,
    StrictSerializer,
    idempotency_key,
)
from accounts.errors import NotFound
from accounts.models.api_keys import APIKey, RateLimitTier, Scope
from accounts.models.invitations import Invitation
from accounts.models.lifecycle import request_fingerprint
from accounts.models.organizations import Membership, Role


class MemberShape(serializers.Serializer):
    user_id = serializers.UUIDField()
    email = serializers.EmailField()
    name = serializers.CharField()
    role = serializers.ChoiceField(Role.choices)
    created_at = serializers.DateTimeField()


class RoleBody(StrictSerializer):
    role = serializers.ChoiceField(Role.choices)


def member_as_dict(row: Membership) -> dict:
    return {
        "user_id": row.user_id,
        "email": row.user.email,
        "name": row.user.name,
        "role": row.role,
        "created_at": row.created_at,
    }


class MemberViewSet(OrganizationViewSet):
    """Who belongs to the organization."""

    actions = {
        "list": "members:read",
        "destroy": "members:read",  # one's own; the domain guards the others
        "*": "members:manage",
    }
    queryset = Membership.objects.none()
    serializer_class = MemberShape
    filter_backends = []
    lookup_field = "user_id"

    def get_serializer_class(self):
        return RoleBody if self.action == "partial_update" else MemberShape

    @extend_schema(parameters=[ORGANIZATION], responses=MemberShape(many=True))
    def list(self, request):
        rows = self.organization.memberships.select_related("user")
        rows = self.filter_queryset(rows.order_by("-created_at", "-pk"))
        return self.list_page(rows, member_as_dict)

    @extend_schema(parameters=[ORGANIZATION], request=RoleBody, responses=MemberShape)
    def partial_update(self, request, user_id):
        membership = members.change_role(
            organization=self.organization,
            actor=self.principal.user,
            user_id=UUID(user_id),
            **self.body(),
        )
        return Response(member_as_dict(membership))

    @extend_schema(parameters=[ORGANIZATION], responses={204: None})
    def destroy(self, request, user_id):
        members.remove_member(
            organization=self.organization,
            actor=self.principal.user,
            user_id=UUID(user_id),
        )
        return Response(status=204)

    @extend_schema(parameters=[ORGANIZATION], request=None, responses=MemberShape)
    @action(detail=True, methods=["post"], url_path="transfer-ownership")
    def transfer_ownership(self, request, user_id):
        membership = members.transfer_ownership(
            organization=self.organization,
            actor=self.principal.user,
            user_id=UUID(user_id),
        )
        return Response(member_as_dict(membership))


class InvitationBody(CreationBody):
    email = serializers.EmailField()
    role = serializers.ChoiceField(Role.choices)


class InvitationShape(serializers.Serializer):
    email = serializers.EmailField()
    role = serializers.ChoiceField(Role.choices)
    id = serializers.UUIDField()
    expires_at = serializers.DateTimeField()
    created_at = serializers.DateTimeField()


def invitation_as_dict(row: Invitation) -> dict:
    return {name: getattr(row, name) for name in InvitationShape().fields}


class InvitationViewSet(OrganizationViewSet):
    """Open invitations; the link goes out by mail and is shown nowhere."""

    actions = {"*": "members:manage"}
    queryset = Invitation.objects.none()
    serializer_class = InvitationShape
    filter_backends = []

    def get_serializer_class(self):
        return InvitationBody if self.action == "create" else InvitationShape

    @extend_schema(parameters=[ORGANIZATION], responses=InvitationShape(many=True))
    def list(self, request):
        rows = self.filter_queryset(self.organization.invitations.open())
        return self.list_page(rows.order_by("-created_at", "-pk"), invitation_as_dict)

    @extend_schema(
        parameters=[ORGANIZATION, IDEMPOTENCY],
        request=InvitationBody,
        responses={201: InvitationShape, 200: InvitationShape},
    )
    def create(self, request):
        return self.answer_once(
            self.body(),
            self.organization.invitations.all(),
            partial(
                members.invite_member,
                organization=self.organization,
                actor=self.principal.user,
            ),
            invitation_as_dict,
        )

    @extend_schema(parameters=[ORGANIZATION], responses={204: None})
    def destroy(self, request, pk):
        members.revoke_invitation(
            organization=self.organization,
            actor=self.principal.user,
            invitation_id=UUID(pk),
        )
        return Response(status=204)


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
        key, raw = keys.create_api_key(
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
        keys.revoke_api_key(key=self.find(pk), actor=self.principal.user)
        return Response(status=204)

    @extend_schema(parameters=[ORGANIZATION], request=None, responses=KeyShape)
    @action(detail=True, methods=["post"])
    def restore(self, request, pk):
        """Take a revocation back, within a quarter of an hour."""
        mine = APIKey.all_objects.for_organization(self.organization)
        key = mine.filter(pk=pk).first()
        if key is None:
            raise NotFound
        key = keys.restore_api_key(key=key, actor=self.principal.user)
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
        key, raw = keys.rotate_api_key(
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
