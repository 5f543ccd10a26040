"""Events kept in Redis and relayed as server-sent events."""

import asyncio
import re
import threading
import uuid
from collections.abc import AsyncIterator

import pytest
from asgiref.sync import sync_to_async
from django.http import HttpResponse
from django.test import RequestFactory

from accounts.errors import Invalid
from agents.conversations import event_stream

EVENT = re.compile(rb"id: (\S+)\nevent: (\S+)\ndata: (.*)\n\n")


@pytest.fixture
def session_id():
    yield (session_id := uuid.uuid4())
    event_stream._writer().delete(event_stream.key(session_id))


@pytest.fixture
def no_redis(settings, tmp_path):
    settings.REDIS_URL = f"unix://{tmp_path}/nobody.sock"


def run(stream: AsyncIterator[bytes], *, parts: int | None = None) -> bytes:
    """Collect a stream to its end, or as many parts of it."""

    async def collect() -> bytes:
        got = []
        try:
            async for part in stream:
                got.append(part)
                if len(got) == parts:
                    break
        finally:
            await stream.aclose()
            await event_stream._reader().aclose()
        return b"".join(got)

    return asyncio.run(asyncio.wait_for(collect(), 20))


def events(stream: AsyncIterator[bytes], parts: int = 2) -> list[tuple[bytes, ...]]:
    return EVENT.findall(run(stream, parts=parts))


def test_events_are_relayed_in_order_with_their_ids(session_id):
    first = event_stream.append(session_id, "start", {"reply_id": "r"})
    second = event_stream.append(session_id, "token", {"text": "Grüße\n\nid: 1"})
    assert events(event_stream.relay(session_id)) == [
        (first.encode(), b"start", b'{"reply_id":"r"}'),
        (second.encode(), b"token", '{"text":"Grüße\\n\\nid: 1"}'.encode()),
    ]


def test_checks_that_wait_keep_no_thread_that_answers_need(session_id):
    over = threading.Event()

    async def read() -> None:
        stream = event_stream.relay(
            session_id, may_go_on=lambda: over.wait(20) and False, heartbeat_seconds=0.1
        )
        async for _ in stream:
            pass

    async def refuse() -> None:
        # More than the loop has threads, on any machine.
        readers = [asyncio.ensure_future(read()) for _ in range(40)]
        await asyncio.sleep(1)
        try:
            # As Django does with every answer from 400 up.
            async with asyncio.timeout(6):
                await sync_to_async(str, thread_sensitive=False)()
        finally:
            over.set()
            await asyncio.gather(*readers)
            await event_stream._reader().aclose()

    asyncio.run(refuse())


def test_a_reader_goes_on_after_the_last_event_it_got(session_id):
    ids = [event_stream.append(session_id, "token", {"n": n}) for n in range(6)]
    got = events(event_stream.relay(session_id, ids[2]))
    assert [event[0].decode() for event in got] == ids[3:]


def test_an_event_that_comes_later_reaches_a_waiting_reader(session_id):
    async def waiting() -> bytes:
        stream = event_stream.relay(session_id)
        assert (await anext(stream)).startswith(b"retry: ")
        later = asyncio.ensure_future(anext(stream))
        await asyncio.to_thread(event_stream.append, session_id, "token", {})
        part = await asyncio.wait_for(later, 5)
        await stream.aclose()
        await event_stream._reader().aclose()
        return part

    assert b"event: token" in asyncio.run(waiting())


def test_the_last_event_is_where_the_next_reply_begins(session_id):
    assert event_stream.last_event_id(session_id) == "0-0"
    event_stream.append(session_id, "start", {})
    last = event_stream.append(session_id, "done", {})
    assert event_stream.last_event_id(session_id) == last


def test_events_are_kept_for_a_bounded_time_and_number(session_id):
    for _ in range(3):
        event_stream.append(session_id, "token", {})
    left = event_stream._writer().ttl(event_stream.key(session_id))
    assert 0 < left <= event_stream.KEEP_SECONDS
    with event_stream._writer().pipeline() as pipe:
        for _ in range(event_stream.MAX_EVENTS * 2):
            pipe.xadd(event_stream.key(session_id), {"event": "token", "data": "{}"})
        pipe.execute()
    event_stream.append(session_id, "token", {})
    assert (
        event_stream._writer().xlen(event_stream.key(session_id))
        < event_stream.MAX_EVENTS * 1.1
    )


def test_a_silent_stream_says_that_it_is_alive(session_id):
    stream = event_stream.relay(session_id, heartbeat_seconds=0.01)
    assert run(stream, parts=2).endswith(b": alive\n\n")


def test_a_stream_ends_by_itself_and_says_when_to_come_back(session_id):
    got = run(event_stream.relay(session_id, life_seconds=0.05))
    assert re.match(rb"retry: [0-9]{3,4}\n\n", got)


def test_a_dropped_connection_to_redis_is_survived(session_id):
    async def dropped() -> bytes:
        stream = event_stream.relay(session_id)
        await anext(stream)
        waiting = asyncio.ensure_future(anext(stream))
        number = None
        while number is None:
            await asyncio.sleep(0.01)
            number = await asyncio.to_thread(blocked_reader)
        await asyncio.to_thread(event_stream._writer().client_kill_filter, _id=number)
        await asyncio.to_thread(event_stream.append, session_id, "token", {})
        part = await asyncio.wait_for(waiting, 5)
        await stream.aclose()
        await event_stream._reader().aclose()
        return part

    def blocked_reader() -> str | None:
        for client in event_stream._writer().client_list():
            if client["cmd"] == "xread" and client["name"] == str(session_id):
                return client["id"]
        return None

    async def named() -> bytes:
        # So that another test's reader is not taken for this one.
        await event_stream._reader().client_setname(str(session_id))
        return await dropped()

    assert b"event: token" in asyncio.run(named())


def test_without_redis_a_stream_ends_and_nothing_raises(no_redis):
    session_id = uuid.uuid4()
    assert run(event_stream.relay(session_id)).startswith(b"retry: ")
    assert event_stream.append(session_id, "token", {}) == ""
    assert event_stream.last_event_id(session_id) == "0-0"


@pytest.mark.parametrize("value", ["0-0", "1700000000000-12", f"{2**64 - 1}-0"])
def test_what_redis_takes_is_an_event_id(value):
    assert event_stream.is_event_id(value)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "1",
        "$",
        "+",
        "1-",
        "-1",
        "1-1-1",
        "1-1\n",
        "\u0661-\u0661",
        f"{2**64}-0",
        "9" * 21,
    ],
)
def test_what_redis_would_refuse_is_no_event_id(value):
    assert not event_stream.is_event_id(value)


def test_a_reader_that_comes_back_goes_on_from_its_last_event():
    factory = RequestFactory()
    assert event_stream.requested_after(factory.get("/")) == "0-0"
    assert event_stream.requested_after(factory.get("/?after=5-1")) == "5-1"
    back = factory.get("/?after=5-1", headers={"Last-Event-ID": "7-0"})
    assert event_stream.requested_after(back) == "7-0"


def test_a_forged_event_id_is_refused_with_a_pointer():
    with pytest.raises(Invalid) as refused:
        event_stream.requested_after(RequestFactory().get("/?after=$"))
    assert refused.value.members()["errors"][0]["pointer"] == "/after"


def test_a_refusal_by_the_view_is_the_answer():
    refusal = HttpResponse(status=404)
    assert asyncio.run(event_stream.open_stream(lambda: refusal)) is refusal
