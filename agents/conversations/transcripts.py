"""Conversations as readers see them: messages, their state, and where to listen."""

from typing import Any

from accounts.models.lifecycle import WorkStatus
from agents.conversations.event_stream import NO_EVENT, last_event_id
from agents.models.feedback import Rating
from agents.models.inbox import Holder, InboxEntry
from agents.models.replies import Reply
from agents.models.sessions import Message, Session

# Of a conversation no person was ever asked into.
NO_HANDOVER = {
    "holder": str(Holder.AGENT),
    "person": None,
    "is_late": False,
    "has_email": False,
    "is_over": False,
}

UNFINISHED = {WorkStatus.PENDING, WorkStatus.RUNNING}


def message_as_dict(message: Message) -> dict[str, Any]:
    return {
        "id": str(message.pk),
        "sequence": message.sequence,
        "role": message.role,
        "content": message.content,
        "citations": message.citations,
        "created_at": message.created_at.isoformat().replace("+00:00", "Z"),
        "stopped": message.is_stopped,
        "superseded": message.is_superseded,
        # Of a member's answer: {"name", "title"}.
        "person": message.metadata.get("person"),
        # Of a system message: who answers from here on.
        "event": message.metadata.get("event"),
        "offers_person": message.metadata.get("offers_person", False),
    }


def receipt_of(message: Message, reply: Reply | None) -> dict[str, Any]:
    """Return what one who asked is told: ids, and after which event to listen."""
    told_after = message.metadata.get("events_after", NO_EVENT)
    return {
        "message_id": str(message.pk),
        "reply_id": str(reply.pk) if reply else None,
        "events_after": reply.events_after if reply else told_after,
    }


def handover_of(entry: InboxEntry | None) -> dict[str, Any]:
    """Return who answers, as the visitor may know it."""
    if entry is None:
        return dict(NO_HANDOVER)
    return NO_HANDOVER | {
        "holder": str(entry.holder),
        "person": entry.person or None,
        "is_late": entry.is_late,
        "has_email": bool(entry.contact_email),
    }


def rating_as_dict(rating: Rating) -> dict[str, Any]:
    return {
        "rating": rating.value,
        "comment": rating.comment,
        "user_id": rating.user_id and str(rating.user_id),
        "updated_at": rating.updated_at.isoformat().replace("+00:00", "Z"),
    }


def transcript(
    session: Session, *, before: int | None = None, limit: int | None = None
) -> dict[str, Any]:
    """Return messages, and the event after which news are to come.

    With a limit they are the latest ones, before a sequence number if one is
    given, and `before` asks for the page that comes before them. A question's
    status is that of its reply.
    """
    # Read before the rows: an answer stored in between is told twice, never lost.
    latest = last_event_id(session.pk)
    rows = Message.objects.filter(session=session).with_reply()
    if before is not None:
        rows = rows.filter(sequence__lt=before)
    found = list(
        rows.prefetch_related("ratings").order_by("-sequence")[: limit and limit + 1]
    )
    shown = found[:limit]
    unfinished = [
        row.reply_events_after for row in shown if row.reply_status in UNFINISHED
    ]
    return {
        "messages": [_as_told(row) for row in reversed(shown)],
        "events_after": min([*unfinished, latest], key=event_order),
        "before": shown[-1].sequence if len(found) > len(shown) else None,
        "handover": handover_of(getattr(session, "inbox_entry", None)),
    }


def _as_told(row: Message) -> dict[str, Any]:
    return message_as_dict(row) | {
        "status": str(row.reply_status or WorkStatus.DONE),
        "ratings": [rating_as_dict(rating) for rating in row.ratings.all()],
    }


def event_order(event_id: str) -> tuple[int, int]:
    """Order the ids of events, which are two numbers."""
    milliseconds, _, number = event_id.partition("-")
    return int(milliseconds), int(number or 0)
