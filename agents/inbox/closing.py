"""End conversations: by somebody's word, by their time, or for good."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from accounts.audit import log as audit
from accounts.models.audit import AuditAction
from accounts.models.users import User
from accounts.models.webhooks import WebhookEvent
from agents.conversations.tags import record_change
from agents.inbox.queue_timeouts import note_end
from agents.models.sessions import Session, SessionIsOver, SessionStatus
from agents.webhook_events import announce_conversation

EXPIRED = "expired"


@transaction.atomic
def end_session(
    *, session: Session, status: SessionStatus, actor: User | None, reason: str = ""
) -> Session:
    """Complete, fail or cancel a conversation. Raises SessionIsOver."""
    if status == SessionStatus.COMPLETED:
        session.mark_completed()
    elif status == SessionStatus.FAILED:
        session.mark_failed(reason)
    else:
        session.mark_cancelled(reason)
    note_end(session)
    announce_conversation(session, WebhookEvent.CONVERSATION_CLOSED, status=str(status))
    record_change(
        session, actor, {"status": {"old": SessionStatus.ACTIVE, "new": status}}
    )
    return session


@transaction.atomic
def expire_session(
    *, session: Session, actor: User | None, at: datetime | None = None
) -> Session:
    """Let a conversation end at a moment, or now. Raises SessionIsOver."""
    locked = Session.objects.select_for_update(no_key=True).get(pk=session.pk)
    if not locked.is_active:
        raise SessionIsOver
    before, locked.expires_at = locked.expires_at, at or timezone.now()
    locked.save(update_fields=["expires_at", "updated_at"])
    if locked.is_expired:
        return end_session(
            session=locked, status=SessionStatus.CANCELLED, actor=actor, reason=EXPIRED
        )
    record_change(
        locked, actor, {"expires_at": {"old": before, "new": locked.expires_at}}
    )
    return locked


def expire_overdue(limit: int = 500) -> int:
    """End the conversations whose time has come; return how many."""
    overdue = Session.objects.overdue().order_by("expires_at")[:limit]
    return sum(_expire(session) for session in overdue)


def _expire(session: Session) -> bool:
    try:
        end_session(
            session=session, status=SessionStatus.CANCELLED, actor=None, reason=EXPIRED
        )
    except SessionIsOver:
        return False
    return True


@transaction.atomic
def delete_session(*, session: Session, actor: User | None) -> None:
    """Hide a conversation from everyone; what it cost stays counted."""
    session.soft_delete()
    audit.record(
        action=AuditAction.DELETE,
        resource_type="session",
        resource_id=session.pk,
        organization_id=session.organization_id,
        actor=actor,
    )
