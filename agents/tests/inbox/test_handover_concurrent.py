"""Taking over under many hands; the lock is shown to be the reason for one holder."""

import threading

import pytest

from accounts.models import Role
from accounts.tests.factories import MembershipFactory, OrganizationFactory
from agents.inbox import handover
from agents.models import InboxEntry, InboxNotice, Message, Session
from agents.models.inbox import InboxPreference
from agents.replies import questions
from agents.tests.factories import AgentFactory, SessionFactory
from agents.tests.lifecycle.test_creation_concurrent import at_once

pytestmark = [pytest.mark.threaded, pytest.mark.django_db(transaction=True)]
HANDS = 12


@pytest.fixture
def organization():
    return OrganizationFactory(name="Harbor Coffee")


@pytest.fixture
def session(organization):
    session = SessionFactory(agent_ref=AgentFactory(organization=organization))
    handover.request_person(session=session)
    return session


def members(organization, count):
    return [
        MembershipFactory(organization=organization, role=Role.EDITOR)
        for _ in range(count)
    ]


def take(session, member):
    try:
        handover.take(session=session, actor=member.user)
    except handover.AlreadyTaken:
        return False
    return True


def test_of_twelve_who_take_it_at_once_one_has_it(organization, session):
    team = members(organization, HANDS)
    took = at_once(HANDS, lambda n: take(session, team[n]))
    assert sum(took) == 1
    winner = team[took.index(True)].user
    assert InboxEntry.objects.get().assignee == winner
    remarks = Message.objects.filter(metadata__event="taken")
    assert remarks.count() == 1


def two_who_meet(organization, session, monkeypatch):
    """Let two members meet between the look and the taking; return who arrived how."""
    meeting, arrived, give = threading.Barrier(2), [], handover._give_to

    def meet(*args):
        try:
            meeting.wait(timeout=1)
            arrived.append("together")
        except threading.BrokenBarrierError:
            arrived.append("alone")
        return give(*args)

    monkeypatch.setattr(handover, "_give_to", meet)
    team = members(organization, 2)
    return sorted(at_once(2, lambda n: take(session, team[n]))), arrived


def test_two_cannot_take_one_conversation(organization, session, monkeypatch):
    took, arrived = two_who_meet(organization, session, monkeypatch)
    assert (took, arrived) == ([False, True], ["alone"])


def test_without_the_lock_they_would(organization, session, monkeypatch):
    def unlocked(session):
        return Session.objects.get(pk=session.pk), InboxEntry.objects.get()

    monkeypatch.setattr(handover, "locked_open", unlocked)
    took, arrived = two_who_meet(organization, session, monkeypatch)
    assert (took, arrived) == ([True, True], ["together", "together"])


def test_a_visitor_who_writes_much_costs_each_member_one_mail(organization, session):
    member = members(organization, 1)[0]
    InboxPreference.objects.create(membership=member, notify="mine")
    handover.take(session=session, actor=member.user)
    at_once(8, lambda n: questions.ask(session=session, content=f"Message {n}"))
    assert InboxNotice.objects.count() == 1
