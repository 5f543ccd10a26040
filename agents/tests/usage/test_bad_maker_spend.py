"""What a misbehaving maker may cost: never more than was held, never unsaid."""

import json

import pytest
from django.utils import timezone

from accounts.models import Organization
from agents.completions import answering as completions
from agents.completions import requests
from agents.llm import circuit_breaker, openai_chat
from agents.models import ProviderAccount, Reply, Reservation, UsageMonth
from agents.replies import production, questions
from agents.tests.completions.test_completions_api import chunks_of
from agents.tests.factories import SessionFactory, knowing_agent
from agents.tests.maker import (
    LOOPBACK,
    account_at,
    answering,
    as_events,
    chunk,
    cut_after,
    endless,
    making,
    refusing,
)

pytestmark = pytest.mark.django_db
QUESTION = "How long do parcels to Graz take?"
COMPLETIONS = "/v1/chat/completions"


@pytest.fixture
def maker(settings, monkeypatch):
    settings.OUTBOUND_ALLOWED_NETWORKS = LOOPBACK
    monkeypatch.setattr(openai_chat, "PAUSE_SECONDS", 0.01)
    with making() as maker:
        yield maker


@pytest.fixture
def agent(maker, harbor):
    account_at(maker, harbor)
    text = "# Shipping\n\nParcels to Graz take three days."
    return knowing_agent(text, organization=harbor, config={"max_tokens": 100})


def asked(agent):
    session = SessionFactory(agent_ref=agent)
    return questions.ask(session=session, content=QUESTION)[1]


def produced(reply):
    """Produce a reply to its end, without waiting between its attempts."""
    while True:
        Reply.objects.update(run_after=timezone.now())
        production.produce(reply.pk)
        reply.refresh_from_db()
        if reply.is_finished:
            return reply


def month():
    return UsageMonth.objects.get(agent=None)


def test_an_endless_answer_takes_no_more_than_was_held(maker, agent):
    maker.will(endless)
    reply = asked(agent)
    held = Reservation.objects.get().tokens
    assert produced(reply).status == "done"
    assert reply.provider == "other"
    assert 0 < month().tokens <= held
    assert not Reservation.objects.exists()


def test_what_three_cut_answers_took_is_counted(maker, agent):
    maker.will(cut_after("Three days, ", "or more "))
    reply = produced(asked(agent))
    assert (reply.status, reply.failure_code) == ("failed", "provider_unavailable")
    assert len(maker.bodies) == 3
    row = month()
    assert row.tokens > 3 * 100
    assert (row.messages, row.reserved_messages, row.reserved_tokens) == (0, 0, 0)


def test_no_attempt_is_made_for_which_nothing_is_left(maker, agent):
    maker.will(cut_after("Three days, ", "or more "))
    reply = asked(agent)
    Organization.objects.update(max_tokens_per_month=Reservation.objects.get().tokens)
    assert produced(reply).failure_code == "budget_exceeded"
    assert len(maker.bodies) == 1
    assert month().tokens <= Organization.objects.get().max_tokens_per_month


def test_a_refused_key_ends_at_once_and_costs_nothing(maker, agent):
    maker.will(refusing(401))
    reply = produced(asked(agent))
    assert (reply.attempt, len(maker.bodies)) == (1, 1)
    assert reply.last_error == "Maker refused the API key (401)."
    row = month()
    assert (row.tokens, row.messages, row.reserved_tokens) == (0, 0, 0)


def test_a_completion_tells_the_makers_own_figures(api, maker, agent):
    maker.will(answering("Three ", "days [1]."))
    body = {
        "model": str(agent.public_id),
        "messages": [{"role": "user", "content": QUESTION}],
    }
    answer = api.post(COMPLETIONS, body, format="json").json()
    assert answer["choices"][0]["message"]["content"] == "Three days [1]."
    assert answer["usage"]["prompt_tokens"] == 31
    assert answer["usage"]["total_tokens"] == month().tokens == 38
    assert answer["citations"][0]["title"] == "Shipping"


def test_a_completion_that_fails_is_openais_error_and_is_counted(api, maker, agent):
    maker.will(cut_after("Three "))
    body = {
        "model": str(agent.public_id),
        "messages": [{"role": "user", "content": QUESTION}],
    }
    answer = api.post(COMPLETIONS, body, format="json")
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "provider_unavailable"
    assert "sk-" not in json.dumps(answer.json())
    assert month().tokens > 100
    assert not Reservation.objects.exists()


def test_a_client_that_leaves_is_noticed_while_the_maker_is_silent(maker, agent, ada):
    def talk(wire):
        wire.begin()
        wire.write(as_events(chunk("Three "), chunk("days ")))
        wire.over.wait(20)

    maker.will(talk)
    messages = [{"role": "user", "content": QUESTION}]
    asked = requests.read({"model": str(agent.public_id), "messages": messages})
    completion = completions.begin(agent=agent, user=ada.user, asked=asked)
    words = completions.spoken(completion)
    assert next(words) == "Three "
    completion.gone.set()
    assert list(words) == []
    assert month().tokens > 100
    assert not Reservation.objects.exists()


def nearly_open(agent) -> str:
    """Let the agent's account fail once less than its circuit bears; return its key."""
    key = str(ProviderAccount.objects.get(organization=agent.organization).pk)
    for _ in range(circuit_breaker.FAILURES - 1):
        circuit_breaker.failed(key)
    return key


def one_more_failure_is_borne(key) -> bool:
    circuit_breaker.failed(key)
    return not circuit_breaker.is_open(key)


def test_an_answer_in_a_conversation_makes_up_for_earlier_failures(maker, agent):
    maker.will(answering("Three days [1]."))
    key = nearly_open(agent)
    assert produced(asked(agent)).status == "done"
    assert one_more_failure_is_borne(key)


def completed(api, agent, **fields):
    body = {
        "model": str(agent.public_id),
        "messages": [{"role": "user", "content": QUESTION}],
    }
    return api.post(COMPLETIONS, body | fields, format="json")


def test_a_completion_makes_up_for_earlier_failures(api, maker, agent):
    maker.will(answering("Three ", "days [1]."))
    key = nearly_open(agent)
    assert completed(api, agent).status_code == 200
    assert one_more_failure_is_borne(key)


def test_a_streamed_completion_makes_up_for_earlier_failures(api, maker, agent):
    maker.will(answering("Three ", "days [1]."))
    key = nearly_open(agent)
    assert chunks_of(completed(api, agent, stream=True))
    assert one_more_failure_is_borne(key)
