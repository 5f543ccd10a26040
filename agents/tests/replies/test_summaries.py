"""What was said earlier in a long conversation, kept in short."""

import pytest

from agents.models import SessionSummary, UsageMonth
from agents.replies import production, questions, summaries
from agents.replies.generation import turn_of
from agents.tests.factories import SessionFactory, knowing_agent
from agents.tests.maker import LOOPBACK, account_at, answering, making, refusing
from agents.tests.speaking import Scripted

pytestmark = pytest.mark.django_db
TEXT = "# Shipping\n\nParcels to Graz take three days."


@pytest.fixture
def session(harbor, settings):
    settings.GROUNDED_TOKEN_DELAY_MS = 0
    return SessionFactory(agent_ref=knowing_agent(TEXT, organization=harbor))


@pytest.fixture
def maker(settings, harbor, session):
    settings.OUTBOUND_ALLOWED_NETWORKS = LOOPBACK
    with making(answering("They agreed on Graz.")) as maker:
        account_at(maker, harbor)
        version = session.agent_ref.live_version
        type(version).objects.filter(pk=version.pk).update(config={"model": "small-1"})
        yield maker


def talk(session, messages=16):
    for number in range(1, messages + 1):
        role = "user" if number % 2 else "assistant"
        session.add_message(role, f"Message {number}. More of it [1].")


def wanted(session):
    version = session.agent_ref.live_version
    summaries.want_summary(session, version, session.total_messages)
    return SessionSummary.objects.filter(status="pending").exists()


def summarized(session):
    assert wanted(session)
    return summaries.summarize(str(session.pk))


def test_a_short_conversation_needs_none(session):
    talk(session, 9)
    assert not wanted(session)


def test_without_a_model_the_questions_and_first_sentences_are_kept(session):
    talk(session)
    summary = summarized(session)
    assert (summary.status, summary.covers) == ("done", 12)
    lines = summary.text.splitlines()
    assert lines[:2] == ["Visitor: Message 1.", "Agent: Message 2."]
    assert len(lines) == 12
    assert not wanted(session)


def test_it_goes_on_where_it_ended_and_never_grows_too_long(session):
    talk(session)
    first = summarized(session).text
    for number in range(6):
        session.add_message("user", f"Another {number}. " + "x" * 300)
    text = summarized(session).text
    assert text.startswith(first)
    long = summaries.by_rule(text * 9, [])
    assert summaries.estimate_tokens(long) <= summaries.MAX_TOKENS


def test_a_model_writes_it_and_its_tokens_are_counted(session, maker):
    talk(session)
    assert summarized(session).text == "They agreed on Graz."
    content = maker.bodies[0]["messages"][1]["content"]
    assert content.startswith("<material>\nVisitor: Message 1.")
    assert "Agent: Message 2. More of it.\n" in content
    assert "Message 13" not in content
    row = UsageMonth.objects.get(agent=None)
    assert (row.tokens, row.messages, row.reserved_tokens) == (38, 0, 0)


def test_a_model_that_fails_is_no_reason_to_forget(session, maker):
    maker.will(refusing(401))
    talk(session)
    assert summarized(session).text.startswith("Visitor: Message 1.")
    assert UsageMonth.objects.get(agent=None).reserved_tokens == 0


def test_a_budget_that_is_used_up_pays_for_none(session, maker, harbor):
    type(harbor).objects.update(max_tokens_per_month=10)
    talk(session)
    assert summarized(session).text.startswith("Visitor: Message 1.")
    assert maker.bodies == []


def test_the_model_hears_it_before_the_latest_messages(session, monkeypatch):
    talk(session)
    summarized(session)
    scripted = Scripted("Yes.")
    monkeypatch.setattr(production, "provider_for", lambda version: scripted)
    reply = questions.ask(session=session, content="And now?")[1]
    production.produce(reply.pk)
    turn = scripted.turns[0]
    assert turn.summary.startswith("Visitor: Message 1.")
    assert turn.history[0].content.startswith("Message 7.")


@pytest.mark.parametrize("name", ["memory_enabled", "context_optimization"])
def test_an_agent_that_shall_not_remember_has_none(session, name):
    talk(session)
    summarized(session)
    version = session.agent_ref.live_version
    version.config[name] = False
    assert not wanted(session)
    reply = questions.ask(session=session, content="And now?")[1]
    assert turn_of(reply, version).summary == ""


def test_an_answer_in_a_long_conversation_asks_for_it(session):
    talk(session)
    reply = questions.ask(session=session, content="How long do parcels take?")[1]
    production.produce(reply.pk)
    assert SessionSummary.objects.get().status == "pending"
    assert summaries.summarize(str(session.pk)).covers == 14
    assert summaries.summarize(str(session.pk)) is None
