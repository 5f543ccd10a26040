"""Propose a better prompt in the background, one leased run at a time."""

from datetime import datetime
from functools import partial

import structlog
from django.db import transaction
from django.utils import timezone

from accounts.audit import log as audit
from accounts.models.audit import AuditAction
from accounts.models.lifecycle import WorkStatus
from accounts.models.webhooks import WebhookEvent
from accounts.work.leases import GAVE_UP, claim, finish, retry_later, store_paid
from agents.lifecycle.editing import propose_version
from agents.models.agents import Agent, OptimizationStatus
from agents.models.versions import AgentVersion, OptimizationOutcome, OptimizationRun
from agents.optimization.rewriting import with_missing_sections
from agents.webhook_events import announce_agent

log = structlog.get_logger(__name__)

PROVIDER = "rules"
# Longer than a task may run: nobody else takes it over while it still works.
LEASE_SECONDS = 300
MAX_ATTEMPTS = 3
RETRY_SECONDS = (2, 10, 30)

OUTCOME_STATUS = {
    OptimizationOutcome.LIVE: OptimizationStatus.DONE,
    OptimizationOutcome.PROPOSED: OptimizationStatus.DONE,
    OptimizationOutcome.NO_GAIN: OptimizationStatus.DONE,
    OptimizationOutcome.OVERTAKEN: OptimizationStatus.SKIPPED,
}


def optimize(run_id: str) -> OptimizationRun | None:
    """Carry out a run if it is still to be done; may be called any number of times."""
    run = claim(OptimizationRun, run_id, lease_seconds=LEASE_SECONDS, give_up=give_up)
    if run is None:
        return None
    started_at = timezone.now()
    Agent.all_objects.filter(pk=run.agent_id).update(
        optimization_status=OptimizationStatus.RUNNING
    )
    try:
        base = AgentVersion.objects.select_related("agent", "persona").get(
            pk=run.base_version_id
        )
        better = with_missing_sections(base.system_prompt)
        apply(run, base, better, started_at)
    except Exception as error:
        log.exception("Optimization failed", run=str(run.pk), attempt=run.attempt)
        name = type(error).__name__
        store_paid(partial(give_up_or_retry, run, name, started_at))
    return run


@transaction.atomic
def apply(
    run: OptimizationRun, base: AgentVersion, better: str, started_at: datetime
) -> None:
    """Store the result once, as a proposal; an edit that came first wins."""
    agent = Agent.all_objects.lock(run.agent_id)
    # A draft of the author's keeps its place: it is what the author will release.
    is_edited = agent.draft_version_id or agent.live_version_id != base.pk
    if agent.is_deleted or is_edited:
        outcome = OptimizationOutcome.OVERTAKEN
    elif better == base.system_prompt:
        outcome = OptimizationOutcome.NO_GAIN
    else:
        outcome = OptimizationOutcome.PROPOSED
    now = timezone.now()
    if not finish(
        run,
        WorkStatus.DONE,
        outcome=outcome,
        provider=PROVIDER,
        started_at=started_at,
        finished_at=now,
    ):
        return
    announce_end(agent, run, OUTCOME_STATUS[outcome])
    if outcome == OptimizationOutcome.PROPOSED:
        _propose(agent, run, better)
    agent.optimization_status = OUTCOME_STATUS[outcome]
    agent.optimization_metadata = facts(run, base, started_at)
    agent.save(
        update_fields=["optimization_status", "optimization_metadata", "updated_at"]
    )


def announce_end(agent: Agent, run: OptimizationRun, status: str) -> None:
    announce_agent(
        agent,
        WebhookEvent.OPTIMIZATION_COMPLETED,
        status=str(status),
        outcome=str(run.outcome) or None,
        finished_at=run.finished_at.isoformat(),
    )


def _propose(agent: Agent, run: OptimizationRun, better: str) -> None:
    """Make a draft of it. The author's own prompt stays what the agent is edited from.

    So an edit that follows goes on from the author's words, and never takes along what
    nobody has released.
    """
    before = agent.draft_version
    version = propose_version(
        agent, system_prompt=better, note="Adds the sections that the prompt lacks"
    )
    agent.revision += 1
    agent.save(update_fields=["draft_version", "revision"])
    OptimizationRun.objects.filter(pk=run.pk).update(result_version=version)
    audit.record(
        action=AuditAction.UPDATE,
        resource_type="agent",
        resource_id=agent.public_id,
        organization_id=agent.organization_id,
        changes={
            "draft_version": {"old": before and before.number, "new": version.number}
        },
        metadata={"optimization_run": str(run.pk), "version": version.number},
    )


def facts(
    run: OptimizationRun, base: AgentVersion, started_at, error: str = ""
) -> dict:
    """Return what an agent shows of its latest optimization."""
    finished_at = run.finished_at or timezone.now()
    return {
        "provider": PROVIDER,
        "model": None,
        "outcome": run.outcome or None,
        "started_at": started_at.isoformat(),
        "finished_at": finished_at.isoformat(),
        "duration_ms": round((finished_at - started_at).total_seconds() * 1000),
        "attempts": run.attempt,
        "previous_prompt": base.system_prompt,
        "error": error or None,
    }


def give_up(run: OptimizationRun) -> None:
    """End a run that stopped whoever carried it out; the prompt stays as it was."""
    give_up_or_retry(run, GAVE_UP, timezone.now())


@transaction.atomic
def give_up_or_retry(run: OptimizationRun, error: str, started_at: datetime) -> None:
    """Try again later, at most three times; the prompt stays as it was."""
    if run.attempt < MAX_ATTEMPTS:
        retry_later(run, error=error, delay_seconds=RETRY_SECONDS[run.attempt - 1])
        status = OptimizationStatus.PENDING
    else:
        status = OptimizationStatus.FAILED
        if finish(
            run,
            WorkStatus.FAILED,
            error=error,
            started_at=started_at,
            finished_at=timezone.now(),
        ):
            announce_end(run.agent, run, status)
    base = run.base_version
    Agent.all_objects.filter(pk=run.agent_id).update(
        optimization_status=status,
        optimization_metadata=facts(run, base, started_at, error),
    )
