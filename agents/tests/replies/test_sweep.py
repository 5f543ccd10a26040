"""The sweep sends again what nobody works on, and only that."""

from datetime import timedelta

import pytest
from django.utils import timezone

from agents.lifecycle.creation import start_optimization
from agents.models import Document, OptimizationRun, Reply
from agents.replies import questions, sweep
from agents.tests.factories import AgentFactory, DocumentFactory, SessionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def work():
    """One piece of each kind, not yet begun."""
    agent = AgentFactory()
    start_optimization(agent, agent.live_version)
    DocumentFactory()
    questions.ask(session=SessionFactory(agent_ref=agent), content="Hello")
    return (Reply, Document, OptimizationRun)


def change(work, **values):
    for model in work:
        model.objects.update(**values)


def test_what_is_pending_for_long_is_sent_again(work):
    change(work, run_after=timezone.now() - timedelta(minutes=1))
    assert sweep.resend() == 3


@pytest.mark.parametrize(
    ("seconds", "sent"), [(-1, 3), (60, 0)], ids=["run out", "still held"]
)
def test_what_is_running_is_sent_when_its_lease_ran_out(work, seconds, sent):
    lease_ends = timezone.now() + timedelta(seconds=seconds)
    change(work, status="running", lease_expires_at=lease_ends)
    assert sweep.resend() == sent


@pytest.mark.parametrize(
    "values",
    [
        {"status": "done"},
        {"status": "failed"},
        {"run_after": timezone.now() + timedelta(hours=1)},
    ],
    ids=["done", "failed", "not yet due"],
)
def test_nothing_else_is_sent(work, values):
    change(work, **values)
    assert sweep.resend() == 0
