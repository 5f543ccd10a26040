"""One turn: asked once, answered once, told to whoever listens."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.errors import Invalid, KeyReused
from accounts.models import AuditLog
from accounts.tests.factories import UserFactory
from agents.conversations import event_stream, opening
from agents.inbox import closing
from agents.lifecycle.editing import update_agent
from agents.llm.provider import ProviderError
from agents.models import Agent, Message, Reply, Session, SessionIsOver
from agents.replies import production, questions, sweep
from agents.replies.generation import Watch
from agents.tests.factories import AgentFactory, SessionFactory, knowing_agent
from agents.tests.speaking import Scripted, events, names, said

pytestmark = pytest.mark.django_db
SHIPPING = "# Shipping\n\nParcels to Graz take three days. Express takes one day."


@pytest.fixture(autouse=True)
def no_pause(settings):
    settings.GROUNDED_TOKEN_DELAY_MS = 0


@pytest.fixture
def session():
    return SessionFactory(agent_ref=knowing_agent(SHIPPING, name="Barista"))


@pytest.fixture
def speaks(monkeypatch):
    """Let a scripted provider answer."""

    def use(*script):
        provider = Scripted(*script)
        monkeypatch.setattr(production, "provider_for", lambda model: provider)
        return provider

    return use


def asked(session, content="How long do parcels to Graz take?"):
    return questions.ask(session=session, content=content)[1]


def make_due():
    Reply.objects.update(run_after=timezone.now() - timedelta(seconds=1))


# --- Starting ---------------------------------------------------------------
def test_a_conversation_belongs_to_the_agents_organization():
    agent = AgentFactory()
    session, created = opening.start_session(
        agent=agent, channel="widget", visitor_id="anna", metadata={"page": "/"}
    )
    assert created
    assert session.organization == agent.organization
    assert session.agent_id == str(agent.public_id)
    assert (session.channel, session.metadata) == ("widget", {"page": "/"})


def test_somebody_must_be_speaking():
    with pytest.raises(Invalid):
        opening.start_session(agent=AgentFactory(), channel="api")


def test_a_repeated_key_returns_the_first_conversation():
    start = {"agent": AgentFactory(), "channel": "api", "visitor_id": "anna"}
    first, _ = opening.start_session(**start, idempotency_key="k")
    again, created = opening.start_session(**start, idempotency_key="k")
    assert (again.pk, created) == (first.pk, False)
    with pytest.raises(KeyReused):
        opening.start_session(**start, title="Another", idempotency_key="k")


def test_one_visitor_cannot_replay_anothers_key():
    agent, user = AgentFactory(), UserFactory()
    people = [{"visitor_id": "anna"}, {"visitor_id": "ben"}, {"user": user}]
    opened = {
        opening.start_session(
            agent=agent, channel="api", idempotency_key="k", **person
        )[0].pk
        for person in people
    }
    assert len(opened) == 3


def test_an_inactive_agent_starts_no_conversation():
    agent = AgentFactory(is_active=False)
    with pytest.raises(opening.AgentIsSilent):
        opening.start_session(agent=agent, channel="api", visitor_id="anna")


# --- Asking -----------------------------------------------------------------
def test_a_question_is_stored_with_the_work_of_answering_it(session):
    message, reply, created = questions.ask(session=session, content="  How long? ")
    assert created
    assert (message.content, message.sequence, message.role) == ("How long?", 1, "user")
    assert (reply.status, reply.events_after) == ("pending", "0-0")


def test_a_second_question_begins_after_the_first_answers_events(session):
    production.produce(asked(session).pk)
    reply = asked(session, "How long does express take?")
    assert reply.events_after == event_stream.last_event_id(session.pk) != "0-0"


def test_a_repeated_key_returns_the_first_question_and_counts_once(session):
    first = questions.ask(session=session, content="How long?", idempotency_key="k")
    again = questions.ask(session=session, content="How long?", idempotency_key="k")
    assert again == (first[0], first[1], False)
    session.refresh_from_db()
    assert session.total_messages == 1
    with pytest.raises(KeyReused):
        questions.ask(session=session, content="How much?", idempotency_key="k")


def test_a_repeated_key_is_answered_after_the_end_too(session):
    first = questions.ask(session=session, content="How long?", idempotency_key="k")
    session.mark_completed()
    again = questions.ask(session=session, content="How long?", idempotency_key="k")
    assert again == (first[0], first[1], False)


@pytest.mark.parametrize("content", ["", "  ", "x" * 4001])
def test_a_question_has_1_to_4000_characters(session, content):
    with pytest.raises(Invalid):
        questions.ask(session=session, content=content)
    assert not Message.objects.exists()


def test_the_longest_question_is_taken(session):
    assert questions.ask(session=session, content="x" * 4000)[2]


def test_nobody_asks_in_a_conversation_that_ended_expired_or_is_deleted(session):
    expired = SessionFactory(expires_at=timezone.now() - timedelta(seconds=1))
    deleted = SessionFactory(deleted_at=timezone.now())
    session.mark_completed()
    for over in (session, expired, deleted):
        with pytest.raises(SessionIsOver):
            questions.ask(session=over, content="Still there?")


def test_nobody_asks_an_agent_that_was_paused_or_deleted(session):
    Agent.objects.update(is_active=False)
    with pytest.raises(opening.AgentIsSilent):
        questions.ask(session=session, content="Still there?")


# --- Answering --------------------------------------------------------------
def test_an_answer_is_streamed_stored_and_told(session):
    reply = asked(session)
    production.produce(str(reply.pk))
    reply.refresh_from_db()
    assert (reply.status, reply.attempt, reply.provider) == ("done", 1, "grounded")
    assert reply.answer.content == "Parcels to Graz take three days. [1]"
    assert reply.answer.citations[0]["title"] == "Shipping"
    assert said(session.pk) == reply.answer.content
    kinds = names(session.pk)
    assert (kinds[0], kinds[-1]) == ("start", "done")
    assert set(kinds[1:-1]) == {"token"}


def test_the_events_say_which_reply_they_are_about(session):
    reply = asked(session)
    production.produce(str(reply.pk))
    (_, start), *_, (_, done) = events(session.pk)
    assert start == {
        "reply_id": str(reply.pk),
        "message_id": str(reply.question_id),
        "attempt": 1,
    }
    assert done["message"]["sequence"] == 2
    assert done["message"]["created_at"].endswith("Z")


def test_an_answer_is_counted(session):
    production.produce(asked(session).pk)
    stored = Session.objects.get(pk=session.pk)
    assert stored.total_messages == 2
    assert stored.total_tokens == stored.messages[1]["tokens"] > 0


def test_the_live_version_answers_and_is_remembered(session):
    reply = asked(session)
    agent = session.agent_ref
    update_agent(agent=agent, actor=None, changes={"system_prompt": "Be brief."})
    production.produce(reply.pk)
    reply.refresh_from_db()
    assert reply.version.number == 2


def test_a_provider_hears_prompt_passages_and_what_was_said(session, speaks):
    production.produce(asked(session).pk)
    provider = speaks("Again: ", "three.")
    production.produce(asked(session, "And express?").pk)
    turn = provider.turns[0]
    assert turn.agent_name == "Barista"
    assert turn.passages[0].title == "Shipping"
    assert [each.role for each in turn.history] == ["user", "assistant"]
    assert turn.question == "And express?"


def test_an_agent_without_memory_hears_the_question_only(speaks):
    agent = knowing_agent(SHIPPING, config={"memory_enabled": False})
    session = SessionFactory(agent_ref=agent)
    production.produce(asked(session).pk)
    provider = speaks("Hm.")
    production.produce(asked(session).pk)
    assert provider.turns[0].history == ()


def test_a_finished_reply_is_not_answered_again(session):
    reply = asked(session)
    production.produce(reply.pk)
    assert production.produce(reply.pk) is None
    assert Message.objects.filter(role="assistant").count() == 1


def test_what_a_provider_says_is_made_storable(session, speaks):
    speaks("Th\x00ree", " \ud800days")
    reply = production.produce(asked(session).pk)
    assert reply.answer.content == "Three days"


# --- Failing ----------------------------------------------------------------
def test_a_failed_attempt_is_repeated_from_the_start(session, speaks):
    reply = asked(session)
    speaks("Three ", ProviderError("Overloaded."))
    production.produce(reply.pk)
    reply.refresh_from_db()
    assert (reply.status, reply.last_error) == ("pending", "Overloaded.")
    make_due()
    speaks("Three days.")
    production.produce(reply.pk)
    told = ["start", "token", "start", "token", "token", "done"]
    assert names(session.pk) == told
    starts = [data["attempt"] for name, data in events(session.pk) if name == "start"]
    assert starts == [1, 2]


def test_three_failed_attempts_are_the_end(session, speaks):
    reply = asked(session)
    provider = speaks(RuntimeError("key sk-secret is wrong"))
    for _ in range(4):
        make_due()
        production.produce(reply.pk)
    reply.refresh_from_db()
    assert (len(provider.turns), reply.status) == (3, "failed")
    assert reply.last_error == "RuntimeError"
    name, told = events(session.pk)[-1]
    assert (name, told["code"]) == ("failed", "provider_unavailable")
    assert "secret" not in str(told)


@pytest.mark.parametrize("script", [[], ["  "], ["x" * 30_000, "x" * 30_000]])
def test_no_answer_and_an_endless_one_are_failures(session, speaks, script):
    provider = speaks(*script)
    reply = production.produce(asked(session).pk)
    assert reply.status == "pending"
    assert not Message.objects.filter(role="assistant").exists()
    assert provider.is_closed


def test_an_answer_that_takes_too_long_is_given_up(session, speaks, settings):
    settings.REPLY_DEADLINE_SECONDS = 0
    provider = speaks("Three", " days.")
    reply = production.produce(asked(session).pk)
    assert (reply.status, reply.failure_code) == ("failed", "deadline_exceeded")
    assert provider.is_closed


def test_a_conversation_that_ended_meanwhile_gets_no_answer(session):
    reply = asked(session)
    Session.objects.get(pk=session.pk).mark_cancelled("left")
    production.produce(reply.pk)
    reply.refresh_from_db()
    assert (reply.status, reply.failure_code) == ("failed", "session_over")
    assert Message.objects.count() == 1


def test_an_agent_paused_meanwhile_says_so(session):
    reply = asked(session)
    Agent.objects.update(is_active=False)
    production.produce(reply.pk)
    assert events(session.pk)[-1][1]["code"] == "agent_unavailable"


def test_a_question_that_kills_every_worker_is_given_up(session):
    reply = asked(session)
    Reply.objects.update(
        status="running",
        attempt=3,
        lease_expires_at=timezone.now() - timedelta(seconds=1),
    )
    production.produce(reply.pk)
    reply.refresh_from_db()
    assert (reply.status, reply.failure_code) == ("failed", "attempts_exhausted")


# --- Two workers ------------------------------------------------------------
def taken_over():
    Reply.objects.update(attempt=2)


def test_a_worker_that_was_overtaken_falls_silent(session, speaks, settings):
    settings.REPLY_LEASE_SECONDS = 0
    speaks("Three ", taken_over, "days.")
    production.produce(asked(session).pk)
    assert said(session.pk) == "Three "
    assert not Message.objects.filter(role="assistant").exists()


def test_a_worker_that_ends_too_late_stores_nothing(session, speaks):
    speaks("Three days.", taken_over)
    production.produce(asked(session).pk)
    assert "done" not in names(session.pk)
    session.refresh_from_db()
    assert session.total_messages == 1


def test_a_lease_is_renewed_while_the_answer_comes(session):
    soon = timezone.now() + timedelta(seconds=5)
    reply = asked(session)
    Reply.objects.update(status="running", attempt=1, lease_expires_at=soon)
    reply.refresh_from_db()
    watch = Watch(reply)
    watch.look()
    assert Reply.objects.get().lease_expires_at == soon
    watch.renew_at = 0
    watch.look()
    assert Reply.objects.get().lease_expires_at > soon + timedelta(seconds=15)


def test_a_lease_is_renewed_before_the_model_is_asked(session, speaks, monkeypatch):
    began, turn_of, ends = timezone.now(), production.turn_of, []

    def long_search(reply, version):
        Reply.objects.update(lease_expires_at=began)
        return turn_of(reply, version)

    monkeypatch.setattr(production, "turn_of", long_search)
    speaks(lambda: ends.append(Reply.objects.get().lease_expires_at), "Three days.")
    production.produce(asked(session).pk)
    assert ends[0] > began + timedelta(seconds=15)


# --- Telling ----------------------------------------------------------------
def test_what_a_dead_worker_stored_is_told_by_the_sweep(session):
    reply = asked(session)
    production.produce(reply.pk)
    event_stream._writer().delete(event_stream.key(session.pk))
    Reply.objects.update(
        announced_at=None, finished_at=timezone.now() - timedelta(seconds=10)
    )
    sweep.resend()
    sweep.resend()
    assert names(session.pk) == ["done"]


def test_an_answer_is_stored_while_redis_is_away(session, settings):
    reply = asked(session)
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    production.produce(reply.pk)
    reply.refresh_from_db()
    assert (reply.status, reply.announced_at) == ("done", None)


# --- Ending -----------------------------------------------------------------
def test_an_end_is_audited(session):
    closing.end_session(session=session, status="cancelled", actor=None, reason="left")
    entry = AuditLog.objects.get(resource_type="session")
    assert entry.detail.changes["status"] == {"old": "active", "new": "cancelled"}
    with pytest.raises(SessionIsOver):
        closing.end_session(session=session, status="completed", actor=None)
