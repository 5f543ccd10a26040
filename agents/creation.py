"""The one way agents come to be, under the limit of their organization."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils.text import slugify

from accounts import audit
from accounts.errors import DomainError, Invalid
from accounts.models.audit import AuditAction
from accounts.models.lifecycle import new_id
from accounts.models.organizations import Organization
from accounts.models.users import User
from accounts.models.webhooks import WebhookEvent
from accounts.webhooks import announcing
from accounts.work import nudge
from agents.announcements import announce_agent
from agents.configuration import (
    AgentConfig,
    Configuration,
    InvalidConfiguration,
    WidgetConfig,
    validated,
)
from agents.models.agents import (
    Agent,
    Industry,
    OptimizationStatus,
    ReleaseGate,
    Template,
    WidgetMode,
)
from agents.models.knowledge import KnowledgePack
from agents.models.personas import Persona
from agents.models.versions import AgentVersion, OptimizationRun
from agents.origins import parse_origins
from metrics import ledger

OPTIMIZE = "agents.tasks.optimize_agent_prompt_background"
# Names of agent types that are paths of the metrics API.
RESERVED_SLUGS = {"analytics", "bulk-update", "leaderboard"}
SLUG_LENGTH = 50


class AgentLimitReached(DomainError):
    status = 403
    code = "agent-limit-reached"

    def __init__(self, organization: Organization) -> None:
        self.organization = organization
        super().__init__(
            f"Organization has reached agent limit ({organization.max_agents})",
            limit=organization.max_agents,
            used=organization.agent_count,
        )


class InvalidAgent(DomainError):
    """Several values break rules; each has its pointer."""

    def __init__(self, errors: list[dict[str, str]]) -> None:
        super().__init__(errors[0]["detail"])
        self.errors = errors

    def members(self) -> dict[str, Any]:
        return {"code": self.code, "detail": self.detail, "errors": self.errors}


@dataclass
class AgentDraft:
    """What the caller wants the new agent to be."""

    name: str
    description: str = ""
    system_prompt: str = ""
    persona_key: str | None = None
    knowledge_pack_id: UUID | None = None
    config: dict[str, Any] = field(default_factory=dict)
    widget_config: dict[str, Any] = field(default_factory=dict)
    template: str = Template.CUSTOM
    industry: str = Industry.GENERAL
    allowed_origins: list[str] = field(default_factory=list)
    widget_mode: str = WidgetMode.PUBLIC
    release_gate: str = ReleaseGate.NONE
    is_active: bool = True
    auto_optimize: bool = True


@announcing(AgentLimitReached, limit="agents")
@transaction.atomic
def create_agent(
    *,
    organization: Organization,
    created_by: User | None,
    name: str,
    idempotency_key: str | None = None,
    request_fingerprint: str = "",
    **wishes: Any,
) -> tuple[Agent, bool]:
    """Create an agent, or return the one this idempotency key already made.

    `wishes` are the other fields of AgentDraft. Joins the caller's transaction.
    Raises AgentLimitReached, KeyReused, Invalid.
    """
    draft = AgentDraft(name=name.strip(), **wishes)
    # Lock first: without it two requests could both see the last free place.
    organization = Organization.objects.select_for_update(no_key=True).get(
        pk=organization.pk
    )
    if idempotency_key is not None and (
        twin := get_agent_by_idempotency_key(
            organization, idempotency_key, with_deleted=True
        )
    ):
        twin.check_same_request(request_fingerprint)
        return twin, False
    if not organization.has_room_for_an_agent:
        raise AgentLimitReached(organization)
    agent = _new_agent(organization, created_by, draft)
    agent.idempotency_key = idempotency_key
    agent.request_fingerprint = request_fingerprint
    version = first_version(agent, created_by)
    agent.live_version = version
    agent.save(force_insert=True)
    version.agent = agent
    version.save(force_insert=True)
    ledger.open_scoreboard(
        organization=organization,
        agent_id=str(agent.public_id),
        agent_type=agent.slug,
    )
    Organization.objects.filter(pk=organization.pk).update(
        agent_count=F("agent_count") + 1
    )
    if agent.auto_optimize:
        start_optimization(agent, version)
    announce_agent(agent, WebhookEvent.AGENT_CREATED)
    audit.record(
        action=AuditAction.CREATE,
        resource_type="agent",
        resource_id=agent.public_id,
        organization_id=organization.pk,
        actor=created_by,
        changes=audit.difference({}, audited(agent)),
        response_status=201,
    )
    return agent, True


def get_agent_by_idempotency_key(
    organization: Organization, key: str, *, with_deleted: bool = False
) -> Agent | None:
    """Return the agent a key made in this organization."""
    agents = Agent.all_objects if with_deleted else Agent.objects
    same = agents.for_organization(organization).filter(idempotency_key=key).order_by()
    # Nearly every key is new: only its repetition pays for the whole agent.
    return same.with_details().first() if same.exists() else None


def count_organization_agents(organization: Organization) -> int:
    """Count the living agents, active or not: what the limit is about."""
    return Agent.objects.for_organization(organization).count()


def organization_agents(
    organization: Organization, *, limit: int = 50, offset: int = 0
) -> list[Agent]:
    """Return a page of an organization's agents, newest first; at most 100."""
    limit, offset = max(1, min(limit, 100)), max(0, offset)
    agents = Agent.objects.for_organization(organization).with_details()
    return list(agents.newest_first()[offset : offset + limit])


