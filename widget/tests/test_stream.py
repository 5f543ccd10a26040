import asyncio

import pytest

from agents.conversations import event_stream
from agents.models.sessions import Session
from widget.stream import own_events


def passed(*parts: bytes, mine: str = "5-0") -> bytes:
    async def source():
        for part in parts:
            yield part

    async def collect():
        return b"".join([part async for part in own_events(source(), mine)])

    return asyncio.run(collect())


def event(event_id: str, name: str) -> bytes:
    return f"id: {event_id}\nevent: {name}\ndata: {{}}\n\n".encode()


def test_events_pass_as_they_are():
    parts = b"retry: 500\n\n", event("6-0", "token"), b": alive\n\n"
    assert passed(*parts) == b"".join(parts)


def test_the_marks_of_this_and_earlier_streams_are_passed_over():
    heard = passed(event("4-0", "taken") + event("5-0", "taken") + event("6-0", "done"))
    assert heard == event("6-0", "done")


def test_a_later_stream_ends_this_one():
    heard = passed(event("6-0", "token") + event("7-0", "taken"), event("8-0", "done"))
    assert heard == event("6-0", "token") + b"event: superseded\ndata: {}\n\n"


def test_closing_the_session_ends_the_stream():
    heard = passed(event("6-0", "closed") + event("7-0", "token"), event("8-0", "done"))
    assert heard == event("6-0", "closed")


def test_without_redis_a_stream_goes_on_as_it_is():
    assert passed(event("6-0", "token"), mine="") == event("6-0", "token")


def test_before_the_first_question_there_is_nothing_to_hear(inside):
    assert inside.send("GET", "stream").status_code == 404


def test_an_event_nobody_sent_cannot_be_gone_on_from(inside):
    inside.say("Hello")
    answer = inside.send("GET", "stream", **{"Last-Event-ID": "yesterday"})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/after"


@pytest.fixture
def conversation(inside):
    inside.say("Hello")
    yield (found := Session.objects.get())
    event_stream._writer().delete(event_stream.key(found.pk))


def test_opening_a_stream_takes_over_from_an_older_one(inside, conversation):
    answer = inside.send("GET", "stream", Accept="text/event-stream")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/event-stream"
    _, fields = event_stream._writer().xrevrange(
        event_stream.key(conversation.pk), count=1
    )[0]
    assert fields[b"event"] == b"taken"
