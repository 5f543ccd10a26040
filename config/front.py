"""The web process's front: plain requests by one thread hop, streams on the loop.

Django's asynchronous handler costs a plain request two to three times the CPU of
its synchronous chain, and a synchronous server cannot hold a stream. So paths that
end in `/stream`, and the one where a model speaks while its client waits, go to the
former and everything else to the latter.
"""

import asyncio
import contextlib
import logging
import signal
import threading
import uuid
from asyncio import FIRST_COMPLETED
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from http import HTTPStatus
from typing import Any, NamedTuple

import orjson
from asgiref.sync import sync_to_async
from django.conf import settings
from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.db import close_old_connections, connections
from django.http import FileResponse, HttpRequest
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix

from config.problems import CONTENT_TYPE, problem

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

DISCONNECT: Message = {"type": "http.disconnect"}
# Answers that take as long as a model does, and end by themselves: on the loop, for
# each would keep one of the few threads, but not cut off when the server stops.
SLOW_PATHS = {"/v1/chat/completions"}
LIVE_PATH, CHECK_PATH = "/health/live", "/health"
# How long a body may pause once the server was asked to stop.
BODY_DRAIN_SECONDS = 2.0
# How long a body that is too large is still read, for nothing, and how long it may
# pause: a client that sends all before it reads would meet a closed connection instead
# of the answer.
LINGER_SECONDS, LINGER_PAUSE_SECONDS = 10.0, 1.0

logger = logging.getLogger("django.request")


class Hops:
    """Run one request's calls on threads, one at a time, in one context."""

    def __init__(self, threads: ThreadPoolExecutor) -> None:
        self.threads = threads
        # Its own context: what a view leaves behind cannot reach the next request,
        # and what a generator set it can reset in a later hop.
        self.context = Context()

    def __call__(self, call: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:
        loop = asyncio.get_running_loop()
        return loop.run_in_executor(self.threads, self.context.run, call, *args)


class PlainHandler(ASGIHandler):
    """Answer through Django's synchronous chain, in one hop to a thread."""

    def __init__(self, threads: int) -> None:
        # Not the parent's: it would load the asynchronous chain.
        self.load_middleware(is_async=False)
        self.threads = ThreadPoolExecutor(threads, "plain")
        # What asks no database waits behind nobody who does, and what looks whether
        # the database answers keeps neither.
        self.light = ThreadPoolExecutor(2, "light")
        self.checks = ThreadPoolExecutor(4, "checks")

    def threads_for(self, path: str) -> ThreadPoolExecutor:
        if path.startswith((settings.STATIC_URL, LIVE_PATH)):
            return self.light
        return self.checks if path.startswith(CHECK_PATH) else self.threads

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        try:
            # Before a thread is taken: a stalled upload must not hold one.
            body = await self.read_body(receive)
        except RequestAborted:
            return
        try:
            hop = Hops(self.threads_for(scope["path"]))
            response = await hop(self.answer, scope, body)
            if response.streaming:
                await self.stream(response, hop, receive, send)
            else:
                await self.send_response(response, send)
        finally:
            body.close()

    def answer(self, scope: Message, body: Any) -> HttpResponseBase:
        """Run the whole chain in this thread, and give its connections back."""
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=self.__class__, scope=scope)
        request, response = self.create_request(scope, body)
        if request is not None:
            response = self.get_response(request)
        response._handler_class = self.__class__
        if response.streaming:
            # Its content and its close may run in other threads than this one.
            close_old_connections()
        else:
            response.close()
            untie(response)
        return response

    async def stream(
        self, response: HttpResponseBase, hop: Hops, receive: Receive, send: Send
    ) -> None:
        """Send the parts as they come, until the last one or the client's leaving."""
        own = None
        if not response.is_async:
            if isinstance(response, FileResponse):
                response.block_size = self.chunk_size
            else:
                # One thread for the whole of it, so that a generator may use the ORM.
                own = hop.threads = ThreadPoolExecutor(1, "stream")
            response.streaming_content = parts(iter(response.streaming_content), hop)
        out = asyncio.ensure_future(self.send_response(response, send))
        gone = asyncio.ensure_future(receive())
        try:
            await asyncio.wait({out, gone}, return_when=FIRST_COMPLETED)
        finally:
            out.cancel()
            gone.cancel()
            await asyncio.gather(out, gone, return_exceptions=True)
            await hop(response.close)
            if own is not None:
                own.shutdown(wait=False)
        if not out.cancelled():
            out.result()


def untie(response: HttpResponseBase) -> None:
    """Part a REST answer from its view: each holds the other.

    Otherwise all that a list has read waits for the collector.
    """
    if context := getattr(response, "renderer_context", None):
        context["view"].response = None
        context.clear()


async def parts(source: Iterator[bytes], hop: Hops) -> AsyncIterator[bytes]:
    """Take a synchronous iterator's parts one hop at a time."""
    end, step = object(), None
    try:
        while True:
            step = hop(next, source, end)
            if (part := await asyncio.shield(step)) is end:
                return
            yield part
    finally:
        if step and not step.done():
            # A running generator cannot be closed.
            await asyncio.wait({step})


class StreamHandler(ASGIHandler):
    """Serve Django's asynchronous chain without holding a database connection."""

    async def run_get_response(self, request: HttpRequest) -> HttpResponseBase:
        response = await super().run_get_response(request)
        if response.streaming:
            # In the request's own thread, where its view and its middleware ran;
            # otherwise a pooled connection stays out for as long as the stream.
            await sync_to_async(connections.close_all)()
        return response


