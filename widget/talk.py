"""What a visitor says and hears, through the same replies as everyone else."""

from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction

from accounts.errors import NotFound
from agents.conversations import opening, ratings
from agents.conversations.event_stream import last_event_id
from agents.conversations.transcripts import handover_of, receipt_of, transcript
from agents.inbox import handover
from agents.inbox.handover_phrases import language_of
from agents.models.replies import Reply
from agents.models.sessions import Channel, Message, MessageRole, Session, SessionIsOver
from agents.replies import interruption, questions
from agents.usage.budgets import BudgetExceeded
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


class Handed(NamedTuple):
    """Where a conversation stands with people, and perhaps a refresh token."""

    receipt: dict[str, Any]
    refresh: str


def ask(widget_session: WidgetSession, content: str, key: str | None) -> Asked:
    """Put a visitor's question, opening the conversation if there is none."""
    if len(content) > questions.MAX_QUESTION:
        raise MessageTooLarge(f"At most {questions.MAX_QUESTION:,} characters.")
    conversation, refresh = _conversation(widget_session)
    try:
        asked = _asked(conversation, content, key)
    except SessionIsOver:
        # Closed on our side meanwhile: the visitor just goes on in a new one.
        conversation, _ = _conversation(widget_session, over=conversation)
        asked = _asked(conversation, content, key)
    message, reply, _ = asked
    return Asked(receipt_of(message, reply), refresh)


def _asked(
    conversation: Session, content: str, key: str | None
) -> tuple[Message, Reply | None, bool]:
    try:
        return questions.ask(session=conversation, content=content, idempotency_key=key)
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
    locked.session, _ = opening.start_session(
        agent=widget_session.agent,
        channel=Channel.WIDGET,
        visitor_id=widget_session.visitor_id,
        metadata={"origin": widget_session.origin},
    )
    locked.save(update_fields=["session"])
    return locked.session, add_refresh_token(locked) if is_first else ""


def stop(widget_session: WidgetSession) -> dict[str, Any]:
    """End the answers under way; what was said so far stays."""
    stopped = interruption.stop(session=_opened(widget_session))
    return {"stopped": [str(reply.question_id) for reply in stopped]}


def regenerate(widget_session: WidgetSession, message_id: UUID) -> dict[str, Any]:
    """Have the last question answered anew, named by itself or its answer."""
    conversation = _opened(widget_session)
    try:
        asked = interruption.regenerate(session=conversation, message_id=message_id)
    except BudgetExceeded:
        raise MonthUsedUp from None
    message, reply, _ = asked
    return receipt_of(message, reply)


def rate(
    widget_session: WidgetSession, message_id: UUID, value: str | None, comment: str
) -> dict[str, Any]:
    """Keep what the visitor thinks of an answer; None takes it back."""
    ratings.set_rating(
        session=_opened(widget_session),
        message_id=message_id,
        value=value,
        comment=comment,
        user=None,
    )
    return {"message_id": str(message_id), "rating": value}


def _opened(widget_session: WidgetSession) -> Session:
    if widget_session.session is None:
        raise NotFound
    return widget_session.session


def history(widget_session: WidgetSession) -> dict[str, Any]:
    """Return what was said aloud so far."""
    conversation = widget_session.session
    if conversation is None or not conversation.is_active:
        return {"messages": [], "events_after": "0-0", "handover": handover_of(None)}
    told = transcript(conversation, limit=MOST_SHOWN)
    shown = [_as_shown(each) for each in told["messages"] if _is_shown(each)]
    return {name: told[name] for name in ("events_after", "handover")} | {
        "messages": shown
    }


def _is_shown(message: dict[str, Any]) -> bool:
    """Say whether a visitor sees this: what was said, and who answers from then on."""
    is_told = message["role"] in SPOKEN or message["event"]
    return bool(is_told) and not message["superseded"]


def _as_shown(message: dict[str, Any]) -> dict[str, Any]:
    """Take out what is not the visitor's to know: what members think of it."""
    mine = [row for row in message["ratings"] if row["user_id"] is None]
    shown = message | {"rating": mine[0]["rating"] if mine else None}
    del shown["ratings"], shown["superseded"]
    return shown


def request_person(widget_session: WidgetSession, locale: str) -> Handed:
    """Ask for a person, opening the conversation if there is none."""
    conversation, refresh = _conversation(widget_session)
    # What is said about it comes after this.
    events_after = last_event_id(conversation.pk)
    entry = handover.request_person(session=conversation, language=language_of(locale))
    receipt = {"events_after": events_after, "handover": handover_of(entry)}
    return Handed(receipt, refresh)


def leave_email(widget_session: WidgetSession, email: str) -> dict[str, Any]:
    """Keep where the visitor wants to be answered. Raises NotFound, Invalid."""
    entry = handover.leave_email(session=_opened(widget_session), email=email)
    return {"handover": handover_of(entry)}
