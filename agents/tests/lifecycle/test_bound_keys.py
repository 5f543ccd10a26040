"""A key bound to one agent: what it may name, and what it may be bound to."""

from uuid import uuid4

import pytest
from django.test import Client

from accounts.models import APIKey
from accounts.tests.factories import make_key
from agents.lifecycle.deletion import delete_agent
from agents.lifecycle.editing import update_agent
from agents.tests.factories import AgentFactory, DocumentFactory, KnowledgePackFactory

pytestmark = pytest.mark.django_db
SECRET = "The vault opens at noon."


@pytest.fixture
def own(harbor):
    return KnowledgePackFactory(organization=harbor)


@pytest.fixture
def other(harbor):
    """A pack of the organization that the bound agent does not have."""
    pack = KnowledgePackFactory(organization=harbor)
    DocumentFactory(knowledge_pack=pack, content=SECRET)
    return pack


@pytest.fixture
def agent(harbor, own):
    return AgentFactory(organization=harbor, knowledge_pack_id=own.pk)


@pytest.fixture
def bound(ada, agent):
    return Client(headers={"X-API-Key": make_key(ada, agent_public_id=agent.public_id)})


def at(agent, rest=""):
    return f"/api/v1/agents/{agent.public_id}/{rest}"


@pytest.mark.parametrize("method", ["patch", "put"])
def test_a_bound_key_gives_its_agent_no_other_knowledge(bound, agent, other, method):
    body = {"name": agent.name, "knowledge_pack_id": str(other.pk)}
    answer = getattr(bound, method)(at(agent), body, "application/json")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/knowledge_pack_id"
    assert SECRET not in bound.get(at(agent, "export/")).content.decode()


def test_a_pack_of_the_organization_is_answered_like_one_that_is_not(
    bound, agent, other
):
    answers = [
        bound.patch(at(agent), {"knowledge_pack_id": str(pk)}, "application/json")
        for pk in (other.pk, uuid4())
    ]
    details = [answer.json()["errors"] for answer in answers]
    assert details[0] == details[1]


def test_a_bound_key_keeps_and_drops_the_agents_own_knowledge(bound, agent, own):
    for pack in (str(own.pk), None):
        body = {"knowledge_pack_id": pack, "description": f"With {pack}"}
        answer = bound.patch(at(agent), body, "application/json")
        assert answer.status_code == 200


def test_a_bound_key_restores_no_version_with_other_knowledge(
    bound, agent, own, other, ada
):
    for pack in (other, own):
        update_agent(
            agent=agent, actor=ada.user, changes={"knowledge_pack_id": pack.pk}
        )
    assert bound.post(at(agent, "versions/2/restore/")).status_code == 403
    assert SECRET not in bound.get(at(agent, "export/")).content.decode()
    assert bound.post(at(agent, "versions/1/restore/")).status_code == 201


@pytest.mark.parametrize("whose", ["nobodys", "a stranger's", "deleted"])
def test_a_key_is_bound_to_a_living_agent_of_its_organization(api, harbor, ada, whose):
    agent = (
        AgentFactory() if whose == "a stranger's" else AgentFactory(organization=harbor)
    )
    if whose == "deleted":
        delete_agent(agent=agent, actor=ada.user)
    public_id = uuid4() if whose == "nobodys" else agent.public_id
    body = {"name": "B", "scopes": ["chat"], "agent_public_id": str(public_id)}
    answer = api.post("/api/v1/api-keys/", body, format="json")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/agent_public_id"
    assert not APIKey.objects.filter(name="B").exists()
