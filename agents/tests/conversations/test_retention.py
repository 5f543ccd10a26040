"""What an organization no longer wants to keep is gone for good."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.errors import Invalid
from accounts.models import AuditLog
from agents import tasks
from agents.conversations import retention
from agents.conversations.retention import apply_all, set_retention
from agents.conversations.tags import add_tag
from agents.models import Message, Rating, Reply, Session, Tag, UsageDay
from agents.replies import production, questions
from agents.tests.factories import AgentFactory, RatingFactory, SessionFactory

pytestmark = pytest.mark.django_db
URL = "/api/v1/retention/"


@pytest.fixture
def agent(harbor):
    return AgentFactory(organization=harbor)


def aged(session, days):
    Session.all_objects.filter(pk=session.pk).update(
        last_activity_at=timezone.now() - timedelta(days=days)
    )
    return session


def test_old_conversations_are_deleted_with_all_that_hangs_on_them(agent, settings):
    settings.GROUNDED_TOKEN_DELAY_MS = 0
    old = SessionFactory(agent_ref=agent)
    production.produce(questions.ask(session=old, content="Hello")[1].pk)
    RatingFactory(message=Message.objects.get(role="assistant"))
    add_tag(session=old, name="Greeting", actor=None)
    aged(old, 31)
    young = aged(SessionFactory(agent_ref=agent), 29)
    set_retention(organization=agent.organization, days=30, actor=None)
    tasks.apply_retention()
    assert list(Session.all_objects.all()) == [young]
    left = [model.objects.count() for model in (Message, Reply, Rating)]
    assert left == [0, 0, 0]
    assert Tag.objects.get().sessions.count() == 0
    assert UsageDay.objects.get().messages == 1


def test_a_run_is_audited_as_one_row(agent, ada):
    for _ in range(3):
        aged(SessionFactory(agent_ref=agent), 31)
    set_retention(organization=agent.organization, days=30, actor=ada.user)
    before = AuditLog.objects.count()
    assert apply_all() == 3
    assert apply_all() == 0
    assert AuditLog.objects.count() == before + 1
    row = AuditLog.objects.latest("sequence")
    assert (row.action, row.resource_id) == ("DELETE", "retention")
    assert row.detail.metadata["deleted"]["Session"] == 3


def test_hidden_conversations_are_deleted_too(agent):
    aged(SessionFactory(agent_ref=agent), 31).soft_delete()
    set_retention(organization=agent.organization, days=30, actor=None)
    assert apply_all() == 1
    assert not Session.all_objects.exists()


def test_without_days_and_elsewhere_everything_stays(agent):
    aged(SessionFactory(agent_ref=agent), 4_000)
    aged(SessionFactory(), 4_000)
    set_retention(organization=agent.organization, days=1, actor=None)
    set_retention(organization=agent.organization, days=None, actor=None)
    assert apply_all() == 0
    assert Session.objects.count() == 2


def test_many_go_in_batches_and_time_is_bounded(agent, monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 2)
    for _ in range(5):
        aged(SessionFactory(agent_ref=agent), 31)
    set_retention(organization=agent.organization, days=30, actor=None)
    assert apply_all(seconds=0) == 2
    assert apply_all() == 3


@pytest.mark.parametrize("days", [0, -1, 3651])
def test_days_have_bounds(harbor, days):
    with pytest.raises(Invalid):
        set_retention(organization=harbor, days=days, actor=None)


def test_an_owner_reads_and_sets_it(api):
    assert api.get(URL).json() == {"days": None}
    assert api.put(URL, {"days": 90}, format="json").json() == {"days": 90}
    assert api.get(URL).json() == {"days": 90}


@pytest.mark.parametrize("body", [{}, {"days": 0}, {"days": "x"}, {"days": 3651}])
def test_what_are_no_days_is_refused(api, body):
    response = api.put(URL, body, format="json")
    assert response.status_code == 400
    assert response.json()["errors"][0]["pointer"] == "/days"


def test_a_viewer_may_not(viewer_api):
    assert viewer_api.get(URL).status_code == 403
    assert viewer_api.put(URL, {"days": 1}, format="json").status_code == 403
