"""The REST door to the ready agents."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response

from accounts.api.viewsets import ORGANIZATION, OrganizationViewSet
from accounts.errors import Invalid
from accounts.models.api_keys import Scope
from agents.api.agent_serializers import PersonaSummary
from agents.import_export.agent_templates import Ready, file_of, ready_agents
from agents.models.agents import Agent, Industry

INDUSTRY = OpenApiParameter("industry", str, enum=Industry.values)


class ReadyShape(serializers.Serializer):
    template = serializers.CharField(help_text="An agent's `template`")
    name = serializers.CharField()
    summary = serializers.CharField()
    persona = PersonaSummary()
    test_count = serializers.IntegerField()
    file = serializers.DictField(help_text="What POST /api/v1/agents/import/ takes")


@extend_schema_view(
    list=extend_schema(
        parameters=[ORGANIZATION, INDUSTRY], responses=ReadyShape(many=True)
    )
)
class ReadyViewSet(OrganizationViewSet):
    """Ready agents, each with the file it is made from."""

    admits_bound_keys = True
    actions = {"*": Scope.AGENTS_READ}
    queryset = Agent.objects.none()
    serializer_class = ReadyShape
    filter_backends = []

    def list(self, request):
        """Tell all of them at once: they are few."""
        known = {"organization_id", "industry", "limit", "offset", "format"}
        if unknown := sorted(set(request.query_params) - known):
            raise ValidationError({unknown[0]: "There is no such parameter here."})
        industry = request.query_params.get("industry", Industry.GENERAL)
        if industry not in Industry.values:
            raise Invalid("There is no such industry.", pointer="/industry")
        found = [as_dict(ready, industry) for ready in ready_agents().values()]
        return Response(
            {"count": len(found), "next": None, "previous": None, "results": found}
        )


def as_dict(ready: Ready, industry: str) -> dict[str, Any]:
    return {
        "template": ready.key,
        "name": ready.name,
        "summary": ready.summary,
        "persona": {"key": ready.persona, "name": ready.persona_name},
        "test_count": len(ready.tests),
        "file": file_of(ready, industry),
    }
