"""What visitors and members do about who answers: ask, take, answer, hand back.

Every function takes the session's lock first, so that a conversation has one holder.
"""

from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone

from accounts.access.permissions import may
from accounts.errors import DomainError, Invalid
from accounts.models.lifecycle import request_fingerprint
from accounts.models.organizations import Membership
from accounts.models.users import User
from accounts.models.webhooks import WebhookEvent
from agents.conversations import inbox_feed
from agents.conversations.transcripts import handover_of, message_as_dict
from agents.inbox import notifications
from agents.inbox.assignment import (
    begin_to_wait,
    facts_of,
    language_of,
    locked,
    locked_open,
    publish,
    record,
    remark,
    save,
    setting_of,
    tell_visitor,
)
from agents.inbox.handover_phrases import wish_for_person
from agents.models.inbox import MAX_EMAIL, Holder, InboxEntry
from agents.models.sessions import Message, MessageRole, Session, SessionIsOver
from agents.webhook_events import announce_conversation

MAX_ANSWER = 4_000


class HandoverIsOff(DomainError):
    status = 422
    code = "handover-off"
    detail = "Nobody can be asked for here."


class AlreadyTaken(DomainError):
    """Not 409, which means: try again unchanged."""

    status = 422
    code = "already-taken"
    detail = "A colleague has this conversation."


class NoSuchMember(Invalid):
    detail = "There is no such member who may answer visitors."
    pointer = "/user_id"


class NotYours(DomainError):
    status = 422
    code = "not-yours"
    detail = "Take this conversation over before you answer in it."


@transaction.atomic
def request_person(*, session: Session, language: str = "") -> InboxEntry:
    """Ask for a person; asked again, nothing changes while somebody is expected.

    Raises HandoverIsOff, SessionIsOver.
    """
    current, entry = locked_open(session)
    if setting_of(current.agent_ref) == "off":
        raise HandoverIsOff
    if not entry.silences_agent:
        begin_to_wait(current, entry, language)
    return entry


def hold_back(session: Session, message: Message) -> bool:
    """Say whether a person, not the agent, is to answer a visitor's new message.

    Called under the session's lock, with its entry loaded.
    """
    entry = getattr(session, "inbox_entry", None)
    if entry is not None and entry.silences_agent:
        entry.hear(message.sequence)
        notifications.notify_holder(session, entry)
        inbox_feed.tell(session)
        return True
    # Asked before anything is read: most messages are no such wish.
    if not wish_for_person(message.content) or session.organization_id is None:
        return False
    current, entry = locked(session)
    if setting_of(current.agent_ref) == "off":
        return False
    spoken = language_of(current.agent_ref)
    begin_to_wait(current, entry, wish_for_person(message.content, spoken))
    return True


@transaction.atomic
def leave_email(*, session: Session, email: str) -> InboxEntry:
    """Keep where a visitor nobody came for wants to be answered.

    Raises Invalid, HandoverIsOff if no person was asked for.
    """
    email = email.strip()
    try:
        validate_email(email)
    except ValidationError:
        raise Invalid("This is not an email address.", pointer="/email") from None
    if len(email) > MAX_EMAIL:
        raise Invalid(f"At most {MAX_EMAIL} characters.", pointer="/email")
    current, entry = locked(session)
    if entry.holder != Holder.WAITING:
        raise HandoverIsOff("No person was asked for.")
    save(entry, contact_email=email)
    publish(current.pk, "handover", handover_of(entry))
    inbox_feed.tell(current)
    return entry


@transaction.atomic
def take(*, session: Session, actor: User) -> InboxEntry:
    """Let a member answer instead of the agent.

    Raises AlreadyTaken when a colleague was faster, SessionIsOver.
    """
    current, entry = locked_open(session)
    if entry.holder == Holder.PERSON and entry.assignee_id == actor.pk:
        return entry
    if entry.holder == Holder.PERSON:
        raise AlreadyTaken(f"{entry.person.get('name')} has this conversation.")
    before = facts_of(entry)
    _give_to(current, entry, actor)
    record(entry, actor, before)
    return entry


def _give_to(session: Session, entry: InboxEntry, user: User) -> None:
    save(
        entry,
        holder=Holder.PERSON,
        assignee=user,
        person=shown_as(session, user),
        taken_at=timezone.now(),
        seen_sequence=entry.heard_sequence,
    )
    remark(session, "taken", "A person took over.", person=entry.person, author=user)
    tell_visitor(session, entry)
    announce_conversation(session, WebhookEvent.CONVERSATION_HANDED_OVER, state="taken")


