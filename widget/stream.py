"""A session's events for its panel: one stream at a time, ended when it is closed."""

from collections.abc import AsyncIterator
from functools import partial

from django.http import StreamingHttpResponse

from agents.conversations import event_stream
from widget import sessions
from widget.models import WidgetSession

TAKEN = "taken"
CLOSED = "closed"
SUPERSEDED = b"event: superseded\ndata: {}\n\n"


def open_stream(visiting: WidgetSession, after: str) -> StreamingHttpResponse:
    """Relay a visitor's conversation; an older stream of it ends."""
    mine = event_stream.append(visiting.session_id, TAKEN, {})
    may_go_on = partial(sessions.is_still_usable, visiting)
    response = event_stream.event_stream(visiting.session_id, after, may_go_on)
    response.streaming_content = own_events(response.streaming_content, mine)
    return response


async def own_events(source: AsyncIterator[bytes], mine: str) -> AsyncIterator[bytes]:
    """Pass events on until a later stream takes over or the session is closed."""
    async for part in source:
        if b"event: taken\n" not in part and b"event: closed\n" not in part:
            yield part
            continue
        for event in part.split(b"\n\n")[:-1]:
            name = _field(event, b"event: ")
            if name == CLOSED:
                yield event + b"\n\n"
                return
            if name != TAKEN:
                yield event + b"\n\n"
            elif _moment(_field(event, b"id: ")) > _moment(mine):
                yield SUPERSEDED
                return


def _field(event: bytes, name: bytes) -> str:
    for line in event.split(b"\n"):
        if line.startswith(name):
            return line[len(name) :].decode()
    return ""


def _moment(event_id: str) -> tuple[int, ...]:
    return tuple(int(part) for part in event_id.split("-") if part)
