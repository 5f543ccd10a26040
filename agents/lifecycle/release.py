"""Put a draft in front of visitors, as far as the release gate lets it."""

from django.db import transaction
from django.db.models import Count, Q

from accounts.audit import log as audit
from accounts.errors import DomainError, Stale
from accounts.models.audit import AuditAction
from accounts.models.lifecycle import WorkStatus
from accounts.models.users import User
from accounts.models.webhooks import WebhookEvent
from agents.custody.suites import cases_of, digest
from agents.lifecycle.creation import audited
from agents.lifecycle.editing import locked
from agents.models.agents import Agent, ReleaseGate
from agents.models.versions import AgentVersion, OptimizationOutcome, OptimizationRun
from agents.webhook_events import announce_agent
from metrics.models import Source
from metrics.services import AgentMetricsService


class NothingToRelease(DomainError):
    status = 422
    code = "nothing-to-release"
    detail = "There is no draft: what was last edited is live."


class NotProven(DomainError):
    status = 403
    code = "release-not-proven"
    detail = "This version has not passed its custody tests, which its gate asks for."


@transaction.atomic
def release_draft(
    *,
    agent: Agent,
    actor: User | None,
    version: int | None = None,
    if_match: str | None = None,
) -> Agent:
    """Make the draft the live version.

    With a `version` only that one is released: once it is live, nothing changes; where
    the draft is another one, Stale is raised, as it is for an `if_match` that is not
    the agent's ETag. Raises Stale, NothingToRelease, NotProven.
    """
    agent = locked(agent)
    draft, live = agent.draft_version, agent.live_version
    if version is not None and live and live.number == version:
        return agent
    agent.check_unchanged(if_match)
    if version is not None and (draft is None or draft.number != version):
        raise Stale
    if draft is None:
        raise NothingToRelease
    if agent.release_gate == ReleaseGate.ENFORCE and not has_passed(agent, draft):
        raise NotProven
    before = audited(agent)
    agent.live_version, agent.draft_version = draft, None
    # A proposal differs from the agent itself until now.
    agent.take_shape(draft)
    agent.revision += 1
    agent.updated_by_user = actor
    agent.save()
    announce_agent(
        agent,
        WebhookEvent.VERSION_RELEASED,
        version=draft.number,
        origin=draft.origin,
    )
    if draft.is_proposed:
        _adopt(agent, draft)
    # Last: its lock is everyone's.
    audit.record(
        action=AuditAction.EXECUTE,
        resource_type="agent",
        resource_id=agent.public_id,
        organization_id=agent.organization_id,
        actor=actor,
        changes=audit.difference(before, audited(agent))
        | {"live_version": {"old": live and live.number, "new": draft.number}},
    )
    return agent


def _adopt(agent: Agent, version: AgentVersion) -> None:
    """Record a released proposal as something the agent learned."""
    runs = OptimizationRun.objects.filter(agent=agent, status=WorkStatus.DONE)
    runs.filter(result_version=version).update(outcome=OptimizationOutcome.LIVE)
    done = runs.aggregate(
        all=Count("pk"), adopted=Count("pk", filter=Q(outcome=OptimizationOutcome.LIVE))
    )
    AgentMetricsService(
        agent.organization, source=Source.OPTIMIZER
    ).update_learning_metrics(
        agent.slug,
        {
            "success_rate": done["adopted"] / done["all"] if done["all"] else 0,
            "learning_patterns": [f"Version {version.number}: {version.note}"],
        },
    )


def has_passed(agent: Agent, version: AgentVersion) -> bool:
    """Say whether a version passed all its tests, and they are still the same."""
    result = version.custody_result or {}
    return result.get("passed") is True and result.get("suite") == digest(
        cases_of(agent)
    )
