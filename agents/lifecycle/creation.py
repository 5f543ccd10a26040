"""The one way agents come to be, under the limit of their organization."""

from typing import Any

from django.db import transaction
from django.db.models.functions import Lower

from accounts.audit import log as audit
from accounts.errors import DomainError, Invalid
from accounts.insertion import insert_together
from accounts.models.audit import AuditAction
from accounts.models.organizations import Organization
from accounts.models.users import User
from accounts.models.webhooks import WebhookEvent
from accounts.webhooks.delivery import announcing
from accounts.work.leases import nudge
from agents.configuration.model_choice import check_model
from agents.configuration.origins import parse_origins
from agents.configuration.personas import FALLBACK_KEY, get_persona
from agents.configuration.settings import (
    AgentConfig,
    Configuration,
    InvalidConfiguration,
    WidgetConfig,
    validated,
)
from agents.knowledge.embedding_jobs import initialize_vector_store
from agents.lifecycle.references import (
    Surroundings,
    check_references,
    look_around,
    name_taken,
    numbered_slug,
    slug_of,
)
from agents.models.agents import (
    PLAIN_SETTINGS,
    SETTINGS,
    SHAPING_SETTINGS,
    Agent,
    OptimizationStatus,
    WidgetMode,
)
from agents.models.personas import Persona
from agents.models.versions import AgentVersion, OptimizationRun
from agents.webhook_events import announce_agent
from metrics import ledger


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


@announcing(AgentLimitReached, limit="agents")
@transaction.atomic
def create_agent(
    *,
    organization: Organization,
    created_by: User | None,
    name: str,
    idempotency_key: str | None = None,
    request_fingerprint: str = "",
    is_copy: bool = False,
    **wishes: Any,
) -> tuple[Agent, bool]:
    """Create an agent, or return the one this idempotency key already made.

    `wishes` are other settings. A copy, of an agent or its file, may have what is
    offered no more. Joins the caller's transaction.
    Raises AgentLimitReached, KeyReused, Invalid.
    """
    draft = _drafted(wishes | {"name": name.strip()})
    # Lock first: without it two requests could both see the last free place.
    organization = Organization.all_objects.locked(organization.pk)
    around = look_around(
        organization,
        name=draft["name"],
        persona_key=draft["persona_key"],
        pack_id=draft["knowledge_pack_id"],
        idempotency_key=idempotency_key,
    )
    if around.twin_id is not None:
        twin = Agent.all_objects.with_details().get(pk=around.twin_id)
        twin.check_same_request(request_fingerprint)
        return twin, False
    if not is_copy:
        check_widget_mode(draft["widget_mode"])
    if not organization.has_room_for_an_agent:
        raise AgentLimitReached(organization)
    agent = _new_agent(organization, created_by, draft, around)
    agent.idempotency_key = idempotency_key
    agent.request_fingerprint = request_fingerprint
    _store(agent, first_version(agent, created_by))
    if agent.knowledge_pack:
        initialize_vector_store(agent.knowledge_pack)
    announce_agent(agent, WebhookEvent.AGENT_CREATED)
    audit.record(
        action=AuditAction.CREATE,
        resource_type="agent",
        resource_id=agent.public_id,
        organization_id=organization.pk,
        actor=created_by,
        changes=audit.difference({}, audited(agent)),
    )
    return agent, True


def defaults() -> dict[str, Any]:
    """Return what the settings are that nobody names, by their names in bodies."""
    silent = (each for each in SETTINGS if not each.is_required)
    return {each.written_as: each.column.get_default() for each in silent}


