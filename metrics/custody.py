"""Custody: what tests say about an agent, kept by the metrics service alone."""

from typing import Any

from accounts.models.organizations import Organization
from metrics import analytics
from metrics.models import Source
from metrics.services import AgentMetricsService


class CustodyProtocolService:
    """Record the results of the platform's own tests.

    It holds no figures: every call reads and writes the database.
    """

    def __init__(
        self, organization: Organization, *, source: Source = Source.CUSTODY_RUN
    ) -> None:
        self.agent_metrics_service = AgentMetricsService(organization, source=source)

    def record_test_result(self, ai_type: str, test_result: dict[str, Any]) -> bool:
        """Record the outcome of one test."""
        return self.agent_metrics_service.update_custody_test_result(
            ai_type, test_result
        )

    def get_custody_metrics(self, ai_type: str) -> dict[str, Any] | None:
        """Return what tests made of one agent type, or None."""
        return self.agent_metrics_service.get_custody_metrics(ai_type)

    def get_custody_analytics(self) -> dict[str, Any]:
        """Return the figures of all agent types together."""
        return analytics.summary(self.agent_metrics_service.organization)
