"""The REST door to files of agents: write one, and make an agent from one."""

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action

from accounts.api.viewsets import IDEMPOTENCY, ORGANIZATION, idempotency_key
from accounts.errors import Forbidden, Invalid
from accounts.models.api_keys import Scope
from accounts.models.lifecycle import request_fingerprint
from agents.api.agent_serializers import AgentShape
from agents.import_export.exporting import export_agent
from agents.import_export.file_format import MAX_BYTES, AgentFile, read
from agents.import_export.importing import import_agent
from agents.models.agents import Agent
from metrics.bodies import schema_of

FILE = schema_of(AgentFile)
KNOWLEDGE = OpenApiParameter(
    "knowledge", bool, description="false leaves the documents out"
)


def as_download(agent: Agent, *, knowledge: bool) -> HttpResponse:
    """Answer with an agent's file, for keeping."""
    written = export_agent(agent, knowledge=knowledge)
    response = HttpResponse(written, content_type="application/json")
    name = f"{agent.slug}.agent.json"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


class PortableActions:
    """What an agents' viewset does with files."""

    @extend_schema(
        parameters=[ORGANIZATION, KNOWLEDGE],
        responses={200: FILE},
    )
    @action(detail=True, filterset_class=None)
    def export(self, request, public_id):
        """Write the agent into a file, with its versions, tests and knowledge."""
        wanted = request.query_params.get("knowledge", "true")
        if wanted not in ("true", "false"):
            raise Invalid("true or false.", pointer="/knowledge")
        return as_download(self.find(), knowledge=wanted == "true")

    @extend_schema(
        parameters=[ORGANIZATION, IDEMPOTENCY],
        request={"application/json": FILE},
        responses={201: AgentShape, 200: AgentShape},
    )
    @action(
        detail=False,
        methods=["post"],
        url_path="import",
        url_name="import",
        filterset_class=None,
        max_body_bytes=MAX_BYTES,
    )
    def import_file(self, request):
        """Make an agent from a file that `export` has written, of any installation."""
        if self.principal.bound_agent:
            raise Forbidden("This API key is bound to one agent.")
        file = read(request.data)
        if file.knowledge and not self.principal.may(Scope.KNOWLEDGE_WRITE):
            raise Forbidden("The file brings knowledge, which you may not add.")
        key = idempotency_key(request, {})
        agent, created = import_agent(
            organization=self.organization,
            created_by=self.principal.user,
            file=file,
            idempotency_key=key,
            request_fingerprint=request_fingerprint(request.data) if key else "",
        )
        return self.made(agent, created)
