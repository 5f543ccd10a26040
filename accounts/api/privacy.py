"""The REST door to what is kept of people: one's own account, and visitors."""

from allauth.account.decorators import reauthentication_required
from allauth.core.exceptions import ReauthenticationRequired
from django.http import HttpRequest
from django.urls import re_path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from accounts.api.fields import StrictSerializer, TextField
from accounts.api.viewsets import ORGANIZATION, OrganizationViewSet, WhateverAccepted
from accounts.errors import Forbidden
from accounts.models.users import AuthProvider, User
from accounts.privacy import account_closing
from accounts.privacy.archives import attachment
from accounts.privacy.exports import export_person, export_visitor
from accounts.privacy.visitors import LONGEST_ID, erase_visitor

ARCHIVE = {(200, "application/zip"): OpenApiTypes.BINARY}
VISITOR = OpenApiParameter("visitor_id", str, required=True)


class NotFresh(Forbidden):
    code = "reauthentication-required"
    detail = "Confirm your password at /accounts/reauthenticate/ first."


class AccountShape(serializers.Serializer):
    id = serializers.UUIDField()
    email = serializers.EmailField()
    name = serializers.CharField()
    provider = serializers.ChoiceField(AuthProvider.choices)
    roles = serializers.ListField(child=serializers.CharField())
    groups = serializers.ListField(child=serializers.CharField())
    created_at = serializers.DateTimeField()
    last_login = serializers.DateTimeField(allow_null=True)


def account_as_dict(user: User) -> dict:
    names = AccountShape().fields.keys() - {"groups"}
    shown = {name: getattr(user, name) for name in names}
    return shown | {"groups": user.group_names()}


@reauthentication_required
def check_fresh(request: HttpRequest) -> None:
    """Let those through who proved a moment ago who they are."""


class AccountViewSet(OrganizationViewSet):
    """One's own account. No key speaks for it."""

    is_about_one_organization = False
    actions = {"*": "account:manage"}
    queryset = User.objects.none()
    serializer_class = AccountShape
    pagination_class = None
    filter_backends = []

    @extend_schema(responses=AccountShape)
    def retrieve(self, request):
        return Response(account_as_dict(request.user))

    @extend_schema(responses={204: None})
    def destroy(self, request):
        """Close it: sessions, keys and memberships end, and it is erased in time."""
        try:
            check_fresh(request._request)
        except ReauthenticationRequired:
            raise NotFresh from None
        account_closing.close_account(user=request.user, actor=request.user)
        request._request.session.flush()
        return Response(status=204)

    @extend_schema(responses=ARCHIVE)
    def export(self, request):
        """Return all that is kept of oneself, as a zip of one JSON object a line."""
        sections = export_person(user=request.user, actor=request.user)
        return attachment("my-data", request.user.email, sections)


class VisitorBody(StrictSerializer):
    visitor_id = TextField(max_length=LONGEST_ID, trim_whitespace=False)


class VisitorViewSet(OrganizationViewSet):
    """What is kept of those who talk with the organization's agents."""

    actions = {"*": "visitors:manage"}
    statuses = {"erase": 204}
    queryset = User.objects.none()
    serializer_class = VisitorBody
    pagination_class = None
    filter_backends = []

    @extend_schema(parameters=[ORGANIZATION, VISITOR], responses=ARCHIVE)
    @action(detail=False, content_negotiation_class=WhateverAccepted)
    def export(self, request):
        """Return a visitor's conversations and visits as a zip."""
        visitor_id = request.query_params.get("visitor_id", "")
        sections = export_visitor(
            organization=self.organization,
            actor=self.principal.user,
            visitor_id=visitor_id,
        )
        return attachment("visitor", f"the visitor {visitor_id}", sections)

    @extend_schema(
        parameters=[ORGANIZATION], request=VisitorBody, responses={204: None}
    )
    @action(detail=False, methods=["post"])
    def erase(self, request):
        """Erase a visitor's conversations and visits, for good."""
        erase_visitor(
            organization=self.organization, actor=self.principal.user, **self.body()
        )
        return Response(status=204)


account_urlpatterns = [
    re_path(
        r"^api/v1/account/?$",
        AccountViewSet.as_view({"get": "retrieve", "delete": "destroy"}),
        name="account",
    ),
    re_path(
        r"^api/v1/account/export/?$",
        AccountViewSet.as_view(
            {"get": "export"}, content_negotiation_class=WhateverAccepted
        ),
        name="account-export",
    ),
]
