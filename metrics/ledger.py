"""Open, retire and revive the scoreboard row of an agent."""

from django.db import transaction
from django.utils import timezone

from accounts.models.organizations import Organization
from metrics.models import AgentMetrics


def open_scoreboard(
    *, organization: Organization, agent_id: str, agent_type: str
) -> None:
    """Create the row an agent keeps score in, unless one of its type is there."""
    AgentMetrics.objects.bulk_create(
        [
            AgentMetrics(
                organization=organization, agent_id=agent_id, agent_type=agent_type
            )
        ],
        ignore_conflicts=True,
    )


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
