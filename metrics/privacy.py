"""What `metrics` keeps of an organization. Of people it keeps nothing."""

from collections.abc import Iterator

from accounts.models.organizations import Organization
from accounts.privacy.archives import rows_of
from accounts.privacy.registry import Kind, Section, Steps, erase_rows, register
from metrics.models import AgentMetrics, MetricEvent

EVENTS_AT_ONCE = 5000


def organization_sections(organization: Organization) -> Iterator[Section]:
    mine = {"organization": organization}
    repetition = ("idempotency_key", "request_fingerprint", "response")
    yield "agent_metrics", rows_of(AgentMetrics.objects.filter(**mine))
    yield "metric_events", rows_of(MetricEvent.objects.filter(**mine), *repetition)


def forget_organization(organization: Organization) -> None:
    """Erase scoreboards and ledger, which the database allows of the erased only."""
    erase_rows(MetricEvent.objects.for_organization(organization), EVENTS_AT_ONCE)
    erase_rows(AgentMetrics.objects.for_organization(organization))


def register_steps() -> None:
    steps = Steps(export=organization_sections, erase=forget_organization)
    register(Kind.ORGANIZATION, "metrics", steps)
