"""Edit an agent; whatever shapes an answer makes a version."""

from typing import Any

from django.db import transaction
from django.db.models import Max

from accounts.audit import log as audit
from accounts.errors import Forbidden, NotFound
from accounts.models.audit import AuditAction
from accounts.models.organizations import Organization
from accounts.models.users import User
from accounts.models.webhooks import WebhookEvent
from agents.configuration.model_choice import check_model
from agents.configuration.origins import parse_origins
from agents.configuration.settings import AgentConfig, WidgetConfig
from agents.lifecycle.creation import (
    audited,
    check_widget_mode,
    checked_configuration,
    shaping,
    start_optimization,
    usual_prompt,
)
from agents.lifecycle.references import name_taken, resolve_references
from agents.models.agents import PLAIN_SETTINGS, Agent, OptimizationStatus, ReleaseGate
from agents.models.versions import AgentVersion, VersionOrigin
from agents.webhook_events import announce_agent

# A configuration is merged key by key by PATCH and replaced by PUT.
MERGED = {"config": AgentConfig, "widget_config": WidgetConfig}


@transaction.atomic
def update_agent(
    *,
    agent: Agent,
    actor: User | None,
    changes: dict[str, Any],
    if_match: str | None = None,
    replace: bool = False,
    note: str = "",
    is_bound: bool = False,
) -> Agent:
    """Apply changes to a living agent; raise Stale if `if_match` is not its ETag.

    `changes` are settings by their names in bodies. A call that changes nothing
    writes nothing. Who is bound to this agent (`is_bound`) gives it no other
    knowledge. Raises Invalid.
    """
    organization = Organization.objects.select_for_update(no_key=True).get(
        pk=agent.organization_id
    )
    agent = locked(agent)
    agent.organization = organization
    agent.check_unchanged(if_match)
    before, shape_before = audited(agent), shaping(agent)
    _apply(agent, organization, changes, replace=replace, is_bound=is_bound)
    after = audited(agent)
    if before == after:
        return agent
    agent.revision += 1
    agent.updated_by_user = actor
    if shaping(agent) != shape_before:
        add_version(agent, author=actor, note=note)
    is_switched_on = agent.auto_optimize and not before["auto_optimize"]
    is_waiting = agent.optimization_pending or agent.has_proposal
    if is_switched_on and not is_waiting:
        agent.optimization_status = OptimizationStatus.PENDING
        start_optimization(agent, agent.draft_version or agent.live_version)
    agent.save()
    changes = audit.difference(before, after)
    announce_agent(agent, WebhookEvent.AGENT_UPDATED, changed=list(changes))
    audit.record(
        action=AuditAction.UPDATE,
        resource_type="agent",
        resource_id=agent.public_id,
        organization_id=organization.pk,
        actor=actor,
        changes=changes,
    )
    return agent


def locked(agent: Agent) -> Agent:
    """Return a living agent, locked, with its details; raise NotFound."""
    found = Agent.objects.lock(agent.pk)
    if found is None:
        raise NotFound
    return found


def _apply(
    agent: Agent,
    organization: Organization,
    changes: dict[str, Any],
    *,
    replace: bool,
    is_bound: bool,
) -> None:
    # One that is not offered may stay until another is chosen.
    if changes.get("widget_mode", agent.widget_mode) != agent.widget_mode:
        check_widget_mode(changes["widget_mode"])
    for each in PLAIN_SETTINGS:
        if each.name in changes:
            setattr(agent, each.name, changes[each.name])
    # What the author never wrote goes with the persona it came from.
    is_personas_prompt = "system_prompt" not in changes and (
        agent.system_prompt == usual_prompt(agent.persona)
    )
    if "name" in changes:
        _check_name(agent, organization)
    if "allowed_origins" in changes:
        agent.allowed_origins = parse_origins(changes["allowed_origins"])
    for name, model in MERGED.items():
        if name in changes:
            value = changes[name] if replace else getattr(agent, name) | changes[name]
            checked = checked_configuration(model, value, f"/{name}")
            # One that is offered no more may stay until another is chosen.
            if name == "config" and checked["model"] != agent.config.get("model"):
                check_model(organization, checked)
            setattr(agent, name, checked)
    persona, pack = resolve_references(
        organization,
        changes.get("persona_key"),
        changes.get("knowledge_pack_id"),
        only_pack=agent.knowledge_pack_id,
        is_bound=is_bound,
    )
    if "persona_key" in changes:
        agent.persona = persona
        if is_personas_prompt:
            agent.system_prompt = usual_prompt(persona)
    if "knowledge_pack_id" in changes:
        agent.knowledge_pack = pack


def _check_name(agent: Agent, organization: Organization) -> None:
    agent.name = agent.name.strip()
    others = Agent.objects.for_organization(organization).exclude(pk=agent.pk)
    if others.filter(name__iexact=agent.name).exists():
        raise name_taken()


def add_version(
    agent: Agent,
    *,
    author: User | None,
    note: str = "",
    origin: str = VersionOrigin.EDIT,
) -> AgentVersion:
    """Snapshot a locked agent; without a release gate the version is live at once.

    The caller saves the agent.
    """
    version = _next_version(agent, author=author, note=note, origin=origin)
    if agent.release_gate == ReleaseGate.NONE:
        agent.live_version, agent.draft_version = version, None
        announce_agent(
            agent,
            WebhookEvent.VERSION_RELEASED,
            version=version.number,
            origin=version.origin,
        )
    else:
        agent.draft_version = version
    return version


def propose_version(agent: Agent, *, system_prompt: str, note: str) -> AgentVersion:
    """Make a draft of a locked agent with the optimizer's prompt, whatever its gate.

    The caller saves the agent's `draft_version`; its own prompt stays.
    """
    version = _next_version(
        agent,
        author=None,
        note=note,
        origin=VersionOrigin.OPTIMIZER,
        system_prompt=system_prompt,
    )
    agent.draft_version = version
    return version


def _next_version(agent: Agent, **values: Any) -> AgentVersion:
    last = agent.versions.aggregate(last=Max("number"))["last"] or 0
    parent = agent.draft_version or agent.live_version
    if agent.has_proposal:
        # A proposal is not edited: its author went on from what came before it.
        parent = parent.parent
    return AgentVersion.objects.create(
        agent=agent, number=last + 1, parent=parent, **shaping(agent) | values
    )


@transaction.atomic
def restore_version(
    *, agent: Agent, number: int, actor: User | None, is_bound: bool = False
) -> AgentVersion:
    """Make a new version with an old one's content.

    Who is bound to this agent gives it no other knowledge. Raises NotFound, Forbidden.
    """
    agent = locked(agent)
    old = agent.versions.select_related("persona", "knowledge_pack").filter(
        number=number
    )
    old = old.first()
    if old is None:
        raise NotFound
    if is_bound and old.knowledge_pack_id not in (None, agent.knowledge_pack_id):
        raise Forbidden("This API key may not see the knowledge of that version.")
    before = audited(agent)
    agent.take_shape(old)
    version = add_version(
        agent,
        author=actor,
        note=f"Version {number} restored",
        origin=VersionOrigin.RESTORE,
    )
    agent.revision += 1
    agent.updated_by_user = actor
    agent.save()
    announce_agent(
        agent,
        WebhookEvent.VERSION_ROLLED_BACK,
        version=version.number,
        restored_version=number,
    )
    audit.record(
        action=AuditAction.UPDATE,
        resource_type="agent",
        resource_id=agent.public_id,
        organization_id=agent.organization_id,
        actor=actor,
        changes=audit.difference(before, audited(agent)),
        metadata={"restored_version": number},
    )
    return version
