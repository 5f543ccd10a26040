"""A model's maker that answers: what it is asked, where it may be, who is next."""

import json
import os
import socket

import pytest

from accounts.tests.outbound.test_requests import certificate, port  # noqa: F401
from agents.llm import circuit_breaker, openai_chat
from agents.llm.accounts import Account
from agents.llm.deadlines import Patience
from agents.llm.openai_chat import OpenAICompatible
from agents.tests.maker import (
    LOOPBACK,
    SECRET,
    USAGE,
    answering,
    asked_at,
    cut_after,
    heard,
    making,
    refused,
    refusing,
    turn,
)


@pytest.fixture(autouse=True)
def on_loopback(settings, monkeypatch):
    """Let loopback be asked, and nobody pause for long between two tries."""
    settings.OUTBOUND_ALLOWED_NETWORKS = LOOPBACK
    monkeypatch.setattr(openai_chat, "PAUSE_SECONDS", 0.01)


@pytest.fixture
def maker():
    with making() as maker:
        yield maker


# --- What is asked ----------------------------------------------------------
def test_an_answer_comes_word_by_word_with_what_it_took(maker):
    maker.will(answering("Three ", "days."))
    parts = list(OpenAICompatible([asked_at(maker)]).stream(turn()))
    assert [part.text for part in parts[:-1]] == ["Three", " days."]
    ending = parts[-1]
    assert (ending.prompt_tokens, ending.answer_tokens) == (31, 7)


def test_the_request_names_model_key_and_parameters(maker):
    heard(asked_at(maker), temperature=0.2, max_tokens=50)
    body = maker.bodies[0]
    assert (body["model"], body["temperature"], body["max_tokens"]) == (
        "small-1",
        0.2,
        50,
    )
    assert body["stream_options"] == {"include_usage": True}
    assert maker.headers[0]["authorization"] == f"Bearer {SECRET}"


def test_nothing_of_this_machine_is_told(maker, monkeypatch):
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-the-operator")
    monkeypatch.setenv("OPENAI_ADMIN_KEY", "sk-admin")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Mine: told")
    heard(asked_at(maker, api_key=""))
    sent = json.dumps(maker.headers[0]).lower()
    told = ("stainless", "x-mine", "org-of", "sk-admin", "python")
    assert [word for word in told if word in sent] == []


def test_a_key_never_shows_in_what_describes_an_asked_at(maker):
    assert SECRET not in repr(asked_at(maker))


@pytest.mark.parametrize(
    ("kind", "name", "temperature"),
    [("openai", "max_completion_tokens", 2.0), ("anthropic", "max_tokens", 1.0)],
)
def test_each_kind_is_asked_as_it_likes(maker, kind, name, temperature):
    heard(asked_at(maker, kind=kind), temperature=2.0, max_tokens=9)
    assert maker.bodies[0][name] == 9
    assert maker.bodies[0]["temperature"] == temperature


@pytest.mark.parametrize("name", ["temperature", "stream_options"])
def test_a_parameter_the_model_refuses_is_left_out(maker, name):
    maker.will(refusing(400, param=name), answering("Yes."))
    assert heard(asked_at(maker))[0] == "Yes."
    assert name in maker.bodies[0]
    assert name not in maker.bodies[1]


def test_a_limit_by_another_name_is_given_by_that(maker):
    maker.will(refusing(400, param="max_tokens"), answering("Yes."))
    heard(asked_at(maker), max_tokens=9)
    assert maker.bodies[1]["max_completion_tokens"] == 9
    assert "max_tokens" not in maker.bodies[1]


def test_a_request_that_is_refused_for_all_it_leaves_out_ends(maker):
    maker.will(refusing(400, message="temperature max_tokens stream_options"))
    assert refused(asked_at(maker)).is_final
    assert len(maker.bodies) <= 6


def test_tokens_that_nobody_counts_are_estimated(maker):
    maker.will(answering("x" * 40, usage=None))
    ending = heard(asked_at(maker))[1]
    assert ending.answer_tokens == 10
    assert ending.prompt_tokens > 100


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": 10**30, "completion_tokens": 1},
        {"prompt_tokens": -5, "completion_tokens": 1},
        {"prompt_tokens": "many", "completion_tokens": None},
    ],
)
def test_figures_nobody_can_believe_are_estimated(maker, usage):
    maker.will(answering("x" * 40, usage=usage))
    assert heard(asked_at(maker))[1].answer_tokens == 10