def _drafted(wishes: dict[str, Any]) -> dict[str, Any]:
    """Return every setting of a new agent; raise TypeError for what is none."""
    draft = defaults() | wishes
    if unknown := draft.keys() - {each.written_as for each in SETTINGS}:
        raise TypeError(f"An agent has no {', '.join(sorted(unknown))}.")
    return draft


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
    organization: Organization,
    created_by: User | None,
    draft: dict[str, Any],
    around: Surroundings,
) -> Agent:
    check_references(
        draft["persona_key"], around.persona, draft["knowledge_pack_id"], around.pack
    )
    if around.is_name_taken:
        raise name_taken()
    values = {each.name: draft[each.name] for each in PLAIN_SETTINGS} | {
        "system_prompt": _written(draft["system_prompt"], around.persona),
        "persona": around.persona,
        "knowledge_pack": around.pack,
        "config": _configuration(organization, draft["config"], around.usual_model),
        "widget_config": checked_configuration(
            WidgetConfig, draft["widget_config"], "/widget_config"
        ),
        "allowed_origins": parse_origins(draft["allowed_origins"]),
    }
    slug = slug_of(draft["name"])
    return Agent(
        pk=around.new_id,
        organization=organization,
        slug=numbered_slug(organization, slug) if around.is_slug_taken else slug,
        optimization_status=OptimizationStatus.PENDING
        if draft["auto_optimize"]
        else OptimizationStatus.NONE,
        created_by_user=created_by,
        updated_by_user=created_by,
        **values,
    )


def _written(prompt: str, persona: Persona | None) -> str:
    """Return the author's prompt, or where there is none, the persona's."""
    return prompt if prompt.strip() else usual_prompt(persona)


def check_widget_mode(mode: str) -> None:
    if mode not in WidgetMode.offered():
        raise Invalid("This mode is not available yet.", pointer="/widget_mode")


def usual_prompt(persona: Persona | None) -> str:
    """Return the prompt of an agent whose author wrote none."""
    if persona:
        return persona.system_prompt
    return get_persona(FALLBACK_KEY)["system_prompt"]


def _configuration(
    organization: Organization, given: Any, usual_model: str | None
) -> dict[str, Any]:
    """Check a configuration; one without a model gets the organization's usual one."""
    if isinstance(given, dict) and usual_model and "model" not in given:
        given = given | {"model": usual_model}
    config = checked_configuration(AgentConfig, given, "/config")
    if config["model"] != usual_model:
        check_model(organization, config)
    return config


def _store(agent: Agent, version: AgentVersion) -> None:
    """Insert an agent, its first version, scoreboard and work, and count it."""
    agent.live_version = version
    rows = [agent, version]
    if agent.auto_optimize:
        run = OptimizationRun(agent=agent, base_version=version)
        rows.append(run)
        nudge(run)
    board = {"agent_id": str(agent.public_id), "agent_type": agent.slug}
    is_opened, _ = insert_together(
        *rows,
        beside=[
            ledger.opening(organization=agent.organization, **board),
            agent.organization.one_more_agent(),
        ],
    )
    if not is_opened:
        ledger.adopt_scoreboard(organization=agent.organization, **board)


def first_version(agent: Agent, author: User | None) -> AgentVersion:
    """Build version 1; both ids are known before either row is stored."""
    return AgentVersion(agent=agent, number=1, author=author, **shaping(agent))


def shaping(agent: Agent) -> dict[str, Any]:
    """Return everything of an agent that shapes its answers."""
    return {each.name: getattr(agent, each.name) for each in SHAPING_SETTINGS} | {
        "persona_prompt": agent.persona.system_prompt if agent.persona else ""
    }


def start_optimization(agent: Agent, version: AgentVersion) -> OptimizationRun:
    """Queue one improvement of a version's prompt."""
    run = OptimizationRun.objects.create(agent=agent, base_version=version)
    nudge(run)
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


def audited(agent: Agent) -> dict[str, Any]:
    """Return what the audit log shows of an agent, before or after a change."""
    values = {each.recorded_as or each.written_as: each.of(agent) for each in SETTINGS}
    pack_id = agent.knowledge_pack_id
    return values | {"knowledge_pack_id": pack_id and str(pack_id)}


def clone_agent(
    *,
    agent: Agent,
    created_by: User | None,
    name: str | None = None,
    idempotency_key: str | None = None,
    request_fingerprint: str = "",
) -> tuple[Agent, bool]:
    """Create another agent like this one, under the same limit."""
    same = {each.written_as: each.copied(each.of(agent)) for each in SETTINGS}
    return create_agent(
        organization=agent.organization,
        created_by=created_by,
        idempotency_key=idempotency_key,
        request_fingerprint=request_fingerprint,
        is_copy=True,
        **same | {"name": name or _copy_name(agent)},
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
