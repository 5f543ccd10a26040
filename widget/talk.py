"""What a visitor says and hears, through the same replies as everyone else."""

from typing import Any, NamedTuple

from django.db import transaction

from agents import replies
from agents.budgets import BudgetExceeded
from agents.models.replies import Reply
from agents.models.sessions import (
    Channel,
    Message,
    MessageRole,
    Session,
    SessionIsOver,
)
from agents.transcripts import transcript
from widget.errors import MessageTooLarge, MonthUsedUp
from widget.models import WidgetSession
from widget.sessions import add_refresh_token

SPOKEN = {MessageRole.USER, MessageRole.ASSISTANT}
# A panel shows so many of the latest messages; a visitor reads no further back.
MOST_SHOWN = 200


class Asked(NamedTuple):
    """A stored question, and the refresh token that comes with the first one."""

    receipt: dict[str, Any]
    refresh: str


def ask(widget_session: WidgetSession, content: str, key: str | None) -> Asked:
    """Put a visitor's question, opening the conversation if there is none."""
    if len(content) > replies.MAX_QUESTION:
        raise MessageTooLarge(f"At most {replies.MAX_QUESTION:,} characters.")
    conversation, refresh = _conversation(widget_session)
    try:
        asked = _asked(conversation, content, key)
    except SessionIsOver:
        # Closed on our side meanwhile: the visitor just goes on in a new one.
        conversation, _ = _conversation(widget_session, over=conversation)
        asked = _asked(conversation, content, key)
    message, reply, _ = asked
    receipt = {
        "message_id": str(message.pk),
        "reply_id": str(reply.pk),
        "events_after": reply.events_after,
    }
    return Asked(receipt, refresh)


def _asked(
    conversation: Session, content: str, key: str | None
) -> tuple[Message, Reply, bool]:
    try:
        return replies.ask(session=conversation, content=content, idempotency_key=key)
    except BudgetExceeded:
        # What the organization may spend is no visitor's business.
        raise MonthUsedUp from None


@transaction.atomic
def _conversation(
    widget_session: WidgetSession, over: Session | None = None
) -> tuple[Session, str]:
    """Return the session's conversation, and a refresh token if it is the first."""
    # Locked: two first questions at once must not open two conversations.
    locked = (
        WidgetSession.objects.select_for_update(of=("self",), no_key=True)
        .select_related("session")
        .get(pk=widget_session.pk)
    )
    if locked.session and locked.session != over and locked.session.is_active:
        return locked.session, ""
    is_first = locked.session is None
    locked.session, _ = replies.start_session(
        agent=widget_session.agent,
        channel=Channel.WIDGET,
        visitor_id=widget_session.visitor_id,
        metadata={"origin": widget_session.origin},
    )
    locked.save(update_fields=["session"])
    return locked.session, add_refresh_token(locked) if is_first else ""


def history(widget_session: WidgetSession) -> dict[str, Any]:
    """Return what was said aloud so far."""
    conversation = widget_session.session
    if conversation is None or not conversation.is_active:
        return {"messages": [], "events_after": "0-0"}
    told = transcript(conversation, limit=MOST_SHOWN)
    spoken = [
        _as_shown(message)
        for message in told["messages"]
        if message["role"] in SPOKEN and not message["superseded"]
    ]
    return {"messages": spoken, "events_after": told["events_after"]}


def _as_shown(message: dict[str, Any]) -> dict[str, Any]:
    """Take out what is not the visitor's to know: what members think of it."""
    mine = [row for row in message["ratings"] if row["user_id"] is None]
    shown = message | {"rating": mine[0]["rating"] if mine else None}
    del shown["ratings"], shown["superseded"]
    return shown
