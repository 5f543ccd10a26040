"""Files take the same places as everything else, however many arrive at once."""

import pytest

from accounts.models import Organization
from accounts.models.organizations import OrganizationQuerySet
from accounts.tests.factories import MembershipFactory, make_key
from agents.import_export.file_format import read
from agents.import_export.importing import import_agent
from agents.lifecycle.creation import AgentLimitReached
from agents.models import Agent, KnowledgePack
from agents.tests.factories import AgentFactory
from agents.tests.lifecycle.test_creation_concurrent import (
    a_meeting_between_check_and_insert,
    at_once,
    post,
)

pytestmark = [pytest.mark.threaded, pytest.mark.django_db(transaction=True)]
FILE = {
    "format": "youragent.agent",
    "version": 1,
    "agent": {"name": "Desk"},
    "knowledge": {"name": "Shop", "documents": [{"title": "T", "content": "C"}]},
}


@pytest.fixture
def owner():
    return MembershipFactory()


def test_files_at_once_leave_exactly_as_many_agents_as_there_is_room_for(owner):
    organization = owner.organization
    Organization.objects.filter(pk=organization.pk).update(max_agents=3)
    AgentFactory.create_batch(2, organization=organization)
    key = make_key(owner)

    def bring(number):
        return post(key, "/api/v1/agents/import/", FILE).status_code

    assert sorted(at_once(12, bring)) == [201] + [403] * 11
    organization.refresh_from_db()
    assert organization.agent_count == Agent.objects.count() == 3
    assert KnowledgePack.objects.count() == 1


def bring_two(owner, monkeypatch):
    """Race two files for the last place; return what became of them."""
    Organization.objects.filter(pk=owner.organization_id).update(max_agents=1)

    def bring(number):
        file = read(FILE | {"agent": {"name": f"Desk {number}"}, "knowledge": None})
        try:
            import_agent(organization=owner.organization, created_by=None, file=file)
        except AgentLimitReached:
            return "refused"
        return "made"

    with a_meeting_between_check_and_insert(monkeypatch) as arrived:
        results = at_once(2, bring)
    return sorted(results), arrived


def test_two_files_cannot_share_the_last_place(owner, monkeypatch):
    assert bring_two(owner, monkeypatch) == (["made", "refused"], ["alone"])


def test_without_the_lock_they_would(owner, monkeypatch):
    unlocked = OrganizationQuerySet.get
    monkeypatch.setattr(
        OrganizationQuerySet, "locked", lambda *args: unlocked(args[0], pk=args[1])
    )
    results, arrived = bring_two(owner, monkeypatch)
    assert (results, arrived) == (["made", "made"], ["together", "together"])
