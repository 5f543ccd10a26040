"""What agents have done in all: counted when asked, kept for lists, never twice."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from agents.lifecycle.stats import (
    get_agent_stats,
    update_agent_stats_batch,
    update_outdated_stats,
)
from agents.models import Agent, AgentStats, Session
from agents.tasks import update_agent_stats
from agents.tests.factories import (
    AgentFactory,
    AgentStatsFactory,
    DocumentFactory,
    KnowledgePackFactory,
    MessageFactory,
    RatingFactory,
    SessionFactory,
)

pytestmark = pytest.mark.django_db
LONG_AGO = timedelta(days=40)


def busy_agent(harbor, conversations=2, documents=3):
    """An agent with conversations of two messages each, the first one long ago."""
    pack = KnowledgePackFactory(organization=harbor)
    DocumentFactory.create_batch(documents, knowledge_pack=pack)
    agent = AgentFactory(organization=harbor, knowledge_pack_id=pack.pk)
    for number in range(conversations):
        session = SessionFactory(agent_ref=agent)
        MessageFactory.create_batch(2, session=session)
        if number == 0:
            then = timezone.now() - LONG_AGO
            Session.objects.filter(pk=session.pk).update(created_at=then)
    return agent


def by_hand(agent):
    """The same figures, row by row."""
    sessions = list(Session.objects.filter(agent_ref=agent))
    recently = timezone.now() - timedelta(days=28)
    pack = agent.knowledge_pack
    return {
        "agent_id": agent.public_id,
        "total_conversations": len(sessions),
        "total_messages": sum(len(session.messages) for session in sessions),
        "total_documents": pack.documents.count() if pack else 0,
        "recent_conversations": sum(each.created_at > recently for each in sessions),
        "last_used_at": max((each.last_activity_at for each in sessions), default=None),
    }


def kept(agent):
    row = AgentStats.objects.get(agent=agent)
    counted = {
        name: getattr(row, name) for name in by_hand(agent) if name != "agent_id"
    }
    return {"agent_id": agent.public_id} | counted


def test_the_api_tells_what_an_agent_has_done(
    api, harbor, django_assert_max_num_queries
):
    agent = busy_agent(harbor)
    SessionFactory(agent_ref=agent, deleted_at=timezone.now())
    path = f"/api/v1/agents/{agent.public_id}/stats/"
    api.get(path)  # the key's first use is written down
    RatingFactory(message__session=Session.objects.first())
    with django_assert_max_num_queries(5):
        answer = api.get(path)
    assert answer.status_code == 200
    expected = by_hand(agent)
    assert set(answer.json()) == set(expected) | {"ratings_up", "ratings_down"}
    assert answer.json()["total_messages"] == expected["total_messages"] == 5
    assert (answer.json()["ratings_up"], answer.json()["ratings_down"]) == (1, 0)
    assert answer.json()["recent_conversations"] == 1


def test_an_agent_nobody_asked_has_zeros(harbor):
    agent = AgentFactory(organization=harbor)
    nothing = {"ratings_up": 0, "ratings_down": 0}
    assert get_agent_stats(agent) == by_hand(agent) | nothing
    assert get_agent_stats(agent)["last_used_at"] is None


def test_a_stranger_learns_nothing_of_it(stranger_api, harbor):
    agent = AgentFactory(organization=harbor)
    answer = stranger_api.get(f"/api/v1/agents/{agent.public_id}/stats/")
    assert answer.status_code == 404


def test_a_hundred_agents_are_counted_in_three_queries(
    harbor, django_assert_max_num_queries
):
    agents = [busy_agent(harbor, n % 3, n % 2) for n in range(8)]
    harbor.max_agents = -1
    harbor.save()
    agents += AgentFactory.create_batch(92, organization=harbor)
    with django_assert_max_num_queries(3):
        assert update_agent_stats_batch(agent.pk for agent in agents) == 100
    assert [kept(agent) for agent in agents[:10]] == [by_hand(a) for a in agents[:10]]
    assert AgentStats.objects.count() == 100


def test_counting_again_replaces_what_was_kept(harbor):
    agent = busy_agent(harbor)
    AgentStatsFactory(agent=agent, total_messages=77)
    update_agent_stats_batch([agent.pk, agent.pk])
    assert kept(agent) == by_hand(agent)
    MessageFactory(session=SessionFactory(agent_ref=agent))
    update_agent_stats_batch([agent.pk, 999_999])
    assert kept(agent) == by_hand(agent)


def test_the_schedule_counts_what_was_used_or_is_old(harbor):
    used, old, still = (busy_agent(harbor) for _ in range(3))
    update_agent_stats()
    SessionFactory(agent_ref=used)
    yesterday = timezone.now() - timedelta(days=2)
    AgentStats.objects.filter(agent=old).update(counted_at=yesterday)
    AgentStats.objects.update(total_messages=77)
    Session.objects.exclude(agent_ref=used).update(last_activity_at=yesterday)
    assert update_outdated_stats() == 2
    counts = AgentStats.objects.in_bulk([used.pk, old.pk, still.pk])
    assert [counts[a.pk].total_messages for a in (used, old, still)] == [4, 4, 77]


def test_the_dashboard_shows_the_figures_and_orders_by_use(browser_of, ada, harbor):
    quiet, busy = AgentFactory(organization=harbor), busy_agent(harbor)
    update_agent_stats_batch(Agent.objects.values_list("pk", flat=True))
    client = browser_of(ada)
    page = client.get(reverse("agents:detail", args=[busy.public_id])).content.decode()
    assert "2 conversations, 4 messages; last asked" in page
    listed = client.get(reverse("agents:list"), {"order": "used"})
    names = [row.agent.name for row in listed.context["rows"]]
    assert names == [busy.name, quiet.name]
