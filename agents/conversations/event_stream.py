"""What happens in a conversation, as it happens: kept in Redis, relayed as SSE.

A worker appends a session's events to a Redis stream and any web process relays
them, so a reader may reload, and a web process may die, and nothing is lost.
"""

import asyncio
import math
import random
import re
import time
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple
from uuid import UUID
from weakref import WeakKeyDictionary

import orjson
import redis
import redis.asyncio
import structlog
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import DatabaseError, connections
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff

from accounts.errors import Invalid
from accounts.outbound import redis_pool

log = structlog.get_logger(__name__)

MAX_EVENTS = 5000
KEEP_SECONDS = 3600
HEARTBEAT_SECONDS = 15.0
# A stream ends by itself and its reader comes back, so that readers spread over
# the processes there are.
LIFE_SECONDS = 300.0
RETRY_MILLISECONDS = (500, 2000)
BATCH = 200
NO_EVENT = "0-0"
EVENT_ID = re.compile(r"([0-9]{1,20})-([0-9]{1,20})")
LARGEST_ID_PART = 2**64 - 1
# Their own threads: Django ends refused answers in the loop's few, and those answers
# hold the very connections that a check waits for.
CHECKERS = ThreadPoolExecutor(4, "let-in")


def key(session_id: UUID | str) -> str:
    """Name the Redis stream of a session's events."""
    return f"ya:events:{session_id}"


def append(session_id: UUID | str, event: str, data: dict[str, Any]) -> str:
    """Add an event and return its id, or "" when Redis is away.

    The conversation's rows are the truth: a lost event costs its reader a reload.
    """
    fields = {"event": event, "data": orjson.dumps(data, default=str)}
    try:
        with _writer().pipeline(transaction=False) as pipe:
            pipe.xadd(key(session_id), fields, maxlen=MAX_EVENTS, approximate=True)
            pipe.expire(key(session_id), KEEP_SECONDS)
            return pipe.execute()[0].decode()
    except redis.RedisError as error:
        log.warning("Event not kept", event_name=event, error=type(error).__name__)
        return ""


def last_event_id(session_id: UUID | str) -> str:
    """Return the id of the latest event; what comes after it is still to come."""
    try:
        latest = _writer().xrevrange(key(session_id), count=1)
    except redis.RedisError as error:
        log.warning("Events not read", error=type(error).__name__)
        return NO_EVENT
    return latest[0][0].decode() if latest else NO_EVENT


def said_so_far(session_id: UUID | str) -> dict[str, str]:
    """Return the text each reply has published, from its last start on."""
    try:
        kept = _writer().xrange(key(session_id))
    except redis.RedisError as error:
        log.warning("Events not read", error=type(error).__name__)
        return {}
    said: dict[str, list[str]] = {}
    for _, fields in kept:
        if fields[b"event"] not in (b"start", b"token"):
            continue
        data = orjson.loads(fields[b"data"])
        if fields[b"event"] == b"start":
            said[data["reply_id"]] = []
        else:
            said.setdefault(data["reply_id"], []).append(data["text"])
    return {reply_id: "".join(parts) for reply_id, parts in said.items()}


def forget(session_ids: Iterable[UUID]) -> None:
    """Drop what was said in conversations; without Redis it ends within the hour."""
    try:
        _writer().delete(*map(key, session_ids))
    except redis.RedisError as error:
        log.warning("Events not dropped", error=type(error).__name__)


def _writer() -> redis.Redis:
    return redis_pool.connect(settings.REDIS_URL)


_readers: WeakKeyDictionary[asyncio.AbstractEventLoop, redis.asyncio.Redis] = (
    WeakKeyDictionary()
)


def _reader() -> redis.asyncio.Redis:
    """Return this loop's client: a connection belongs to the loop that opened it."""
    loop = asyncio.get_running_loop()
    if loop not in _readers:
        _readers[loop] = redis.asyncio.Redis.from_url(
            settings.REDIS_URL,
            protocol=2,
            # Every open stream waits on a connection of its own; the usual limit
            # of 100 would be a limit on readers.
            max_connections=100_000,
            socket_timeout=HEARTBEAT_SECONDS + 5,
            socket_connect_timeout=redis_pool.ANSWER_SECONDS,
            retry=AsyncRetry(NoBackoff(), 1),
        )
    return _readers[loop]


