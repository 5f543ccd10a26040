"""The REST door to usage: this month's figures, a file of them, agents' own caps."""

import re
from datetime import date
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    extend_schema,
    extend_schema_serializer,
)
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from accounts.api.fields import StrictSerializer
from accounts.api.viewsets import ORGANIZATION, OrganizationViewSet, WhateverAccepted
from accounts.errors import Invalid, NotFound
from accounts.models.api_keys import Scope
from agents.models.agents import Agent
from agents.models.usage import AgentBudget, UsageKind, this_month
from agents.usage import budgets, reports
from metrics.api_ledger import csv_response

MONTH = OpenApiParameter("month", str, description="As 2026-11; default: this month.")
MONTH_FORM = re.compile(r"(20[0-9]{2})-(0[1-9]|1[0-2])")


class MeasureShape(serializers.Serializer):
    used = serializers.IntegerField()
    reserved = serializers.IntegerField(help_text="Held for answers still to come")
    limit = serializers.IntegerField(allow_null=True, help_text="null: unlimited")
    projected = serializers.IntegerField(help_text="At the month's end, at this pace")


class AgentUsageShape(serializers.Serializer):
    agent = serializers.UUIDField()
    name = serializers.CharField()
    is_deleted = serializers.BooleanField()
    messages = MeasureShape()
    tokens = MeasureShape()


class UsageDayShape(serializers.Serializer):
    day = serializers.DateField()
    kind = serializers.ChoiceField(UsageKind.choices)
    messages = serializers.IntegerField()
    tokens = serializers.IntegerField()


@extend_schema_serializer(many=False)
class UsageShape(serializers.Serializer):
    month = serializers.CharField()
    resets_at = serializers.DateTimeField()
    messages = MeasureShape()
    tokens = MeasureShape()
    agents_total = serializers.IntegerField()
    agents = AgentUsageShape(many=True, help_text="The 100 that used most")
    days = UsageDayShape(many=True)


class CapsBody(StrictSerializer):
    max_messages_per_month = serializers.IntegerField(required=False)
    max_tokens_per_month = serializers.IntegerField(required=False)


class CapsShape(serializers.Serializer):
    agent = serializers.UUIDField()
    max_messages_per_month = serializers.IntegerField()
    max_tokens_per_month = serializers.IntegerField()


def asked_month(text: str | None) -> date:
    """Read a month. Raises Invalid."""
    if text is None:
        return this_month()
    found = MONTH_FORM.fullmatch(text)
    if not found:
        raise Invalid("A month is written 2026-11.", pointer="/month")
    return date(int(found[1]), int(found[2]), 1)


class UsageViewSet(OrganizationViewSet):
    """Tokens and messages of a month, and the caps on them."""

    actions = {"*": Scope.METRICS_READ, "caps": Scope.ADMIN}
    pagination_class = None
    serializer_class = UsageShape
    queryset = AgentBudget.objects.none()

    def get_serializer_class(self):
        return CapsBody if self.action == "caps" else UsageShape

    @extend_schema(parameters=[ORGANIZATION, MONTH], responses=UsageShape)
    def list(self, request):
        month = asked_month(request.query_params.get("month"))
        return Response(reports.report(self.organization, month).as_dict())

    @extend_schema(
        parameters=[ORGANIZATION, MONTH],
        responses={(200, "text/csv"): OpenApiTypes.STR},
    )
    @action(detail=False, content_negotiation_class=WhateverAccepted)
    def export(self, request):
        """Return every day of every agent as CSV."""
        month = asked_month(request.query_params.get("month"))
        lines = reports.as_csv(self.organization, month)
        return csv_response(lines, f"usage-{month:%Y-%m}.csv")

    @extend_schema(parameters=[ORGANIZATION], request=CapsBody, responses=CapsShape)
    @action(detail=True, methods=["put"])
    def caps(self, request, pk):
        """Set an agent's own caps; -1 is none."""
        mine = Agent.objects.for_organization(self.organization)
        agent = mine.filter(public_id=pk).order_by().first()
        if agent is None:
            raise NotFound
        budget = budgets.set_caps(agent=agent, actor=self.principal.user, **self.body())
        caps: dict[str, Any] = {
            "agent": agent.public_id,
            "max_messages_per_month": budget.max_messages_per_month,
            "max_tokens_per_month": budget.max_tokens_per_month,
        }
        return Response(caps)