@transaction.atomic
def hand_back(*, session: Session, actor: User) -> InboxEntry:
    """Let the agent answer again; also when nobody had taken it."""
    current, entry = locked_open(session)
    if entry.holder == Holder.AGENT:
        return entry
    before = facts_of(entry)
    save(entry, holder=Holder.AGENT, person={}, assignee=None)
    remark(current, "returned", "The agent answers again.")
    tell_visitor(current, entry)
    announce_conversation(
        current, WebhookEvent.CONVERSATION_HANDED_OVER, state="returned"
    )
    record(entry, actor, before)
    return entry


@transaction.atomic
def assign(*, session: Session, actor: User, assignee: User | None) -> InboxEntry:
    """Make a conversation a member's; if a person answers, that member does now.

    Raises NoSuchMember for somebody who may not answer, Invalid.
    """
    current, entry = locked(session)
    if entry.assignee_id == (assignee and assignee.pk):
        return entry
    if assignee is None and entry.holder == Holder.PERSON:
        raise Invalid("Hand it back to the agent instead.", pointer="/user_id")
    if assignee is not None:
        _check_may_answer(current, assignee)
    before = facts_of(entry)
    if assignee is not None and entry.holder == Holder.PERSON:
        _give_to(current, entry, assignee)
    else:
        save(entry, assignee=assignee)
        inbox_feed.tell(current)
    if assignee is not None and assignee != actor:
        notifications.notify_assigned(current, assignee)
    record(entry, actor, before)
    return entry


def assign_by_id(*, session: Session, actor: User, user_id: UUID | None) -> InboxEntry:
    """Assign to the member of this id; one who is none is refused like any other."""
    assignee = User.objects.filter(pk=user_id).first() if user_id else None
    if user_id and assignee is None:
        raise NoSuchMember
    return assign(session=session, actor=actor, assignee=assignee)


def assign_by_text(*, session: Session, actor: User, user_id: str) -> InboxEntry:
    """Assign to the member a form names; nothing named is nobody."""
    try:
        wanted = UUID(user_id) if user_id else None
    except ValueError:
        raise NoSuchMember from None
    return assign_by_id(session=session, actor=actor, user_id=wanted)


def _check_may_answer(session: Session, user: User) -> None:
    member = Membership.objects.filter(
        organization=session.organization_id,
        user=user,
        user__is_active=True,
        user__deleted_at=None,
    ).first()
    if member is None or not may(member.role, "sessions:write"):
        raise NoSuchMember


@transaction.atomic
def answer(
    *, session: Session, actor: User, content: str, idempotency_key: str | None = None
) -> tuple[Message, bool]:
    """Say something to the visitor as the person who holds the conversation.

    Raises NotYours, SessionIsOver, KeyReused, Invalid.
    """
    content = content.strip()
    if not 1 <= len(content) <= MAX_ANSWER:
        raise Invalid(f"1 to {MAX_ANSWER:,} characters.", pointer="/content")
    fingerprint = request_fingerprint(["person", str(actor.pk), content])
    current, entry = locked(session)
    if idempotency_key is not None:
        twins = current.message_rows.filter(idempotency_key=idempotency_key)
        if twin := twins.first():
            twin.check_same_request(fingerprint)
            return twin, False
    if not current.is_active or current.is_expired:
        raise SessionIsOver
    if entry.holder != Holder.PERSON or entry.assignee_id != actor.pk:
        raise NotYours
    message = current.add_message(
        MessageRole.ASSISTANT,
        content,
        author=actor,
        metadata={"person": entry.person},
        idempotency_key=idempotency_key,
        request_fingerprint=fingerprint,
    )
    save(entry, seen_sequence=entry.heard_sequence)
    publish(current.pk, "message", {"message": message_as_dict(message)})
    inbox_feed.tell(current)
    return message, True


def shown_as(session: Session, user: User) -> dict[str, str]:
    """Return the name and title a visitor may know a member by; never an address."""
    member = (
        Membership.objects.filter(organization=session.organization_id, user=user)
        .select_related("inbox_preference")
        .first()
    )
    preference = getattr(member, "inbox_preference", None)
    name = (preference and preference.shown_name) or user.name
    title = preference.shown_title if preference else ""
    return {"name": name or str(session.organization), "title": title}