def _new_agent(
    organization: Organization, created_by: User | None, draft: AgentDraft
) -> Agent:
    persona, pack = resolve_references(
        organization, draft.persona_key, draft.knowledge_pack_id
    )
    is_pending = draft.auto_optimize
    return Agent(
        organization=organization,
        name=draft.name,
        slug=_free_slug(organization, draft.name),
        description=draft.description,
        template=draft.template,
        industry=draft.industry,
        system_prompt=draft.system_prompt,
        persona=persona,
        knowledge_pack=pack,
        config=checked_configuration(AgentConfig, draft.config, "/config"),
        widget_config=checked_configuration(
            WidgetConfig, draft.widget_config, "/widget_config"
        ),
        release_gate=draft.release_gate,
        is_active=draft.is_active,
        allowed_origins=parse_origins(draft.allowed_origins),
        widget_mode=draft.widget_mode,
        auto_optimize=draft.auto_optimize,
        optimization_status=OptimizationStatus.PENDING
        if is_pending
        else OptimizationStatus.NONE,
        created_by_user=created_by,
        updated_by_user=created_by,
    )


def first_version(agent: Agent, author: User | None) -> AgentVersion:
    """Build version 1; its id is known before either row is stored."""
    return AgentVersion(id=new_id(), number=1, author=author, **shaping(agent))


def shaping(agent: Agent) -> dict[str, Any]:
    """Return everything of an agent that shapes its answers."""
    return {
        "system_prompt": agent.system_prompt,
        "persona": agent.persona,
        "persona_prompt": agent.persona.system_prompt if agent.persona else "",
        "knowledge_pack": agent.knowledge_pack,
        "config": agent.config,
        "widget_config": agent.widget_config,
    }


def start_optimization(agent: Agent, version: AgentVersion) -> OptimizationRun:
    """Queue one improvement of a version's prompt."""
    run = OptimizationRun.objects.create(agent=agent, base_version=version)
    nudge(OPTIMIZE, run.pk)
    return run


def checked_configuration(
    model: type[Configuration], value: Any, pointer: str
) -> dict[str, Any]:
    try:
        return validated(model, value)
    except InvalidConfiguration as error:
        raise InvalidAgent(
            [item | {"pointer": pointer + item["pointer"]} for item in error.errors]
        ) from None


