"""What the agent left open, and what the team has dealt with."""

from django.db import transaction
from django.utils import timezone

from accounts.audit import log as audit
from accounts.models.audit import AuditAction
from accounts.models.users import User
from agents.conversations import inbox_feed
from agents.inbox.assignment import locked, save
from agents.models.inbox import Holder, InboxEntry
from agents.models.sessions import Session


@transaction.atomic
def note_gap(session: Session) -> None:
    """Put a conversation among those whose question the agent could not answer."""
    if session.organization_id is None:
        return
    current, entry = locked(session)
    save(entry, unanswered_at=timezone.now())
    inbox_feed.tell(current)


@transaction.atomic
def settle(*, session: Session, actor: User) -> InboxEntry:
    """Take a conversation out of every queue: the team has dealt with it."""
    current, entry = locked(session)
    entry.unanswered_at, entry.settled_at = None, timezone.now()
    # One who waits in a conversation that is over was answered elsewhere.
    if not current.is_active:
        entry.holder, entry.person = Holder.AGENT, {}
    if entry.holder == Holder.AGENT:
        entry.assignee = None
    entry.save()
    inbox_feed.tell(current)
    audit.record(
        action=AuditAction.UPDATE,
        resource_type="session",
        resource_id=current.pk,
        organization_id=entry.organization_id,
        actor=actor,
        changes={"settled_at": {"old": None, "new": entry.settled_at}},
    )
    return entry
