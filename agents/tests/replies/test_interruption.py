"""Stopping an answer under way, and asking for another one."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError
from django.db.models.query import QuerySet
from django.utils import timezone

from accounts.errors import Invalid, NotFound
from agents.conversations import opening
from agents.models import (
    Agent,
    Message,
    Reply,
    Reservation,
    Session,
    SessionIsOver,
    UsageMonth,
)
from agents.replies import generation, production, questions
from agents.replies.interruption import NotTheLatest, regenerate, stop
from agents.tests.factories import MessageFactory, SessionFactory, knowing_agent
from agents.tests.lifecycle.test_creation_concurrent import at_once
from agents.tests.speaking import Scripted, events, names
from agents.usage.budgets import BudgetExceeded

pytestmark = pytest.mark.django_db
SHIPPING = "# Shipping\n\nParcels to Graz take three days. Express takes one day."
QUESTION = "How long do parcels to Graz take?"


@pytest.fixture(autouse=True)
def no_pause(settings):
    settings.GROUNDED_TOKEN_DELAY_MS = 0


@pytest.fixture
def session():
    return SessionFactory(agent_ref=knowing_agent(SHIPPING))


@pytest.fixture
def speaks(monkeypatch):
    """Let a scripted provider answer, whose worker looks at its lease each time."""

    def use(*script):
        provider = Scripted(*script)
        monkeypatch.setattr(production, "provider_for", lambda model: provider)
        monkeypatch.setattr(generation, "LOOK_SECONDS", 0)
        return provider

    return use


def asked(session, content=QUESTION):
    return questions.ask(session=session, content=content)[1]


def answered(session, content=QUESTION):
    reply = asked(session, content)
    production.produce(reply.pk)
    reply.refresh_from_db()
    return reply


# --- Stopping ---------------------------------------------------------------
@pytest.fixture
def stopped(session, speaks):
    """A reply that was stopped after its third word, and who spoke it."""
    speaker = speaks("Three ", "or ", "four ", lambda: stop(session=session), "days.")
    reply = asked(session)
    production.produce(reply.pk)
    reply.refresh_from_db()
    return reply, speaker


def test_what_was_said_so_far_stays_and_says_so(session, stopped):
    reply, _ = stopped
    assert (reply.status, reply.answer.content) == ("done", "Three or four")
    assert reply.answer.is_stopped
    assert Message.objects.filter(role="assistant").count() == 1
    assert events(session.pk)[-1][1]["message"]["stopped"] is True


def test_the_worker_notices_and_closes_its_provider(session, stopped):
    assert stopped[1].is_closed
    assert names(session.pk) == ["start", "token", "token", "token", "done"]


def test_a_stopped_answer_is_settled_with_what_it_took(session, stopped):
    reply, _ = stopped
    month = UsageMonth.objects.get(agent=session.agent_ref)
    assert (month.reserved_messages, month.reserved_tokens) == (0, 0)
    assert month.tokens == reply.answer.tokens > reply.prompt_tokens > 0
    assert month.messages == 1
    assert Session.objects.get().total_tokens == month.tokens


def test_an_answer_stopped_before_it_began_is_a_failure_that_cost_nothing(session):
    reply = asked(session)
    assert stop(session=session) == [reply]
    reply.refresh_from_db()
    assert (reply.status, reply.failure_code) == ("failed", "stopped")
    assert events(session.pk)[-1][1]["code"] == "stopped"
    assert production.produce(reply.pk) is None
    assert not Reservation.objects.exists()
    assert UsageMonth.objects.get(agent=session.agent_ref).tokens == 0


def test_stopping_before_the_first_word_pays_for_what_was_read(session, speaks):
    speaks(lambda: stop(session=session), "Three days.")
    reply = asked(session)
    production.produce(reply.pk)
    reply.refresh_from_db()
    month = UsageMonth.objects.get(agent=session.agent_ref)
    assert (reply.status, month.tokens) == ("failed", reply.prompt_tokens)


def test_an_answer_of_a_dead_worker_is_stopped_at_once(session):
    reply = asked(session)
    Reply.objects.update(
        status="running",
        attempt=1,
        lease_expires_at=timezone.now() + timedelta(minutes=5),
    )
    assert [each.pk for each in stop(session=session)] == [reply.pk]
    assert stop(session=session) == []


def test_one_question_of_several_is_stopped(session):
    first, second = asked(session), asked(session, "And express?")
    stop(session=session, message_id=second.question_id)
    assert set(Reply.objects.values_list("pk", "status")) == {
        (first.pk, "pending"),
        (second.pk, "failed"),
    }


def test_a_finished_answer_stays_as_it_is(session):
    reply = answered(session)
    assert stop(session=session, message_id=reply.question_id) == []
    assert Message.objects.get(role="assistant").is_stopped is False


def test_a_question_of_another_conversation_is_not_stopped(session):
    elsewhere = asked(SessionFactory())
    for message_id in (elsewhere.question_id, uuid4()):
        with pytest.raises(NotFound):
            stop(session=session, message_id=message_id)
    assert Reply.objects.get().status == "pending"


# --- Regenerating -----------------------------------------------------------
def test_another_answer_takes_the_place_of_the_first_which_stays(session):
    first = answered(session)
    question, second, created = regenerate(session=session, message_id=first.answer_id)
    assert created
    assert (question.pk, second.status) == (first.question_id, "pending")
    production.produce(second.pk)
    stored = Session.objects.get()
    assert [message.is_superseded for message in stored.message_rows.all()] == [
        False,
        True,
        False,
    ]
    assert stored.total_messages == len(stored.messages) == 3
    assert stored.total_tokens == sum(m["tokens"] or 0 for m in stored.messages)


def test_each_answer_is_paid_for(session):
    first = answered(session)
    second = regenerate(session=session, message_id=first.answer_id)[1]
    production.produce(second.pk)
    month = UsageMonth.objects.get(agent=session.agent_ref)
    assert month.messages == 2
    assert month.tokens == Session.objects.get().total_tokens


def test_naming_a_replaced_answer_again_returns_what_counts(session):
    first = answered(session)
    second = regenerate(session=session, message_id=first.answer_id)[1]
    again = regenerate(session=session, message_id=first.answer_id)
    assert again[1:] == (second, False)
    production.produce(second.pk)
    assert regenerate(session=session, message_id=first.answer_id)[1:] == (
        second,
        False,
    )
    assert Reply.objects.count() == 2


def test_a_failed_answer_is_asked_for_again_by_its_question(session):
    reply = asked(session)
    stop(session=session)
    again = regenerate(session=session, message_id=reply.question_id)[1]
    production.produce(again.pk)
    assert Message.objects.get(role="assistant").content.startswith("Parcels to Graz")


def test_a_later_answer_does_not_hear_the_superseded_one(session, speaks):
    first = answered(session)
    second = regenerate(session=session, message_id=first.answer_id)[1]
    speaks("The other answer.")
    production.produce(second.pk)
    provider = speaks("Fine.")
    production.produce(asked(session, "And express?").pk)
    heard = [said.content for said in provider.turns[0].history]
    assert heard == [QUESTION, "The other answer."]


def test_only_the_last_answer_is_replaced(session):
    first = answered(session)
    answered(session, "And express?")
    with pytest.raises(NotTheLatest):
        regenerate(session=session, message_id=first.answer_id)


def test_a_conversation_that_is_over_gets_no_other_answer(session):
    first = answered(session)
    session.mark_completed()
    with pytest.raises(SessionIsOver):
        regenerate(session=session, message_id=first.answer_id)


def test_a_paused_agent_gives_no_other_answer(session):
    first = answered(session)
    Agent.objects.update(is_active=False)
    with pytest.raises(opening.AgentIsSilent):
        regenerate(session=session, message_id=first.answer_id)


def test_what_no_reply_made_is_not_replaced(session):
    note = MessageFactory(session=session, role="assistant", content="By hand.")
    elsewhere = answered(SessionFactory(agent_ref=session.agent_ref))
    with pytest.raises(Invalid):
        regenerate(session=session, message_id=note.pk)
    for message_id in (elsewhere.answer_id, uuid4()):
        with pytest.raises(NotFound):
            regenerate(session=session, message_id=message_id)


def test_a_used_up_month_leaves_the_first_answer_standing(session, harbor):
    first = answered(session)
    organization = session.organization
    organization.max_messages_per_month = 1
    organization.save()
    with pytest.raises(BudgetExceeded):
        regenerate(session=session, message_id=first.answer_id)
    assert not Message.objects.filter(is_superseded=True).exists()
    assert Reply.objects.get().superseded_at is None


# --- Many hands -------------------------------------------------------------
threaded = [pytest.mark.threaded, pytest.mark.django_db(transaction=True)]


def regenerate_at_once(session, answer_id):
    def again(number):
        mine = Session.objects.get(pk=session.pk)
        try:
            return regenerate(session=mine, message_id=answer_id)[1].pk
        except IntegrityError:
            return None

    return at_once(8, again)


class TestManyHands:
    pytestmark = threaded

    def test_an_answer_is_replaced_once(self, session):
        first = answered(session)
        results = regenerate_at_once(session, first.answer_id)
        assert len(set(results)) == 1
        assert Reply.objects.count() == 2

    def test_without_the_lock_two_would_replace_it(self, session, monkeypatch):
        first = answered(session)
        plain = QuerySet.select_for_update

        def unlocked(queryset, **kwargs):
            return queryset if queryset.model is Session else plain(queryset, **kwargs)

        monkeypatch.setattr(QuerySet, "select_for_update", unlocked)
        assert None in regenerate_at_once(session, first.answer_id)

    def test_a_stop_and_the_workers_end_leave_one_answer(self, session):
        reply = asked(session)

        def act(number):
            if number == 0:
                production.produce(str(reply.pk))
            else:
                stop(session=Session.objects.get(pk=session.pk))

        at_once(6, act)
        reply.refresh_from_db()
        assert reply.is_finished
        answers = Message.objects.filter(role="assistant")
        assert answers.count() == (1 if reply.status == "done" else 0)
        assert not Reservation.objects.exists()
