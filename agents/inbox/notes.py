"""What members tell one another about a conversation; no visitor's door reads it."""

from typing import Any

from django.db import transaction

from accounts.audit import log as audit
from accounts.errors import Forbidden, Invalid, NotFound
from accounts.models.audit import AuditAction
from accounts.models.users import User
from agents.conversations import inbox_feed
from agents.models.inbox import MAX_NOTE, Note
from agents.models.sessions import Session


@transaction.atomic
def add_note(*, session: Session, author: User, text: str) -> Note:
    """Add a note to a conversation. Raises Invalid."""
    text = text.strip()
    if not 1 <= len(text) <= MAX_NOTE:
        raise Invalid(f"1 to {MAX_NOTE:,} characters.", pointer="/text")
    note = Note.objects.create(
        session=session,
        organization_id=session.organization_id,
        author=author,
        text=text,
    )
    inbox_feed.tell(session)
    _record(AuditAction.CREATE, note, author)
    return note


@transaction.atomic
def delete_note(*, session: Session, note_id: Any, actor: User, is_admin: bool) -> None:
    """Delete a note of one's own, or as an admin any. Raises NotFound, Forbidden."""
    note = session.notes.filter(pk=note_id).first()
    if note is None:
        raise NotFound
    if note.author_id != actor.pk and not is_admin:
        raise Forbidden("Only its author or an admin deletes a note.")
    inbox_feed.tell(session)
    _record(AuditAction.DELETE, note, actor)
    note.delete()


def _record(action: AuditAction, note: Note, actor: User) -> None:
    # Not its text: the log is read by others, and outlives the conversation.
    audit.record(
        action=action,
        resource_type="note",
        resource_id=note.pk,
        organization_id=note.organization_id,
        actor=actor,
        metadata={"session_id": str(note.session_id)},
    )
