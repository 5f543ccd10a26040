"""A budget under many hands; its guard is shown to be the reason."""

import threading

import pytest

from accounts.models import Organization
from agents.models import Message, Reservation, UsageKind, UsageMonth
from agents.models.usage import UsageMonthQuerySet
from agents.replies import questions
from agents.tests.factories import AgentFactory, SessionFactory
from agents.tests.lifecycle.test_creation_concurrent import at_once
from agents.usage import budgets

pytestmark = [pytest.mark.threaded, pytest.mark.django_db(transaction=True)]
THREADS = 40
BUDGET = 10


@pytest.fixture
def agent():
    agent = AgentFactory()
    Organization.objects.update(
        max_messages_per_month=BUDGET, max_tokens_per_month=10**9
    )
    return agent


def ask(session):
    try:
        questions.ask(session=session, content="How long?")
    except budgets.BudgetExceeded:
        return False
    return True


def test_forty_messages_at_once_cannot_exceed_a_budget_for_ten(agent):
    sessions = [SessionFactory(agent_ref=agent) for _ in range(THREADS)]
    assert sum(at_once(THREADS, lambda n: ask(sessions[n]))) == BUDGET
    assert Message.objects.count() == Reservation.objects.count() == BUDGET
    held = UsageMonth.objects.values_list("reserved_messages", flat=True)
    assert set(held) == {BUDGET}


def test_forty_reservations_of_tokens_cannot_exceed_them(agent):
    Organization.objects.update(max_messages_per_month=-1, max_tokens_per_month=1_000)

    def hold(number):
        try:
            budgets.reserve(agent=agent, kind=UsageKind.COMPLETION, tokens=100)
        except budgets.BudgetExceeded:
            return False
        return True

    assert sum(at_once(THREADS, hold)) == BUDGET
    assert set(UsageMonth.objects.values_list("reserved_tokens", flat=True)) == {1_000}


def test_a_budget_that_only_looks_before_it_holds_is_exceeded(agent, monkeypatch):
    """Replace the guard by a look at the row: two that meet in between both pass."""
    meeting = threading.Barrier(2)
    Organization.objects.update(max_messages_per_month=1)
    guarded = UsageMonthQuerySet.with_room
    looked = threading.local()

    def look_then_meet(rows, **asked):
        if not UsageMonth.objects.filter(pk__in=rows.values("pk")).exists():
            return guarded(rows, **asked)
        found = guarded(rows, **asked).exists()
        if found and not getattr(looked, "once", False):
            looked.once = True
            meeting.wait(timeout=10)
        return rows if found else rows.none()

    budgets.reserve(agent=agent, kind=UsageKind.COMPLETION, tokens=1)
    budgets.release(Reservation.objects.get())
    monkeypatch.setattr(UsageMonthQuerySet, "with_room", look_then_meet)
    sessions = [SessionFactory(agent_ref=agent) for _ in range(2)]
    assert sum(at_once(2, lambda n: ask(sessions[n]))) == 2
