"""The REST door to agents and personas."""

from functools import partial
from uuid import UUID

from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.response import Response

from accounts.api.viewsets import (
    IDEMPOTENCY,
    ORGANIZATION,
    OrganizationViewSet,
    idempotency_key,
)
from accounts.errors import Forbidden, NotFound
from accounts.models.api_keys import Scope
from accounts.models.lifecycle import request_fingerprint
from agents.api.agent_rows import (
    COLUMNS,
    SHOWN_OF_VERSIONS,
    NewestAgents,
    agent_rows,
    as_dict,
    row_as_dict,
)
from agents.api.agent_serializers import (
    AgentEditBody,
    AgentReplaceBody,
    AgentShape,
    CloneBody,
    EmbedShape,
    NewAgentBody,
    PersonaShape,
    ReleaseBody,
    StatsShape,
    VersionShape,
)
from agents.api.filters import AgentFilter
from agents.api.import_export import PortableActions
from agents.configuration.embedding_snippet import render_embed, render_strict_embed
from agents.lifecycle import cache, creation, deletion, editing
from agents.lifecycle.release import release_draft
from agents.lifecycle.stats import get_agent_stats
from agents.models.agents import Agent
from agents.models.personas import Persona
from agents.models.versions import AgentVersion

IF_MATCH = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, description="The ETag last read"
)
# Parameters that leave a list unfiltered and in its usual order.
PLAIN_PAGE = {"organization_id", "limit", "offset"}
PUBLIC_ID, CREATED_AT, REVISION = map(
    COLUMNS.index, ("public_id", "created_at", "revision")
)


