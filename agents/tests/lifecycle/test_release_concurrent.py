"""Two who release the same version at once: it happens once, and both are told so."""

import pytest

from accounts.models import AuditLog
from agents.lifecycle import release
from agents.lifecycle.editing import update_agent
from agents.lifecycle.release import release_draft
from agents.models import Agent
from agents.tests.factories import AgentFactory
from metrics.tests.together import Meeting, at_once

pytestmark = [pytest.mark.threaded, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def desk():
    agent = AgentFactory(name="Desk", release_gate="warn")
    return update_agent(agent=agent, actor=None, changes={"system_prompt": "New."})


def released_by_two(desk, monkeypatch):
    """Let both meet after they have read what is live."""
    meeting = Meeting()
    before = meeting.before(release.announce_agent)
    monkeypatch.setattr(release, "announce_agent", before)

    def send(number):
        agent = Agent.objects.with_details().get(pk=desk.pk)
        return release_draft(agent=agent, actor=None, version=2).live_version.number

    assert at_once(2, send) == [2, 2]
    return AuditLog.objects.filter(action="EXECUTE").count()


def test_two_releases_of_a_version_at_once_are_one(desk, monkeypatch):
    assert released_by_two(desk, monkeypatch) == 1


def test_without_the_lock_both_would_happen(desk, monkeypatch):
    monkeypatch.setattr(release, "locked", lambda agent: agent)
    assert released_by_two(desk, monkeypatch) == 2
