"""Open a conversation, once per key."""

from typing import Any

from django.db import IntegrityError, transaction

from accounts.errors import DomainError, Invalid
from accounts.models.lifecycle import request_fingerprint
from accounts.models.users import User
from accounts.models.webhooks import WebhookEvent
from agents.models.agents import Agent
from agents.models.sessions import Channel, Session
from agents.webhook_events import announce_conversation


class AgentIsSilent(DomainError):
    status = 422
    code = "agent-inactive"
    detail = "This agent does not answer at the moment."


def start_session(
    *,
    agent: Agent,
    channel: Channel,
    user: User | None = None,
    visitor_id: str = "",
    title: str = "",
    idempotency_key: str | None = None,
    metadata: dict[str, Any] | None = None,
) -> tuple[Session, bool]:
    """Open a conversation, or return the one this person's key already opened.

    Raises AgentIsSilent, KeyReused, Invalid.
    """
    if user is None and not visitor_id:
        raise Invalid("Say who is speaking.", pointer="/visitor_id")
    fingerprint = request_fingerprint([title, metadata or {}])
    same = Session.all_objects.filter(
        agent_ref=agent,
        user=user,
        visitor_id=visitor_id,
        idempotency_key=idempotency_key,
    ).order_by()
    if idempotency_key is not None and (twin := same.first()):
        twin.check_same_request(fingerprint)
        return twin, False
    if not agent.is_answering:
        raise AgentIsSilent
    session = Session(
        organization_id=agent.organization_id,
        agent_ref=agent,
        agent_id=str(agent.public_id),
        user=user,
        visitor_id=visitor_id,
        channel=channel,
        title=title,
        metadata=metadata or {},
        idempotency_key=idempotency_key,
        request_fingerprint=fingerprint,
    )
    try:
        with transaction.atomic():
            session.save(force_insert=True)
            announce_conversation(session, WebhookEvent.CONVERSATION_STARTED)
    except IntegrityError:
        twin = same.first() if idempotency_key is not None else None
        if twin is None:
            raise
        twin.check_same_request(fingerprint)
        return twin, False
    return session, True
