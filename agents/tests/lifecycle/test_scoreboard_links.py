"""From an agent's page to its scoreboard, and back."""

import pytest
from django.urls import reverse

from agents.tests.factories import AgentFactory


@pytest.fixture
def agent(harbor):
    return AgentFactory(organization=harbor, name="Shipping desk")


def test_the_page_of_an_agent_leads_to_its_scoreboard_and_back(browser_of, ada, agent):
    browser = browser_of(ada)
    detail = reverse("agents:detail", args=[agent.public_id])
    board = reverse("metrics:portrait", args=[agent.slug])
    assert board in browser.get(detail).content.decode()
    assert detail in browser.get(board).content.decode()


def test_an_untested_agent_is_offered_its_first_result(browser_of, ada, bo, agent):
    detail = reverse("agents:detail", args=[agent.public_id])
    record = reverse("metrics:record", args=[agent.slug])
    assert record in browser_of(ada).get(detail).content.decode()
    assert record not in browser_of(bo).get(detail).content.decode()