@extend_schema_view(
    list=extend_schema(parameters=[ORGANIZATION], responses=AgentShape(many=True)),
    retrieve=extend_schema(parameters=[ORGANIZATION], responses=AgentShape),
)
class AgentViewSet(PortableActions, OrganizationViewSet):
    """Agents of one organization, addressed by their public id."""

    statuses = {"clone": 201, "import_file": 201, "restore_version": 201}
    admits_bound_keys = True
    actions = {
        "list": Scope.AGENTS_READ,
        "retrieve": Scope.AGENTS_READ,
        "embed": Scope.AGENTS_READ,
        "stats": Scope.AGENTS_READ,
        "export": Scope.AGENTS_READ,
        "versions": Scope.AGENTS_READ,
        "*": Scope.AGENTS_WRITE,
    }
    queryset = Agent.objects.none()
    serializer_class = AgentShape
    filter_backends = [DjangoFilterBackend]
    filterset_class = AgentFilter
    lookup_field = "public_id"
    cursor_field = "public_id"

    def get_queryset(self):
        agents = Agent.objects.for_organization(self.organization).newest_first()
        if bound := self.principal.bound_agent:
            agents = agents.filter(public_id=bound)
        return agents

    def known_count(self, queryset):
        """The organization counts its agents; only a filter needs a COUNT."""
        is_filtered = set(self.request.query_params) - PLAIN_PAGE - {"ordering"}
        if is_filtered or self.principal.bound_agent:
            return None
        return self.organization.agent_count

    def cursor_of(self, row):
        return row[CREATED_AT], row[PUBLIC_ID]

    def find(self, *, with_deleted: bool = False) -> Agent:
        """Return the agent of the path, or raise NotFound."""
        agents = Agent.all_objects if with_deleted else Agent.objects
        agent = (
            agents.for_organization(self.organization)
            .with_details()
            .filter(public_id=self._public_id())
            .order_by()
            .first()
        )
        if agent is None:
            raise NotFound
        # The domain then knows the organization without asking again.
        agent.organization = self.organization
        return agent

    def _public_id(self) -> UUID:
        public_id = UUID(self.kwargs["public_id"])
        if self.principal.bound_agent not in (None, public_id):
            raise NotFound
        return public_id

    def list(self, request):
        if request.query_params.keys() <= PLAIN_PAGE and not self.principal.bound_agent:
            return self.list_page(NewestAgents(self.organization), row_as_dict)
        agents = self.filter_queryset(self.get_queryset())
        return self.list_page(agent_rows(agents), row_as_dict)

    def retrieve(self, request, public_id):
        row = NewestAgents(self.organization).find(self._public_id())
        if row is None:
            raise NotFound
        etag = f'"{row[PUBLIC_ID]}-{row[REVISION]}"'
        return Response(row_as_dict(row), headers={"ETag": etag})

    @extend_schema(
        parameters=[ORGANIZATION, IDEMPOTENCY],
        request=NewAgentBody,
        responses={201: AgentShape, 200: AgentShape},
    )
    def create(self, request):
        if self.principal.bound_agent:
            raise Forbidden("This API key is bound to one agent.")
        body = self.body()
        key = idempotency_key(request, body)
        body.pop("idempotency_key", None)
        agent, created = creation.create_agent(
            organization=self.organization,
            created_by=self.principal.user,
            idempotency_key=key,
            request_fingerprint=request_fingerprint(body) if key else "",
            **body,
        )
        return self.made(agent, created)

    def made(self, agent: Agent, created: bool) -> Response:
        """Answer 201 for what is new, 200 for what a repeated key found."""
        headers = {"ETag": agent.etag, "Location": f"/api/v1/agents/{agent.public_id}/"}
        if not created:
            headers["Idempotency-Replayed"] = "true"
        return Response(as_dict(agent), 201 if created else 200, headers=headers)

    def get_serializer_class(self):
        return {
            "create": NewAgentBody,
            "update": AgentReplaceBody,
            "partial_update": AgentEditBody,
            "clone": CloneBody,
            "release": ReleaseBody,
        }.get(self.action, AgentShape)

    @extend_schema(
        parameters=[ORGANIZATION, IF_MATCH],
        request=AgentReplaceBody,
        responses=AgentShape,
    )
    def update(self, request, public_id):
        return self.edit(creation.defaults() | self.body(), replace=True)

    @extend_schema(
        parameters=[ORGANIZATION, IF_MATCH],
        request=AgentEditBody,
        responses=AgentShape,
    )
    def partial_update(self, request, public_id):
        return self.edit(self.body(), replace=False)

    def edit(self, changes: dict, *, replace: bool) -> Response:
        agent = editing.update_agent(
            agent=self.find(),
            actor=self.principal.user,
            note=changes.pop("note", ""),
            changes=changes,
            if_match=self.request.META.get("HTTP_IF_MATCH"),
            replace=replace,
            is_bound=self.principal.bound_agent is not None,
        )
        return Response(as_dict(agent), headers={"ETag": agent.etag})

    @extend_schema(parameters=[ORGANIZATION, IF_MATCH], responses={204: None})
    def destroy(self, request, public_id):
        deletion.delete_agent(
            agent=self.find(),
            actor=self.principal.user,
            if_match=request.META.get("HTTP_IF_MATCH"),
        )
        return Response(status=204)

    @extend_schema(parameters=[ORGANIZATION], request=None, responses=AgentShape)
    @action(detail=True, methods=["post"])
    def restore(self, request, public_id):
        agent = deletion.restore_agent(
            agent=self.find(with_deleted=True), actor=self.principal.user
        )
        return Response(as_dict(agent), headers={"ETag": agent.etag})

    @extend_schema(
        parameters=[ORGANIZATION, IDEMPOTENCY],
        request=CloneBody,
        responses={201: AgentShape, 200: AgentShape},
    )
    @action(detail=True, methods=["post"])
    def clone(self, request, public_id):
        if self.principal.bound_agent:
            raise Forbidden("This API key is bound to one agent.")
        body = self.body()
        key = idempotency_key(request, body)
        agent, created = creation.clone_agent(
            agent=self.find(),
            created_by=self.principal.user,
            name=body.get("name"),
            idempotency_key=key,
            request_fingerprint=request_fingerprint(
                {"clone_of": public_id, "name": body.get("name")}
            )
            if key
            else "",
        )
        return self.made(agent, created)

    @extend_schema(
        parameters=[ORGANIZATION, IF_MATCH],
        request=ReleaseBody,
        responses=AgentShape,
    )
    @action(detail=True, methods=["post"])
    def release(self, request, public_id):
        """Make the draft live; with a `version`, only if the draft is that one."""
        agent = release_draft(
            agent=self.find(),
            actor=self.principal.user,
            version=self.body().get("version"),
            if_match=request.META.get("HTTP_IF_MATCH"),
        )
        return Response(as_dict(agent), headers={"ETag": agent.etag})

    @extend_schema(parameters=[ORGANIZATION], responses=EmbedShape)
    @action(detail=True)
    def embed(self, request, public_id):
        agent = cache.find_agent(self._public_id())
        if agent is None or agent.organization_id != self.organization.pk:
            raise NotFound
        return Response(
            {
                "embed_code": render_embed(agent.public_id, agent.widget_config),
                "strict_embed_code": render_strict_embed(agent.public_id),
            }
        )

    @extend_schema(parameters=[ORGANIZATION], responses=StatsShape)
    @action(detail=True)
    def stats(self, request, public_id):
        return Response(get_agent_stats(self.find()))

    @extend_schema(parameters=[ORGANIZATION], responses=VersionShape(many=True))
    @action(detail=True, filterset_class=None)
    def versions(self, request, public_id):
        agent = self.find()
        versions = AgentVersion.objects.filter(agent=agent).order_by("-number")
        return self.list_page(versions, lambda row: version_as_dict(row, agent))

    @extend_schema(
        parameters=[ORGANIZATION, IDEMPOTENCY],
        request=None,
        responses={201: VersionShape, 200: VersionShape},
    )
    @action(
        detail=True,
        methods=["post"],
        url_path=r"versions/(?P<number>[0-9]{1,9})/restore",
    )
    def restore_version(self, request, public_id, number):
        agent = self.find()
        return self.answer_once(
            {},
            agent.versions.select_related("agent"),
            partial(
                editing.restore_version,
                agent=agent,
                number=int(number),
                actor=self.principal.user,
                is_bound=self.principal.bound_agent is not None,
            ),
            lambda version: version_as_dict(version, version.agent),
        )


def version_as_dict(version: AgentVersion, agent: Agent) -> dict:
    return {
        "id": version.pk,
        "number": version.number,
        "is_live": version.pk == agent.live_version_id,
        "is_draft": version.pk == agent.draft_version_id,
        "origin": version.origin,
        "note": version.note,
        "author_id": version.author_id,
        **{each.name: getattr(version, each.name) for each in SHOWN_OF_VERSIONS},
        "created_at": version.created_at,
    }


@extend_schema_view(
    list=extend_schema(parameters=[ORGANIZATION], responses=PersonaShape(many=True))
)
class PersonaViewSet(mixins.ListModelMixin, OrganizationViewSet):
    """The built-in personas and the organization's own."""

    admits_bound_keys = True
    actions = {"*": Scope.AGENTS_READ}
    queryset = Persona.objects.none()
    serializer_class = PersonaShape
    filter_backends = []

    def get_queryset(self):
        return Persona.objects.available_to(self.organization)

    def list(self, request):
        return self.list_page(
            self.filter_queryset(self.get_queryset()), persona_as_dict
        )


def persona_as_dict(persona: Persona) -> dict:
    return {
        "key": persona.key,
        "name": persona.name,
        "domain": persona.domain,
        "system_prompt": persona.system_prompt,
        "tactics": persona.tactics,
        "is_built_in": persona.organization_id is None,
    }
