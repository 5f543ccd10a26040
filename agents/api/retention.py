"""The REST door to how long an organization keeps its conversations."""

from django.urls import re_path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from accounts.api.fields import StrictSerializer
from accounts.api.viewsets import ORGANIZATION, OrganizationViewSet
from accounts.models.api_keys import Scope
from agents.conversations import retention
from agents.models.retention import LONGEST_DAYS, RetentionPolicy


class RetentionBody(StrictSerializer):
    days = serializers.IntegerField(
        min_value=1,
        max_value=LONGEST_DAYS,
        allow_null=True,
        help_text="Since the last word; null keeps conversations for good",
    )


class RetentionShape(serializers.Serializer):
    days = serializers.IntegerField(allow_null=True)


class RetentionViewSet(OrganizationViewSet):
    """For how many days conversations are kept."""

    actions = {"*": Scope.ADMIN}
    pagination_class = None
    queryset = RetentionPolicy.objects.none()
    serializer_class = RetentionBody

    @extend_schema(parameters=[ORGANIZATION], responses=RetentionShape)
    def retrieve(self, request):
        return Response({"days": retention.days_kept(self.organization)})

    @extend_schema(
        parameters=[ORGANIZATION], request=RetentionBody, responses=RetentionShape
    )
    def update(self, request):
        """Set it; older conversations are deleted for good within the hour."""
        policy = retention.set_retention(
            organization=self.organization, actor=self.principal.user, **self.body()
        )
        return Response({"days": policy.days})


retention_urlpatterns = [
    re_path(
        r"^api/v1/retention/?$",
        RetentionViewSet.as_view({"get": "retrieve", "put": "update"}),
        name="retention",
    )
]