# --- Where it may lead ------------------------------------------------------
def test_loopback_is_not_asked_unless_the_operator_opened_it(maker, settings):
    settings.OUTBOUND_ALLOWED_NETWORKS = []
    failure = refused(asked_at(maker))
    assert str(failure) == "Maker may not be asked: The host has no public address."
    assert maker.headers == []


def test_the_operators_own_account_may_be_anywhere(maker, settings):
    settings.OUTBOUND_ALLOWED_NETWORKS = []
    assert heard(asked_at(maker, is_trusted=True))[0] == "OK."


def nowhere(listener):
    base_url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    return Account(os.urandom(4).hex(), "Maker", "other", base_url, "small-1")


def test_a_port_where_nobody_listens_is_said_to_refuse():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        failure = refused(nowhere(taken))
    assert str(failure) == "Maker refused the connection."


def test_a_host_that_answers_nothing_is_given_up(monkeypatch):
    from agents.llm import http_client

    monkeypatch.setattr(http_client, "CONNECT_SECONDS", 0.2)
    # A queue that is full takes no further connection.
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for one in (first, second):
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        failure = refused(nowhere(full))
    assert "within 0.2 s" in str(failure)


def test_a_certificate_nobody_vouches_for_is_refused(port):  # noqa: F811
    base_url = f"https://127.0.0.1:{port}/v1"
    failure = refused(Account(os.urandom(4).hex(), "Maker", "other", base_url, "m"))
    assert "Maker offers no secure connection: self-signed" in str(failure)


# --- One after the other ----------------------------------------------------
def test_the_second_account_answers_where_the_first_fails(maker):
    maker.will(refusing(401), answering("From the second."))
    first, second = asked_at(maker), asked_at(maker, model="large-1")
    text, ending = heard(first, second)
    assert text == "From the second."
    assert [body["model"] for body in maker.bodies] == ["small-1", "large-1"]
    assert ending.prompt_tokens == USAGE["prompt_tokens"]


def test_what_the_first_took_is_counted_too(maker):
    maker.will(cut_after(), cut_after(), cut_after(), answering("Yes."))
    ending = heard(asked_at(maker), asked_at(maker))[1]
    assert ending.prompt_tokens > 3 * 100


def test_where_both_fail_both_say_why(maker):
    maker.will(refusing(401), refusing(404))
    failure = refused(asked_at(maker), asked_at(maker, name="Other"))
    assert str(failure).startswith("Maker refused")
    assert "Other knows no such model" in str(failure)
    assert failure.is_final


# --- Leaving alone ----------------------------------------------------------
def test_five_failures_open_the_circuit_and_nobody_asks(maker):
    maker.will(refusing(500))
    one = asked_at(maker)
    for _ in range(2):
        refused(one)
    asked = len(maker.bodies)
    assert asked == circuit_breaker.FAILURES
    assert "left alone" in str(refused(one))
    assert len(maker.bodies) == asked
    assert circuit_breaker.is_open(one.key)


def test_after_the_pause_one_tries_for_all(monkeypatch, maker):
    monkeypatch.setattr(circuit_breaker, "OPEN_SECONDS", 1)
    key = asked_at(maker).key
    for _ in range(circuit_breaker.FAILURES):
        circuit_breaker.failed(key)
    assert not circuit_breaker.admits(key)
    patience = Patience(seconds=5, silence=5, waiting=lambda: None)
    while circuit_breaker.is_open(key):
        patience.pause(0.05)
    assert [circuit_breaker.admits(key) for _ in range(3)] == [True, False, False]
    circuit_breaker.succeeded(key)
    assert [circuit_breaker.admits(key) for _ in range(2)] == [True, True]


def test_a_refused_key_opens_nothing(maker):
    maker.will(refusing(401))
    one = asked_at(maker)
    for _ in range(circuit_breaker.FAILURES + 1):
        refused(one)
    assert circuit_breaker.admits(one.key)


def test_without_redis_each_process_counts_for_itself(settings, monkeypatch):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    monkeypatch.setattr(circuit_breaker, "OPEN_SECONDS", 0.2)
    key = os.urandom(8).hex()
    for _ in range(circuit_breaker.FAILURES):
        assert circuit_breaker.admits(key)
        circuit_breaker.failed(key)
    assert not circuit_breaker.admits(key)
    patience = Patience(seconds=5, silence=5, waiting=lambda: None)
    patience.pause(0.25)
    assert [circuit_breaker.admits(key) for _ in range(2)] == [True, False]
    circuit_breaker.succeeded(key)
    assert circuit_breaker.admits(key)
