"""Rate answers: a thumb and a comment of each person, changed as often as they like."""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from accounts.audit import log as audit
from accounts.errors import Invalid, NotFound
from accounts.models.audit import AuditAction
from accounts.models.users import User
from agents.conversations import inbox_feed
from agents.models.feedback import Rating, RatingValue
from agents.models.sessions import Message, MessageRole, Session

MAX_COMMENT = 1_000


@transaction.atomic
def rate(
    *,
    session: Session,
    message_id: Any,
    value: str,
    comment: str = "",
    user: User | None = None,
) -> Rating:
    """Store what a person thinks of an answer; nobody stands for the visitor.

    Raises NotFound, Invalid.
    """
    if value not in RatingValue.values:
        raise Invalid("A rating is up or down.", pointer="/rating")
    if len(comment) > MAX_COMMENT:
        raise Invalid(f"At most {MAX_COMMENT:,} characters.", pointer="/comment")
    message = _answer(session, message_id)
    rating, is_new = Rating.objects.update_or_create(
        message=message,
        user=user,
        defaults={"value": value, "comment": comment.strip()},
        create_defaults={
            "session": session,
            "value": value,
            "comment": comment.strip(),
        },
    )
    inbox_feed.tell(session)
    if user is not None:
        action = AuditAction.CREATE if is_new else AuditAction.UPDATE
        _record(session, message, user, action, rating=value)
    return rating


def set_rating(
    *, session: Session, message_id: Any, value: str | None, **given: Any
) -> QuerySet[Rating]:
    """Rate an answer, or with no value withdraw; return what everyone thinks of it.

    Raises NotFound, Invalid.
    """
    if value is None:
        given.pop("comment", None)
        withdraw(session=session, message_id=message_id, **given)
    else:
        rate(session=session, message_id=message_id, value=value, **given)
    return Rating.objects.filter(message=message_id)


@transaction.atomic
def withdraw(*, session: Session, message_id: Any, user: User | None = None) -> bool:
    """Take a person's rating back; False when there was none. Raises NotFound."""
    message = _answer(session, message_id)
    deleted, _ = Rating.objects.filter(message=message, user=user).delete()
    if deleted and user is not None:
        _record(session, message, user, AuditAction.DELETE)
    return bool(deleted)


def _answer(session: Session, message_id: Any) -> Message:
    message = Message.objects.filter(session=session, pk=message_id).first()
    if message is None:
        raise NotFound
    if message.role != MessageRole.ASSISTANT:
        raise Invalid("Only answers are rated.", pointer="/message_id")
    return message


def _record(
    session: Session, message: Message, actor: User, action: AuditAction, **facts: str
) -> None:
    # A visitor's rating is part of the conversation, which is its own record.
    audit.record(
        action=action,
        resource_type="rating",
        resource_id=message.pk,
        organization_id=session.organization_id,
        actor=actor,
        metadata={"session_id": str(session.pk), **facts},
    )
