"""Who holds a conversation: read, locked, changed, and told to those concerned.

What may change it and when is in `handover` and `waiting`.
"""

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.audit import log as audit
from accounts.models.audit import AuditAction
from accounts.models.users import User
from accounts.models.webhooks import WebhookEvent
from agents.configuration.settings import WAIT_MINUTES
from agents.conversations import event_stream, inbox_feed
from agents.conversations.transcripts import handover_of, message_as_dict
from agents.inbox import notifications
from agents.inbox.handover_phrases import voice_in
from agents.models.agents import Agent
from agents.models.inbox import Holder, InboxEntry
from agents.models.sessions import Message, MessageRole, Session, SessionIsOver
from agents.models.versions import AgentVersion
from agents.webhook_events import announce_conversation


def setting_of(agent: Agent | None) -> str:
    """Return an agent's `handover`: off, on_request or offer."""
    if agent is None:
        return "off"
    return (agent.live_version or agent).config.get("handover", "on_request")


def is_offered(version: AgentVersion) -> bool:
    """Say whether an answer that leaves a question open offers a person."""
    return version.config.get("handover") == "offer"


def is_with_person(session: Session, *, lock: bool = False) -> bool:
    """Say whether a person answers; with `lock`, none can begin to meanwhile."""
    if lock:
        Session.all_objects.select_for_update(no_key=True).get(pk=session.pk)
    held = InboxEntry.objects.filter(session=session, holder=Holder.PERSON)
    return held.exists()


def patience_of(agent: Agent) -> timedelta:
    config = (agent.live_version or agent).config
    return timedelta(minutes=config.get("handover_wait_minutes", WAIT_MINUTES))


def language_of(agent: Agent) -> str:
    version = agent.live_version
    pack = version.knowledge_pack if version else None
    return pack.language if pack else "english"


def locked(session: Session) -> tuple[Session, InboxEntry]:
    """Lock a conversation and return it with its entry, made if there is none."""
    current = (
        Session.all_objects.select_for_update(no_key=True, of=("self",))
        .select_related("organization", "agent_ref__live_version__knowledge_pack")
        .get(pk=session.pk)
    )
    entry, _ = InboxEntry.objects.select_related("assignee").get_or_create(
        session=current, defaults={"organization": current.organization}
    )
    return current, entry


def locked_open(session: Session) -> tuple[Session, InboxEntry]:
    current, entry = locked(session)
    if not current.is_active or current.is_expired:
        raise SessionIsOver
    return current, entry


def save(entry: InboxEntry, **values: Any) -> None:
    for name, value in values.items():
        setattr(entry, name, value)
    entry.save(update_fields=[*values, "updated_at"])


def begin_to_wait(session: Session, entry: InboxEntry, language: str) -> None:
    agent = session.agent_ref
    now = timezone.now()
    language = language or language_of(agent)
    save(
        entry,
        holder=Holder.WAITING,
        person={},
        requested_at=now,
        deadline_at=now + patience_of(agent),
        apologized_at=None,
        language=language,
        # The remark that follows is what there is to see.
        heard_sequence=session.total_messages + 1,
    )
    remark(session, "waiting", "A person was asked for.")
    words = voice_in(language).waiting
    said = session.add_message(MessageRole.ASSISTANT, words, event="waiting")
    tell_visitor(session, entry, said)
    announce_conversation(
        session, WebhookEvent.CONVERSATION_HANDED_OVER, state="waiting"
    )
    notifications.notify_waiting(session, entry)


def remark(session: Session, event: str, text: str, **more: Any) -> None:
    """Write into the conversation who answers from here on; names stand beside it."""
    session.add_message(MessageRole.SYSTEM, text, event=event, **more)


def tell_visitor(
    session: Session, entry: InboxEntry, said: Message | None = None
) -> None:
    if said is not None:
        publish(session.pk, "message", {"message": message_as_dict(said)})
    publish(session.pk, "handover", handover_of(entry))
    inbox_feed.tell(session)


def publish(session_id: Any, event: str, data: dict[str, Any]) -> None:
    transaction.on_commit(
        lambda: event_stream.append(session_id, event, data), robust=True
    )


def facts_of(entry: InboxEntry) -> dict[str, Any]:
    return {"holder": entry.holder, "assignee": entry.assignee_id}


def record(entry: InboxEntry, actor: User | None, before: dict[str, Any]) -> None:
    audit.record(
        action=AuditAction.UPDATE,
        resource_type="session",
        resource_id=entry.pk,
        organization_id=entry.organization_id,
        actor=actor,
        changes=audit.difference(before, facts_of(entry)),
    )
