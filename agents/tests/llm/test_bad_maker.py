"""A model's maker that misbehaves in every way: what is said, and what it costs."""

import time

import pytest

from agents.llm import openai_chat
from agents.llm.openai_chat import OpenAICompatible
from agents.llm.provider import ProviderError
from agents.tests.maker import (
    LOOPBACK,
    SECRET,
    answering,
    as_events,
    asked_at,
    chunk,
    cut_after,
    endless,
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


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_passing_failure_is_tried_again(maker, status):
    maker.will(refusing(status), refusing(status), answering("Yes."))
    assert heard(asked_at(maker))[0] == "Yes."
    assert len(maker.bodies) == 3


def test_a_failure_that_stays_ends_after_three_tries(maker):
    maker.will(refusing(500))
    failure = refused(asked_at(maker))
    assert str(failure) == "Maker failed (500)."
    assert (failure.is_final, len(maker.bodies)) == (False, 3)


def test_retry_after_is_waited_for(maker):
    maker.will(refusing(429, {"Retry-After": "0.3"}), answering("Yes."))
    began = time.monotonic()
    heard(asked_at(maker))
    assert time.monotonic() - began >= 0.3


def test_nobody_waits_for_a_minute(maker):
    maker.will(refusing(429, {"Retry-After": "60"}), answering("Yes."))
    began = time.monotonic()
    assert "no more requests" in str(refused(asked_at(maker)))
    assert time.monotonic() - began < 5
    assert len(maker.bodies) == 1


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "Maker refused the API key (401)."),
        (404, "Maker knows no such model or address (404)."),
        (302, "Maker leads elsewhere (302): check the base URL."),
        (418, "Maker did not accept the request (418)."),
    ],
)
def test_a_refusal_that_would_come_again_is_not_repeated(maker, status, said):
    maker.will(refusing(status, {"Location": "http://127.0.0.1:1/"}))
    failure = refused(asked_at(maker))
    assert (str(failure), failure.is_final, failure.tokens) == (said, True, 0)
    assert len(maker.bodies) == 1


def drip(wire):
    """Never stop, never finish: a comment is no word."""
    wire.begin()
    while not wire.over.wait(0.02):
        wire.write(b": wait\n\n")


def test_an_answer_that_only_drips_ends_at_the_deadline(maker):
    maker.will(drip)
    began = time.monotonic()
    failure = refused(asked_at(maker), seconds=0.6)
    assert str(failure) == "The answer was not complete after 0.6 s."
    assert time.monotonic() - began < 3
    # It was read, whatever came of it.
    assert failure.tokens > 100


def test_silence_ends_the_try(maker):
    maker.will(lambda wire: wire.over.wait(20))
    failure = refused(asked_at(maker, silence_seconds=0.1))
    assert str(failure) == "Maker was silent for too long."


def test_whoever_waits_is_asked_meanwhile(maker):
    maker.will(lambda wire: wire.over.wait(20))
    asked = []

    class Enough(Exception):
        pass

    def waiting():
        asked.append(time.monotonic())
        if len(asked) > 3:
            raise Enough

    with pytest.raises(Enough):
        heard(asked_at(maker), waiting=waiting)
    assert len(maker.bodies) == 1


def test_an_endless_answer_is_as_long_as_was_asked_for(maker):
    maker.will(endless)
    text, ending = heard(asked_at(maker), max_tokens=100)
    assert 100 <= len(text.split()) <= 102
    assert ending.answer_tokens <= 2 * 102


def test_an_endless_line_is_not_kept(maker, monkeypatch):
    from agents.llm import http_client

    monkeypatch.setattr(http_client, "MAX_BYTES", 200_000)

    def talk(wire):
        wire.begin()
        while not wire.over.is_set():
            wire.write(b"x" * 10_000)

    maker.will(talk)
    assert "no end" in str(refused(asked_at(maker)))


def test_a_connection_cut_before_the_first_word_is_tried_again(maker):
    maker.will(cut_after(), answering("Yes."))
    assert heard(asked_at(maker))[0] == "Yes."


def test_nothing_is_repeated_once_something_was_said(maker):
    maker.will(cut_after("Three "), answering("Yes."))
    provider = OpenAICompatible([asked_at(maker), asked_at(maker)])
    said = []
    with pytest.raises(ProviderError) as failure:
        said += provider.stream(turn())
    assert "cut the connection" in str(failure.value)
    assert len(maker.bodies) == 1
    assert failure.value.tokens > 100


def test_an_answer_without_an_end_is_none(maker):
    def talk(wire):
        wire.begin()
        wire.write(as_events(chunk("Three ")))
        wire.end()

    maker.will(talk)
    assert "cut the connection" in str(refused(asked_at(maker)))


def test_figures_that_never_come_are_not_waited_for(maker, monkeypatch):
    monkeypatch.setattr(openai_chat, "AFTERTHOUGHT_SECONDS", 0.1)

    def talk(wire):
        wire.begin()
        wire.write(as_events(chunk("Yes."), chunk(finish="stop")))
        wire.over.wait(20)

    maker.will(talk)
    assert heard(asked_at(maker))[0] == "Yes."


@pytest.mark.parametrize(
    "data",
    [
        b'data: {"choices": [\n\n',
        b'data: {"choices": "none"}\n\n',
        b"data: 5\n\n",
        b"data: \xff\xfe\xfa\n\n",
        b'data: {"choices": [{"delta": {"content": "\xc3("}}]}\n\n',
        b'data: {"choices": [{"index": 0}]}\n\n',
        b"<html>Welcome</html>",
        b"",
    ],
)
def test_what_cannot_be_read_is_said_to_be_so(maker, data):
    def talk(wire):
        wire.begin()
        wire.write(data) if data else None
        wire.end()

    maker.will(talk)
    failure = refused(asked_at(maker))
    assert str(failure).startswith("Maker ")
    assert len(maker.bodies) == 3


def test_a_packed_answer_is_not_unpacked(maker):
    def talk(wire):
        wire.begin(Content_Encoding="gzip")
        wire.end()

    maker.will(talk)
    assert "packed" in str(refused(asked_at(maker)))


def test_an_error_within_the_stream_is_one(maker):
    def talk(wire):
        wire.begin()
        wire.write(as_events({"error": {"message": f"{SECRET} overloaded"}}))
        wire.end()

    maker.will(talk)
    assert str(refused(asked_at(maker))) == "Maker broke off with an error."


def test_an_answer_of_no_words_says_why(maker):
    def saying(finish):
        def talk(wire):
            wire.begin()
            wire.write(as_events(chunk(finish=finish)))
            wire.end()

        return talk

    maker.will(saying("length"))
    assert "used up its tokens" in str(refused(asked_at(maker)))
    maker.will(saying("content_filter"))
    assert refused(asked_at(maker)).is_final
