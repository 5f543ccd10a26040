"""What was paid for is stored, or at least counted; it is not bought again."""

import threading

import pytest
from django.db import connections, transaction

from accounts.work import leases
from agents.models import Reservation, Session, UsageMonth
from agents.replies import production, questions
from agents.tests.factories import SessionFactory, knowing_agent
from agents.tests.lifecycle.test_creation_concurrent import at_once
from agents.tests.maker import LOOPBACK, account_at, answering, making

pytestmark = [pytest.mark.threaded, pytest.mark.django_db(transaction=True)]
PATIENCE = 30


@pytest.fixture
def maker(settings):
    settings.OUTBOUND_ALLOWED_NETWORKS = LOOPBACK
    with making(answering("Three days [1].")) as maker:
        yield maker


@pytest.fixture
def reply(maker, harbor):
    account_at(maker, harbor)
    agent = knowing_agent("Parcels to Graz take three days.", organization=harbor)
    session = SessionFactory(agent_ref=agent)
    return questions.ask(session=session, content="How long do parcels to Graz take?")[
        1
    ]


def produced_while_locked(reply, monkeypatch, *, until_first_failure: bool):
    """Produce a reply while somebody else holds its conversation's row."""
    locked, let_go = threading.Event(), threading.Event()

    def pauses():
        yield 0.01
        if until_first_failure:
            let_go.set()
        yield 0.5

    monkeypatch.setattr(leases, "STORE_PAUSES", pauses())

    def hold():
        with transaction.atomic():
            Session.objects.select_for_update().get(pk=reply.session_id)
            locked.set()
            let_go.wait(PATIENCE)

    def produce():
        locked.wait(PATIENCE)
        try:
            production.produce(reply.pk)
        finally:
            let_go.set()

    at_once(2, lambda number: (hold, produce)[number]())
    connections.close_all()
    reply.refresh_from_db()


def test_an_answer_waits_for_the_lock_and_is_not_asked_for_again(
    maker, reply, monkeypatch
):
    produced_while_locked(reply, monkeypatch, until_first_failure=True)
    assert (reply.status, reply.attempt, len(maker.bodies)) == ("done", 1, 1)
    assert reply.answer.content == "Three days [1]."
    assert UsageMonth.objects.get(agent=None).tokens == 38


def test_an_answer_that_cannot_be_stored_is_counted_and_not_bought_again(
    maker, reply, monkeypatch
):
    produced_while_locked(reply, monkeypatch, until_first_failure=False)
    assert (reply.status, reply.failure_code) == ("failed", "not_stored")
    assert len(maker.bodies) == 1
    assert UsageMonth.objects.get(agent=None).tokens == 38
    assert not Reservation.objects.exists()
