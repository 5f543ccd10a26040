"""Whoever names what they have read changes nothing that has changed since."""

import pytest

from agents.tests.factories import AgentFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def agent(harbor):
    return AgentFactory(organization=harbor)


def at(agent):
    return f"/api/v1/agents/{agent.public_id}/"


def test_a_stale_edit_is_refused(api, agent):
    etag = api.get(at(agent))["ETag"]
    first = api.patch(
        at(agent), {"name": "A"}, format="json", headers={"If-Match": etag}
    )
    stale = api.patch(
        at(agent), {"name": "B"}, format="json", headers={"If-Match": etag}
    )
    assert (first.status_code, stale.status_code) == (200, 412)
    agent.refresh_from_db()
    assert agent.name == "A"


def test_a_deletion_with_a_stale_if_match_deletes_nothing(api, agent):
    stale = api.get(at(agent))["ETag"]
    fresh = api.patch(at(agent), {"description": "New."}, format="json")["ETag"]
    assert api.delete(at(agent), headers={"If-Match": stale}).status_code == 412
    assert api.get(at(agent)).status_code == 200
    assert api.delete(at(agent), headers={"If-Match": fresh}).status_code == 204
