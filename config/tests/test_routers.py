"""Requests read from the replica what may be a moment late, and nothing else."""

from contextlib import contextmanager

import pytest
from django.db import connection, connections, router, transaction
from django.db.utils import InternalError
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.models import APIKey, Membership, User
from accounts.tests.factories import MembershipFactory, make_key
from agents.lifecycle.lookup import get_agent_by_api_key
from agents.models import Agent
from agents.tests.factories import AgentFactory
from config import health, routers
from config.database import replica_config
from metrics.models import AgentMetrics

pytestmark = [pytest.mark.threaded, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def replica(settings):
    """A second alias of the same server, on which nothing can be written."""
    entry = connection.settings_dict
    options = {k: v for k, v in entry["OPTIONS"].items() if k != "pool"}
    options["options"] = "-c default_transaction_read_only=on"
    connections.settings["replica"] = entry | {"OPTIONS": options}
    settings.DATABASE_ROUTERS = ["config.routers.ReplicaRouter"]
    assert isinstance(router.routers[0], routers.ReplicaRouter)
    # Opened here: a test case lets nobody open what it does not know.
    connections["replica"].connect()
    token = routers._may_be_late.set(True)
    yield "replica"
    routers._may_be_late.reset(token)
    connections["replica"].close()
    del connections["replica"]
    del connections.settings["replica"]


@contextmanager
def counted():
    """Tell which statements went where."""
    with (
        CaptureQueriesContext(connections["default"]) as primary,
        CaptureQueriesContext(connections["replica"]) as replica,
    ):
        yield primary, replica


@pytest.fixture
def ada():
    return MembershipFactory()


@pytest.fixture
def api(ada):
    program = APIClient(headers={"X-API-Key": make_key(ada)})
    program.get("/api/v1/agents/")
    return program


def test_without_its_address_there_is_no_router(settings):
    assert settings.DATABASE_ROUTERS == []
    assert list(connections) == ["default"]
    assert [each["name"] for each in health.report()["components"]] == [
        *("database", "redis", "celery", "migrations", "knowledge", "process")
    ]


def test_a_request_reads_agents_from_the_replica(ada, api, replica):
    AgentFactory(organization=ada.organization, name="One")
    with counted() as (primary, late):
        answer = api.get("/api/v1/agents/")
    assert answer.json()["results"][0]["name"] == "One"
    assert len(late) == 1
    assert all("api_keys" in each["sql"] for each in primary)


def test_it_writes_to_the_primary_and_reads_there_from_then_on(ada, api, replica):
    agent = AgentFactory(organization=ada.organization)
    with counted() as (primary, late):
        answer = api.patch(
            f"/api/v1/agents/{agent.public_id}/", {"name": "Two"}, "json"
        )
    assert answer.json()["name"] == "Two"
    assert [each["sql"].split()[0] for each in late] == ["SELECT"]
    assert any("UPDATE" in each["sql"] for each in primary)
    assert router.db_for_read(Agent) == "default"


def test_creating_never_asks_the_replica(api, replica):
    with counted() as (_, late):
        answer = api.post("/api/v1/agents/", {"name": "Three"}, format="json")
    assert answer.status_code == 201
    assert len(late) == 0


def test_inside_a_transaction_the_primary_is_asked(replica):
    assert router.db_for_read(Agent) == router.db_for_read(AgentMetrics) == "replica"
    with transaction.atomic():
        assert router.db_for_read(Agent) == "default"
    assert router.db_for_read(Agent) == "replica"


@pytest.mark.parametrize("model", [User, APIKey, Membership])
def test_who_somebody_is_the_primary_says(replica, model):
    assert router.db_for_read(model) == "default"


def test_a_lock_is_taken_on_the_primary(replica):
    assert Agent.objects.select_for_update().db == "default"


def test_a_revoked_key_is_revoked_whatever_the_replica_says(ada, replica):
    agent = AgentFactory(organization=ada.organization)
    routers.begin_request()
    with counted() as (_, late):
        get_agent_by_api_key(make_key(ada, agent_public_id=agent.public_id))
    assert len(late) == 0


def test_outside_of_requests_the_primary_is_asked(replica):
    routers._may_be_late.set(False)
    assert router.db_for_read(Agent) == "default"


def test_nothing_can_be_written_on_the_replica(replica):
    with pytest.raises(InternalError, match="read-only"):
        AgentMetrics.objects.using("replica").update(xp=1)


def test_rows_of_both_may_be_related(ada, replica):
    AgentFactory(organization=ada.organization)
    routers.begin_request()
    agent = Agent.objects.select_related("organization").get()
    assert agent._state.db == "replica"
    ada.organization = agent.organization
    ada.save()


def test_nothing_is_migrated_there(replica):
    assert router.allow_migrate_model("replica", Agent) is False
    assert router.allow_migrate_model("default", Agent) is True


def test_health_says_that_the_replica_is_away(replica):
    connections["replica"].settings_dict |= {"HOST": "127.0.0.1", "PORT": "1"}
    report = health.report()
    found = {each["name"]: each["status"] for each in report["components"]}
    assert (found["database"], found["replica"]) == ("healthy", "unhealthy")
    assert report["status"] == "degraded"


def test_its_entry_is_read_only_and_a_mirror_in_tests():
    entry = replica_config("postgresql://u:p@replica.example/db", pool=False)
    assert (entry["HOST"], entry["TEST"]) == ("replica.example", {"MIRROR": "default"})
    assert "default_transaction_read_only=on" in entry["OPTIONS"]["options"]
