"""Conversations as files: JSON with everything, CSV with a line for each message."""

from collections.abc import Iterator
from typing import Any

import orjson
from django.db.models import Prefetch, Q, QuerySet
from django.http import StreamingHttpResponse

from agents.conversations.transcripts import message_as_dict, rating_as_dict
from agents.models.feedback import RatingValue
from agents.models.sessions import Message, Session
from metrics.exports import csv_lines

# Conversations read at once: each comes with all its messages.
CHUNK = 50
FACTS = (
    "id",
    "agent_id",
    "user_id",
    "visitor_id",
    "channel",
    "title",
    "status",
    "total_messages",
    "total_tokens",
    "created_at",
    "last_activity_at",
)
HEADER = (
    "session_id",
    "agent_id",
    "user_id",
    "visitor_id",
    "channel",
    "status",
    "tags",
    "sequence",
    "role",
    "content",
    "sources",
    "stopped",
    "superseded",
    "rated_up",
    "rated_down",
    "comments",
    "created_at",
)


def as_json(sessions: QuerySet[Session]) -> Iterator[bytes]:
    """Write one array, a conversation a line."""
    before = b"[\n"
    for session in _in_pieces(sessions):
        yield before + orjson.dumps(_as_dict(session), default=str)
        before = b",\n"
    yield b"[]\n" if before == b"[\n" else b"\n]\n"


def as_csv(sessions: QuerySet[Session]) -> Iterator[str]:
    """Write every message of every conversation, safe for spreadsheets."""
    return csv_lines(
        HEADER,
        (
            _line(session, message)
            for session in _in_pieces(sessions)
            for message in session.message_rows.all()
        ),
    )


def _in_pieces(sessions: QuerySet[Session]) -> Iterator[Session]:
    """Read the oldest first, by keyset: no cursor stays open while a client waits."""
    messages = Message.objects.order_by("sequence").prefetch_related("ratings")
    ordered = sessions.order_by("created_at", "pk").prefetch_related(
        "tags", Prefetch("message_rows", messages)
    )
    found = list(ordered[:CHUNK])
    while found:
        yield from found
        if len(found) < CHUNK:
            return
        last = found[-1]
        after = Q(created_at__gt=last.created_at) | Q(pk__gt=last.pk)
        found = list(ordered.filter(after, created_at__gte=last.created_at)[:CHUNK])


def _as_dict(session: Session) -> dict[str, Any]:
    return {
        **{name: getattr(session, name) for name in FACTS},
        "tags": [tag.name for tag in session.tags.all()],
        "messages": [
            message_as_dict(message)
            | {"tokens": message.tokens}
            | {"ratings": [rating_as_dict(row) for row in message.ratings.all()]}
            for message in session.message_rows.all()
        ],
    }


def _line(session: Session, message: Message) -> list[Any]:
    ratings = list(message.ratings.all())
    values = [rating.value for rating in ratings]
    return [
        session.pk,
        session.agent_id,
        session.user_id,
        session.visitor_id,
        session.channel,
        session.status,
        ", ".join(tag.name for tag in session.tags.all()),
        message.sequence,
        message.role,
        message.content,
        " | ".join(source.get("title", "") for source in message.citations),
        message.is_stopped,
        message.is_superseded,
        values.count(RatingValue.UP),
        values.count(RatingValue.DOWN),
        " | ".join(rating.comment for rating in ratings if rating.comment),
        message.created_at,
    ]


def json_response(pieces, name: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(pieces, content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
