"""What becomes of those who wait: nobody comes, somebody leaves, it is over."""

from django.db import transaction
from django.utils import timezone

from agents.conversations import inbox_feed
from agents.conversations.transcripts import handover_of
from agents.inbox.assignment import (
    begin_to_wait,
    facts_of,
    language_of,
    locked,
    publish,
    record,
    remark,
    save,
    tell_visitor,
)
from agents.inbox.handover_phrases import voice_in
from agents.models.inbox import Holder, InboxEntry
from agents.models.sessions import MessageRole, Session


def apologize_overdue(limit: int = 100) -> int:
    """Tell those who wait too long that nobody came; return how many were told."""
    overdue = list(InboxEntry.objects.overdue().values_list("pk", flat=True)[:limit])
    return sum(_apologize(Session(pk=pk)) for pk in overdue)


@transaction.atomic
def _apologize(session: Session) -> bool:
    current, entry = locked(session)
    # Looked at again under the lock: somebody may have come, or another worker.
    if not InboxEntry.objects.overdue().filter(pk=entry.pk).exists():
        return False
    save(entry, apologized_at=timezone.now())
    said = None
    if current.is_active:
        voice = voice_in(entry.language, language_of(current.agent_ref))
        remark(current, "late", "Nobody came in time.")
        said = current.add_message(MessageRole.ASSISTANT, voice.late, event="late")
    tell_visitor(current, entry, said)
    return True


def release_deserted(limit: int = 100) -> int:
    """Let others take what a member held who left; return how many it was."""
    deserted = InboxEntry.objects.deserted().values_list("pk", flat=True)[:limit]
    return sum(_release(Session(pk=pk)) for pk in list(deserted))


@transaction.atomic
def _release(session: Session) -> bool:
    current, entry = locked(session)
    if not InboxEntry.objects.deserted().filter(pk=entry.pk).exists():
        return False
    before = facts_of(entry)
    if current.is_active and current.agent_ref is not None:
        save(entry, assignee=None)
        begin_to_wait(current, entry, entry.language)
    else:
        save(entry, holder=Holder.AGENT, assignee=None, person={})
    record(entry, None, before)
    return True


def note_end(session: Session) -> None:
    """Take a conversation that just ended out of the queue, in its transaction.

    One whose visitor left an address stays: there is still something to answer.
    """
    entry = InboxEntry.objects.filter(session=session).first()
    if entry is None:
        return
    if entry.holder == Holder.PERSON or not entry.contact_email:
        save(entry, holder=Holder.AGENT, person={}, assignee=None)
    publish(session.pk, "handover", handover_of(entry) | {"is_over": True})
    inbox_feed.tell(session)
