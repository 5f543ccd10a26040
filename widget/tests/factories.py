import factory
from factory.django import DjangoModelFactory

from agents.tests.factories import AgentFactory
from widget.models import WidgetSession

SITE = "https://shop.example"


class SpeakingAgentFactory(AgentFactory):
    """An agent that may speak on one site."""

    allowed_origins = [SITE]


class WidgetSessionFactory(DjangoModelFactory):
    class Meta:
        model = WidgetSession

    agent = factory.SubFactory(SpeakingAgentFactory)
    origin = SITE
