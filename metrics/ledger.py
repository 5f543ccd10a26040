"""Open, retire and revive the scoreboard row of an agent."""

from django.db import transaction
from django.utils import timezone

from accounts.models.organizations import Organization
from metrics.models import AgentMetrics


def open_scoreboard(
    *, organization: Organization, agent_id: str, agent_type: str
) -> AgentMetrics:
    """Create the row an agent keeps score in, or take over the one under its name."""
    metrics, _ = AgentMetrics.objects.get_or_create(
        organization=organization,
        agent_type=agent_type,
        defaults={"agent_id": agent_id},
    )
    return metrics


@transaction.atomic
def retire(*, organization: Organization, agent_type: str) -> None:
    """Leave a deleted agent's row out of the overviews."""
    AgentMetrics.objects.filter(
        organization=organization, agent_type=agent_type, retired_at=None
    ).update(retired_at=timezone.now())


@transaction.atomic
def revive(*, organization: Organization, agent_type: str) -> None:
    """Show a restored agent's row again."""
    AgentMetrics.objects.filter(
        organization=organization, agent_type=agent_type
    ).update(retired_at=None)
