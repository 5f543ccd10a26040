"""Delete agents and bring them back, under the lock that creation takes."""

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.audit import log as audit
from accounts.models.api_keys import APIKey
from accounts.models.audit import AuditAction
from accounts.models.organizations import Organization
from accounts.models.users import User
from accounts.models.webhooks import WebhookEvent
from accounts.webhooks.delivery import announcing
from agents.lifecycle.creation import AgentLimitReached
from agents.lifecycle.references import name_taken
from agents.models.agents import Agent
from agents.models.sessions import Session
from agents.webhook_events import announce_agent
from metrics import ledger


@transaction.atomic
def delete_agent(
    *, agent: Agent, actor: User | None, if_match: str | None = None
) -> None:
    """Hide an agent with its conversations and free its place.

    Its keys are revoked and its scoreboard retired. A second call changes nothing.
    Raises Stale if `if_match` is not its ETag.
    """
    organization = Organization.all_objects.select_for_update(no_key=True).get(
        pk=agent.organization_id
    )
    agent = Agent.all_objects.select_for_update(no_key=True).get(pk=agent.pk)
    if agent.is_deleted:
        return
    agent.check_unchanged(if_match)
    now = timezone.now()
    agent.deleted_at = now
    agent.revision += 1
    agent.updated_by_user = actor
    agent.save(
        update_fields=["deleted_at", "revision", "updated_by_user", "updated_at"]
    )
    Session.objects.filter(agent_ref=agent).update(deleted_at=now)
    APIKey.objects.filter(agent_public_id=agent.public_id).update(deleted_at=now)
    ledger.retire(organization=organization, agent_type=agent.slug)
    Organization.all_objects.filter(pk=organization.pk).update(
        agent_count=F("agent_count") - 1
    )
    agent.organization = organization
    announce_agent(agent, WebhookEvent.AGENT_DELETED)
    audit.record(
        action=AuditAction.DELETE,
        resource_type="agent",
        resource_id=agent.public_id,
        organization_id=organization.pk,
        actor=actor,
    )


@announcing(AgentLimitReached, limit="agents")
@transaction.atomic
def restore_agent(*, agent: Agent, actor: User | None) -> Agent:
    """Bring a deleted agent back if there is room and its name is free."""
    organization = Organization.objects.select_for_update(no_key=True).get(
        pk=agent.organization_id
    )
    agent = Agent.all_objects.lock(agent.pk)
    if not agent.is_deleted:
        return agent
    if not organization.has_room_for_an_agent:
        raise AgentLimitReached(organization)
    living = Agent.objects.for_organization(organization)
    if living.filter(name__iexact=agent.name).exists():
        raise name_taken()
    deleted_at, agent.deleted_at = agent.deleted_at, None
    agent.revision += 1
    agent.updated_by_user = actor
    agent.save(
        update_fields=["deleted_at", "revision", "updated_by_user", "updated_at"]
    )
    # Only what went with the agent comes back with it.
    Session.all_objects.filter(agent_ref=agent, deleted_at=deleted_at).update(
        deleted_at=None
    )
    ledger.revive(organization=organization, agent_type=agent.slug)
    Organization.objects.filter(pk=organization.pk).update(
        agent_count=F("agent_count") + 1
    )
    agent.organization = organization
    announce_agent(agent, WebhookEvent.AGENT_RESTORED)
    audit.record(
        action=AuditAction.UPDATE,
        resource_type="agent",
        resource_id=agent.public_id,
        organization_id=organization.pk,
        actor=actor,
        changes={"deleted_at": {"old": deleted_at.isoformat(), "new": None}},
    )
    return agent
