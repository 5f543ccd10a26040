"""Conversations as readers see them: messages, their state, and where to listen."""

from typing import Any

from accounts.models.lifecycle import WorkStatus
from agents.models.sessions import Message, MessageRole, Reply, Session
from agents.streams import last_event_id


def message_as_dict(message: Message) -> dict[str, Any]:
    return {
        "id": str(message.pk),
        "sequence": message.sequence,
        "role": message.role,
        "content": message.content,
        "citations": message.citations,
        "created_at": message.created_at.isoformat().replace("+00:00", "Z"),
    }


def transcript(session: Session) -> dict[str, Any]:
    """Return the messages so far, and the event after which news are to come.

    A question's status is that of its reply.
    """
    # Read before the rows: an answer stored in between is told twice, never lost.
    latest = last_event_id(session.pk)
    unfinished = []
    messages = []
    rows = Message.objects.filter(session=session).select_related("reply")
    for row in rows.order_by("sequence"):
        reply = reply_of(row)
        if reply and not reply.is_finished:
            unfinished.append(reply.events_after)
        status = reply.status if reply else WorkStatus.DONE
        messages.append(message_as_dict(row) | {"status": str(status)})
    return {
        "messages": messages,
        "events_after": min([*unfinished, latest], key=event_order),
    }


def reply_of(message: Message) -> Reply | None:
    """Return the reply to a question that was loaded with it."""
    return getattr(message, "reply", None) if message.role == MessageRole.USER else None


def event_order(event_id: str) -> tuple[int, int]:
    """Order the ids of events, which are two numbers."""
    milliseconds, _, number = event_id.partition("-")
    return int(milliseconds), int(number or 0)