class BodyLimits(NamedTuple):
    """How large a request's body may be, and how long it may pause."""

    size: int
    pause_seconds: float = 30.0


class Exchange:
    """One request's two callables, bounded and able to end when the server stops."""

    def __init__(self, receive: Receive, send: Send, body: BodyLimits) -> None:
        self._receive = receive
        self._send = send
        self.body_left = body.size
        self.body_pause = body.pause_seconds
        self.body_complete = False
        self.started = False
        self.finished = False
        self.is_open_ended = False
        self.draining = False
        self.refusal: HTTPStatus | None = None
        self.patience: asyncio.Timeout | None = None

    async def receive(self) -> Message:
        """Wait for the client, but not for ever."""
        if self.body_complete:
            return await self._client_gone()
        try:
            async with asyncio.timeout(self._body_seconds()) as self.patience:
                message = await self._receive()
        except TimeoutError:
            return self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        finally:
            self.patience = None
        if message["type"] != "http.request":
            return message
        self.body_left -= len(message.get("body", b""))
        if self.body_left < 0:
            return self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        self.body_complete = not message.get("more_body", False)
        return message

    async def _client_gone(self) -> Message:
        seconds = 0.0 if self.draining and self.is_open_ended else None
        try:
            async with asyncio.timeout(seconds) as self.patience:
                return await self._receive()
        except TimeoutError:
            return DISCONNECT
        finally:
            self.patience = None

    def _body_seconds(self) -> float:
        return BODY_DRAIN_SECONDS if self.draining else self.body_pause

    def _refuse(self, status: HTTPStatus) -> Message:
        self.refusal = HTTPStatus.SERVICE_UNAVAILABLE if self.draining else status
        return DISCONNECT

    async def send(self, message: Message) -> None:
        """Pass a message on, and know how far the response is."""
        if message["type"] == "http.response.start":
            self.started = True
        elif not message.get("more_body", False):
            self.finished = True
        await self._send(message)

    def drain(self) -> None:
        """End what would go on without an end; a plain answer may finish."""
        self.draining = True
        if self.patience is None or self.patience.expired():
            return
        now = asyncio.get_running_loop().time()
        if not self.body_complete:
            self.patience.reschedule(now + BODY_DRAIN_SECONDS)
        elif self.is_open_ended:
            self.patience.reschedule(now)

    async def finish(self, scope: Message) -> None:
        """Say what the handler left unsaid, so that the client is not cut off."""
        if self.started:
            if self.draining and self.is_open_ended and not self.finished:
                await self.send({"type": "http.response.body"})
            return
        if self.refusal is None and self.draining and self.is_open_ended:
            self.refusal = HTTPStatus.SERVICE_UNAVAILABLE
        if self.refusal is HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            await self._read_on()
        if self.refusal is not None:
            await self._problem(self.refusal, scope)

    async def _read_on(self) -> None:
        """Wait until the client has said all it had to say, or for long enough."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                while not (self.body_complete or self.draining):
                    async with asyncio.timeout(LINGER_PAUSE_SECONDS):
                        message = await self._receive()
                    self.body_complete = not message.get("more_body", False)

    async def _problem(self, status: HTTPStatus, scope: Message) -> None:
        request_id = str(uuid.uuid4())
        body = problem(None, status, instance=scope["path"], request_id=request_id)
        logger.warning(
            "%s: %s", body["title"], scope["path"], extra={"request_id": request_id}
        )
        headers = [
            (b"content-type", CONTENT_TYPE.encode()),
            (b"cache-control", b"no-store"),
            (b"connection", b"close"),
        ]
        if status is HTTPStatus.SERVICE_UNAVAILABLE:
            headers.append((b"retry-after", b"1"))
        await self.send(
            {"type": "http.response.start", "status": status.value, "headers": headers}
        )
        await self.send({"type": "http.response.body", "body": orjson.dumps(body)})


class Front:
    """Route each request to its handler, and end streams when the server stops."""

    def __init__(self, *, threads: int, body: BodyLimits) -> None:
        self.plain = PlainHandler(threads)
        self.streams = StreamHandler()
        self.body = body
        self.exchanges: set[Exchange] = set()
        self.watching = False
        self.draining = False

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise ValueError(f"Only HTTP is served here, not {scope['type']}.")
        if not self.watching:
            self.watch()
        exchange = Exchange(receive, send, self.body)
        exchange.draining = self.draining
        path = scope["path"].removesuffix("/")
        exchange.is_open_ended = path.endswith("/stream")
        is_on_loop = exchange.is_open_ended or path in SLOW_PATHS
        handler = self.streams if is_on_loop else self.plain
        self.exchanges.add(exchange)
        try:
            await handler(scope, exchange.receive, exchange.send)
            await exchange.finish(scope)
        finally:
            self.exchanges.discard(exchange)

    def watch(self) -> None:
        """Hear of the server's stop beside its own handlers, which still run."""
        self.watching = True
        if threading.current_thread() is not threading.main_thread():
            return
        loop = asyncio.get_running_loop()
        for signum in (signal.SIGTERM, signal.SIGINT):
            previous = signal.getsignal(signum)

            def begin(signum: int, frame: Any, previous: Any = previous) -> None:
                loop.call_soon_threadsafe(self.drain)
                if callable(previous):
                    previous(signum, frame)

            signal.signal(signum, begin)
            # signal.signal made system calls interruptible again.
            signal.siginterrupt(signum, False)

    def drain(self) -> None:
        """End the open streams; their clients resume by Last-Event-ID."""
        self.draining = True
        for exchange in tuple(self.exchanges):
            exchange.drain()
