"""What an organization's webhooks are told about its agents and conversations."""

from typing import Any

from accounts.models.webhooks import WebhookEvent
from accounts.webhooks.delivery import publish
from agents.models.agents import Agent
from agents.models.sessions import Session


def announce_agent(agent: Agent, event: WebhookEvent, **facts: Any) -> None:
    """Publish an event of an agent, in the caller's transaction."""
    data = {"agent_public_id": str(agent.public_id), "name": agent.name}
    publish(agent.organization, event, data | facts)


def announce_conversation(session: Session, event: WebhookEvent, **facts: Any) -> None:
    """Publish an event of a conversation; what was said stays here."""
    if session.organization is None:
        return
    data = {
        "session_id": str(session.pk),
        "agent_public_id": session.agent_id,
        "channel": session.channel,
    }
    publish(session.organization, event, data | facts)


def announce_hand_over(session: Session) -> None:
    """Publish that a person took a conversation over, in the caller's transaction."""
    announce_conversation(session, WebhookEvent.CONVERSATION_HANDED_OVER)