def resolve_references(
    organization: Organization, persona_key: str | None, pack_id: UUID | None
) -> tuple[Persona | None, KnowledgePack | None]:
    """Find persona and knowledge pack among what the organization may use."""
    persona = pack = None
    if persona_key:
        # An organization's own persona of that name comes before the built-in.
        persona = (
            Persona.objects.available_to(organization)
            .filter(key=persona_key)
            .order_by(F("organization").desc(nulls_last=True))
            .first()
        )
        if persona is None:
            raise Invalid("There is no such persona.", pointer="/persona_key")
    if pack_id is not None:
        pack = (
            KnowledgePack.objects.for_organization(organization)
            .filter(pk=pack_id)
            .order_by()
            .first()
        )
        if pack is None:
            raise Invalid(
                "There is no such knowledge pack.", pointer="/knowledge_pack_id"
            )
    return persona, pack


def _free_slug(organization: Organization, name: str) -> str:
    """Return a slug nobody has, deleted agents included, and refuse a taken name.

    Exact under the organization's lock, which every writer of agents holds.
    """
    base = slugify(name)[:SLUG_LENGTH].strip("-_") or "agent"
    if base in RESERVED_SLUGS:
        base = f"{base}-agent"
    mine = Agent.all_objects.for_organization(organization).annotate(
        lower_name=Lower("name")
    )
    same = mine.filter(
        Q(lower_name=name.lower(), deleted_at=None) | Q(slug=base)
    ).values_list("lower_name", "deleted_at", "slug")
    found = list(same)
    if any(row[0] == name.lower() and row[1] is None for row in found):
        raise name_taken()
    if all(row[2] != base for row in found):
        return base
    stem = base[: SLUG_LENGTH - 7]
    taken = set(mine.filter(slug__startswith=f"{stem}-").values_list("slug", flat=True))
    number = 2
    while f"{stem}-{number}" in taken:
        number += 1
    return f"{stem}-{number}"


def name_taken() -> Invalid:
    return Invalid("Another agent already has this name.", pointer="/name")


def audited(agent: Agent) -> dict[str, Any]:
    """Return what the audit log shows of an agent, before or after a change."""
    return {
        "name": agent.name,
        "description": agent.description,
        "template": agent.template,
        "industry": agent.industry,
        "system_prompt": agent.system_prompt,
        "persona": agent.persona.key if agent.persona else None,
        "knowledge_pack_id": agent.knowledge_pack_id and str(agent.knowledge_pack_id),
        "config": agent.config,
        "widget_config": agent.widget_config,
        "allowed_origins": agent.allowed_origins,
        "widget_mode": agent.widget_mode,
        "release_gate": agent.release_gate,
        "is_active": agent.is_active,
        "auto_optimize": agent.auto_optimize,
    }


def clone_agent(
    *,
    agent: Agent,
    created_by: User | None,
    name: str | None = None,
    idempotency_key: str | None = None,
    request_fingerprint: str = "",
) -> tuple[Agent, bool]:
    """Create another agent like this one, under the same limit."""
    return create_agent(
        organization=agent.organization,
        created_by=created_by,
        name=name or _copy_name(agent),
        idempotency_key=idempotency_key,
        request_fingerprint=request_fingerprint,
        description=agent.description,
        system_prompt=agent.system_prompt,
        persona_key=agent.persona.key if agent.persona else None,
        knowledge_pack_id=agent.knowledge_pack_id,
        config=agent.config,
        widget_config=agent.widget_config,
        template=agent.template,
        industry=agent.industry,
        allowed_origins=agent.allowed_origins,
        widget_mode=agent.widget_mode,
        release_gate=agent.release_gate,
        auto_optimize=False,
    )


def _copy_name(agent: Agent) -> str:
    stem = f"{agent.name[:240]} copy"
    taken = set(
        Agent.objects.for_organization(agent.organization)
        .filter(name__istartswith=stem)
        .annotate(lower_name=Lower("name"))
        .values_list("lower_name", flat=True)
    )
    name, number = stem, 2
    while name.lower() in taken:
        name, number = f"{stem} {number}", number + 1
    return name
