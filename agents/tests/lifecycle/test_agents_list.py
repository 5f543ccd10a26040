"""Lists of agents: pages, cursors, filters, and what they cost."""

import pytest
from django.test.utils import CaptureQueriesContext

from accounts.models import Organization
from agents.models import Agent, Persona
from agents.tests.factories import AgentFactory, KnowledgePackFactory

URL = "/api/v1/agents/"


@pytest.fixture
def agents(harbor):
    return [AgentFactory(organization=harbor, name=f"Agent {n:02}") for n in range(7)]


def names(response):
    return [row["name"] for row in response.json()["results"]]


def test_the_newest_come_first(api, agents):
    assert names(api.get(URL)) == [agent.name for agent in reversed(agents)]


def test_pages_do_not_overlap_and_name_their_neighbours(api, agents):
    first = api.get(URL, {"limit": 3})
    second = api.get(first.json()["next"])
    third = api.get(second.json()["next"])
    assert first.json()["count"] == 7
    assert first.json()["previous"] is None
    assert third.json()["next"] is None
    assert len({*names(first), *names(second), *names(third)}) == 7


def test_a_page_is_fifty_and_never_more_than_a_hundred(api, harbor):
    Organization.objects.filter(pk=harbor.pk).update(max_agents=-1)
    for number in range(101):
        AgentFactory(organization=harbor, name=f"Agent {number}")
    assert len(names(api.get(URL))) == 50
    assert len(names(api.get(URL, {"limit": 1_000_000}))) == 100


def test_a_cursor_walks_the_whole_list_once(api, agents):
    Agent.objects.update(created_at=agents[0].created_at)  # twins by time
    found, url = [], f"{URL}?cursor=&limit=2"
    while url:
        response = api.get(url)
        found += names(response)
        url = response.json()["next"]
    assert found == [agent.name for agent in reversed(agents)]


def test_a_cursor_does_not_hold_an_internal_id(api, agents):
    from django.core import signing

    cursor = api.get(URL, {"cursor": "", "limit": 2}).json()["next"]
    value = signing.loads(
        cursor.partition("cursor=")[2].partition("&")[0].replace("%3A", ":"),
        salt="list-cursor",
    )
    assert value[1] == str(agents[-2].public_id)


def test_an_offset_past_ten_thousand_names_the_cursor(api):
    response = api.get(URL, {"offset": 10_001})
    assert response.status_code == 400
    assert response.json()["errors"][0]["pointer"] == "/offset"
    assert "cursor" in response.json()["detail"]


@pytest.mark.parametrize("how_many", [5, 50])
def test_the_list_costs_one_query_however_long(api, harbor, how_many):
    pack = KnowledgePackFactory(organization=harbor)
    for number in range(how_many):
        AgentFactory(
            organization=harbor,
            name=f"Agent {number}",
            persona_key="support_expert",
            knowledge_pack_id=pack.pk,
        )
    api.get(URL)  # the key's last use is noted once a minute
    with CaptureQueriesContext(connection()) as queries:
        response = api.get(URL)
    assert len(response.json()["results"]) == how_many
    # the key with its user, organization and role; the page
    assert len(queries) == 2, [query["sql"] for query in queries]


def connection():
    from django.db import connection

    return connection


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"name": "02"}, ["Agent 02"]),
        ({"search": "agent-03"}, ["Agent 03"]),
        ({"is_active": "false"}, ["Agent 01"]),
        ({"persona": "sales_rep"}, ["Agent 04"]),
        ({"optimization_status": "done"}, ["Agent 05"]),
    ],
)
def test_filters_narrow_the_list(api, agents, query, expected):
    Agent.objects.filter(name="Agent 01").update(is_active=False)
    Agent.objects.filter(name="Agent 04").update(
        persona=Persona.objects.get(key="sales_rep")
    )
    Agent.objects.filter(name="Agent 05").update(optimization_status="done")
    response = api.get(URL, query)
    assert names(response) == expected
    assert response.json()["count"] == 1


def test_a_range_of_creation_narrows_the_list(api, agents):
    moment = agents[3].created_at.isoformat()
    assert len(names(api.get(URL, {"created_after": moment}))) == 4
    assert len(names(api.get(URL, {"created_before": moment}))) == 3


def test_the_order_can_be_chosen(api, agents):
    assert names(api.get(URL, {"ordering": "name"}))[0] == "Agent 00"


def test_only_ones_own_agents_are_listed(stranger_api, agents):
    assert stranger_api.get(URL).json() == {
        "count": 0,
        "next": None,
        "previous": None,
        "results": [],
    }


def test_a_persona_that_is_not_there_is_a_400(api):
    answer = api.get("/api/v1/agents/?persona=zzz")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/persona"


def test_personas_are_listed(api):
    keys = {row["key"] for row in api.get("/api/v1/personas/").json()["results"]}
    assert keys == {
        "sales_rep",
        "solution_engineer",
        "support_expert",
        "domain_specialist",
        "product_expert",
    }