def requested_after(request: HttpRequest) -> str:
    """Return the event after which the reader wants to go on.

    A reader that comes back knows better than the address it first opened.
    """
    after = request.headers.get("Last-Event-ID") or request.GET.get("after") or NO_EVENT
    if not is_event_id(after):
        raise Invalid("This is not the id of an event.", pointer="/after")
    return after


def is_event_id(value: str) -> bool:
    """Say whether Redis would take this as the id of an event."""
    found = EVENT_ID.fullmatch(value)
    return bool(found) and max(map(int, found.groups())) <= LARGEST_ID_PART


async def relay(
    session_id: UUID | str,
    after: str = NO_EVENT,
    *,
    may_go_on: Callable[[], bool] | None = None,
    life_seconds: float = LIFE_SECONDS,
    heartbeat_seconds: float = HEARTBEAT_SECONDS,
) -> AsyncIterator[bytes]:
    """Yield a session's events after this one, as server-sent events.

    `may_go_on` is asked at every heartbeat, however much is said meanwhile; a stream
    whose reader is no longer let in ends, and coming back is refused at the door.
    """
    yield f"retry: {random.randint(*RETRY_MILLISECONDS)}\n\n".encode()  # noqa: S311
    end = time.monotonic() + life_seconds * random.uniform(0.9, 1.1)  # noqa: S311
    asked_again_at = time.monotonic() + heartbeat_seconds
    while (left := end - time.monotonic()) > 0:
        if time.monotonic() >= asked_again_at:
            if may_go_on and not await _is_let_in(may_go_on):
                return
            asked_again_at = time.monotonic() + heartbeat_seconds
        pause = min(left, asked_again_at - time.monotonic())
        try:
            answer = await _reader().xread(
                {key(session_id): after},
                count=BATCH,
                # Not zero, which means: wait for ever.
                block=max(1, math.ceil(pause * 1000)),
            )
        except redis.RedisError as error:
            # The reader comes back and goes on from the last event it got.
            log.warning("Event stream ended", error=type(error).__name__)
            return
        if not answer:
            yield b": alive\n\n"
            continue
        events = answer[0][1]
        yield b"".join(
            b"id: %b\nevent: %b\ndata: %b\n\n" % (name, kept[b"event"], kept[b"data"])
            for name, kept in events
        )
        after = events[-1][0].decode()


async def _is_let_in(may_go_on: Callable[[], bool]) -> bool:
    """Ask in a thread that gives its connections back; without an answer, no."""

    def ask() -> bool:
        try:
            return may_go_on()
        except DatabaseError as error:
            log.warning("Event stream not checked", error=type(error).__name__)
            return False
        finally:
            connections.close_all()

    # Not the request's own thread, which ended with the view.
    return await sync_to_async(ask, thread_sensitive=False, executor=CHECKERS)()


def event_stream(
    session_id: UUID | str,
    after: str,
    may_go_on: Callable[[], bool] | None = None,
) -> StreamingHttpResponse:
    """Answer with a session's events; the caller has checked who asks."""
    return StreamingHttpResponse(
        relay(
            session_id,
            after,
            may_go_on=may_go_on,
            heartbeat_seconds=HEARTBEAT_SECONDS,
        ),
        content_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


class Admission(NamedTuple):
    """What somebody was let in to hear, and whether they still would be."""

    session_id: UUID | str
    after: str
    may_go_on: Callable[[], bool] | None = None


async def open_stream(
    authorize: Callable[[], Admission | HttpResponseBase],
) -> HttpResponseBase:
    """Let `authorize` name the session and the event to go on from, then relay.

    It is ordinary synchronous code and may use the database. Its connections are
    given back before the first event: a stream must not hold one while it lasts.
    """

    def decide() -> Admission | HttpResponseBase:
        try:
            return authorize()
        finally:
            # Here, not in the coroutine: connections belong to their thread.
            connections.close_all()

    decision = await sync_to_async(decide)()
    if isinstance(decision, HttpResponseBase):
        return decision
    return event_stream(*decision)
