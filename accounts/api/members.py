"""The REST door to members, invitations and API keys."""

from functools import partial
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from accounts.api.fields import StrictSerializer
from accounts.api.viewsets import (
    IDEMPOTENCY,
    ORGANIZATION,
    CreationBody,
    OrganizationViewSet,
)
from accounts.models.invitations import Invitation
from accounts.models.organizations import Membership, Role
from accounts.organizations import members


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
