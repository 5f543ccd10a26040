"""Speak a completion as server-sent events, a step at a time in a thread."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Generator
from typing import Any
from uuid import UUID

import orjson
import structlog
from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse

from accounts.errors import DomainError
from agents.completions import answering
from agents.completions.answering import Completion
from agents.conversations.event_stream import HEARTBEAT_SECONDS

log = structlog.get_logger(__name__)
END = object()


def as_uuid(text: str) -> UUID | None:
    """Read a public id; what is none names no agent."""
    try:
        found = UUID(text)
    except ValueError:
        return None
    return found if str(found) == text.lower() else None


async def in_thread(call: Callable[[], Any], gone: threading.Event) -> Any:
    """Run the call in the request's thread; tell it when its client has left."""
    step = asyncio.ensure_future(sync_to_async(call)())
    try:
        return await asyncio.shield(step)
    except asyncio.CancelledError:
        gone.set()
        await asyncio.wait({step})
        raise


def respond(
    completion: Completion, first: str, words: Generator[str]
) -> StreamingHttpResponse:
    """Answer with the first words, and with the others as they come."""
    return StreamingHttpResponse(
        events(completion, first, words),
        content_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


def event(data: dict[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(data, default=str) + b"\n\n"


async def events(
    completion: Completion, first: str, words: Generator[str]
) -> AsyncIterator[bytes]:
    """Yield the chunks; closing this ends the generation."""
    step: asyncio.Future[Any] | None = None
    try:
        yield event(answering.chunk(completion, {"role": "assistant", "content": ""}))
        yield event(answering.chunk(completion, {"content": first}))
        while True:
            step = asyncio.ensure_future(sync_to_async(next)(words, END))
            while not step.done():
                await asyncio.wait({step}, timeout=HEARTBEAT_SECONDS)
                if not step.done():
                    yield b": alive\n\n"
            if (text := step.result()) is END:
                break
            yield event(answering.chunk(completion, {"content": text}))
        for data in last_chunks(completion):
            yield event(data)
        yield b"data: [DONE]\n\n"
    except DomainError as error:
        # The status is long sent: clients take this for the error it is.
        yield event({"error": in_openai_words(error)})
    except Exception:
        log.exception("Completion broke off", completion=completion.id)
        yield event({"error": in_openai_words(answering.Unavailable())})
    finally:
        completion.gone.set()
        if step and not step.done():
            # A running generator cannot be closed.
            await asyncio.wait({step})
        await sync_to_async(words.close)()


def last_chunks(completion: Completion) -> list[dict[str, Any]]:
    """Return the chunk that ends the answer, and the usage where it was asked for."""
    chunks = [
        answering.chunk(
            completion,
            {},
            finish_reason=completion.finish_reason,
            citations=answering.citations(completion),
        )
    ]
    if completion.asked.include_usage:
        chunks.append(
            answering.chunk(completion, None, usage=answering.usage(completion))
        )
    return chunks


def in_openai_words(error: DomainError) -> dict[str, Any]:
    return {
        "message": error.detail,
        "type": "server_error",
        "param": None,
        "code": error.code.replace("-", "_"),
    }
