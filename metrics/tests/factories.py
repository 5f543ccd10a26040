import factory
from factory.django import DjangoModelFactory

from accounts.tests.factories import OrganizationFactory
from metrics.models import AgentMetrics
from metrics.services import AgentMetricsService


class AgentMetricsFactory(DjangoModelFactory):
    """A scoreboard as the product makes it: what is given is recorded as a PUT."""

    class Meta:
        model = AgentMetrics

    organization = factory.SubFactory(OrganizationFactory)
    agent_type = factory.Sequence(lambda n: f"agent-{n}")

    @classmethod
    def _create(cls, model_class, *args, organization, agent_type, **columns):
        service = AgentMetricsService(organization)
        service.put(agent_type, columns)
        return service.board(agent_type)
