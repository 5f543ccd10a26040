"""The REST door to organizations: make, rename, export, delete, bring back."""

from functools import partial

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from accounts.access.authentication import Principal
from accounts.api.fields import NameField, StrictSerializer
from accounts.api.viewsets import (
    IDEMPOTENCY,
    CreationBody,
    OrganizationViewSet,
    WhateverAccepted,
)
from accounts.errors import NotFound
from accounts.models.organizations import Membership, Organization, Plan, Role
from accounts.organizations import deletion, members
from accounts.privacy.archives import attachment
from accounts.privacy.exports import export_organization

ARCHIVE = {(200, "application/zip"): OpenApiTypes.BINARY}


class OrganizationBody(StrictSerializer):
    name = NameField(max_length=255)


class NewOrganizationBody(OrganizationBody, CreationBody):
    pass


class OrganizationShape(serializers.Serializer):
    id = serializers.IntegerField()
    name = serializers.CharField()
    plan = serializers.ChoiceField(Plan.choices)
    role = serializers.ChoiceField(Role.choices)
    agent_count = serializers.IntegerField()
    max_agents = serializers.IntegerField()
    max_members = serializers.IntegerField()
    max_documents = serializers.IntegerField()
    created_at = serializers.DateTimeField()


def organization_as_dict(organization: Organization, role: str) -> dict:
    names = OrganizationShape().fields.keys() - {"role"}
    return {name: getattr(organization, name) for name in names} | {"role": role}


class DeletedOrganizationShape(serializers.Serializer):
    id = serializers.IntegerField()
    name = serializers.CharField()
    deleted_at = serializers.DateTimeField()
    kept_until = serializers.DateTimeField(allow_null=True)


def deleted_as_dict(organization: Organization) -> dict:
    names = DeletedOrganizationShape().fields
    return {name: getattr(organization, name) for name in names}


class OrganizationsViewSet(OrganizationViewSet):
    """The organizations one belongs to; a key sees its own."""

    is_about_one_organization = False
    actions = {
        "list": "members:read",
        "retrieve": "members:read",
        "partial_update": "organization:manage",
        "export": "organization:export",
        "destroy": "organization:delete",
        # One sees and brings back what one owns.
        "deleted": "account:manage",
        "restore": "account:manage",
        "*": "organization:create",
    }
    queryset = Organization.objects.none()
    serializer_class = OrganizationShape
    filter_backends = []
    lookup_value_regex = "[0-9]{1,18}"

    def get_serializer_class(self):
        return {
            "create": NewOrganizationBody,
            "partial_update": OrganizationBody,
        }.get(self.action, OrganizationShape)

    def get_queryset(self):
        mine = Membership.objects.filter(
            user=self.request.user, organization__deleted_at=None
        ).select_related("organization")
        if self.request.auth.api_key:
            mine = mine.filter(organization=self.request.auth.organization)
        return mine.order_by("organization_id")

    @extend_schema(responses=OrganizationShape(many=True))
    def list(self, request):
        return self.list_page(
            self.filter_queryset(self.get_queryset()),
            lambda row: organization_as_dict(row.organization, row.role),
        )

    @extend_schema(responses=OrganizationShape)
    def retrieve(self, request, pk):
        row = self._settled(pk)
        return Response(organization_as_dict(row.organization, row.role))

    def _settled(self, pk: str) -> Membership:
        row = self.get_queryset().filter(organization_id=int(pk)).first()
        if row is None:
            raise NotFound
        asking = self.request.auth
        if asking.api_key is None:
            # The path decides, not which organization the browser looks at.
            asking = Principal(asking.user)
        asking.in_organization(pk, self.action_for(self.request))
        return row

    @extend_schema(
        parameters=[IDEMPOTENCY],
        request=NewOrganizationBody,
        responses={201: OrganizationShape, 200: OrganizationShape},
    )
    def create(self, request):
        def as_dict(organization):
            mine = organization.memberships.get(user=request.user)
            return organization_as_dict(organization, mine.role)

        return self.answer_once(
            self.body(),
            Organization.objects.filter(memberships__user=request.user),
            partial(members.create_organization, owner=request.user),
            as_dict,
            owner=request.user,
        )

    @extend_schema(request=OrganizationBody, responses=OrganizationShape)
    def partial_update(self, request, pk):
        row = self._settled(pk)
        organization = members.rename_organization(
            organization=row.organization, actor=request.user, **self.body()
        )
        return Response(organization_as_dict(organization, row.role))

    @extend_schema(responses=ARCHIVE)
    @action(detail=True, content_negotiation_class=WhateverAccepted)
    def export(self, request, pk):
        """Return all that it has, as a zip of one JSON object a line."""
        row = self._settled(pk)
        sections = export_organization(
            organization=row.organization, actor=request.user
        )
        return attachment("organization", row.organization.name, sections)

    @extend_schema(responses={204: None})
    def destroy(self, request, pk):
        """Refuse it from the next request on; an owner can bring it back for a time."""
        row = self._settled(pk)
        deletion.delete_organization(organization=row.organization, actor=request.user)
        return Response(status=204)

    @extend_schema(responses=DeletedOrganizationShape(many=True))
    @action(detail=False, pagination_class=None)
    def deleted(self, request):
        """List those one owns that are deleted and can still come back."""
        rows = Membership.objects.restorable_by(request.user)
        return Response([deleted_as_dict(row.organization) for row in rows])

    @extend_schema(request=None, responses=OrganizationShape)
    @action(detail=True, methods=["post"])
    def restore(self, request, pk):
        """Bring a deleted one back, with all it had."""
        mine = Membership.objects.restorable_by(request.user)
        row = mine.filter(organization_id=int(pk)).first()
        if row is None:
            raise NotFound
        organization = deletion.restore_organization(
            organization=row.organization, actor=request.user
        )
        return Response(organization_as_dict(organization, row.role))
