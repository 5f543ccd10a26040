"""The door for a page: who may open a chat where, and the code that opens it."""

import re
import secrets
from typing import Any, NamedTuple

import orjson
import redis
import structlog
from django.conf import settings

from accounts.audit import log as audit
from accounts.models.audit import AuditAction
from accounts.outbound import redis_pool
from accounts.rate_limits import Limit, network_of
from agents.configuration import origins
from agents.inbox.assignment import setting_of
from agents.lifecycle import cache
from agents.models.agents import Agent, WidgetMode
from widget.errors import (
    AgentNotFound,
    AgentUnavailable,
    BootCodeInvalid,
    IdentityRequired,
    OriginNotAllowed,
)
from widget.models import digest

log = structlog.get_logger(__name__)

# One spelling only: an alias would be another key of the same rate limit.
SHAPE = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
CODE_SECONDS = 60
# What a page and its visitors may know of a widget's configuration.
PUBLIC_KEYS = (
    "theme",
    "position",
    "size",
    "animation",
    "branding",
    "sound_enabled",
    "typing_indicator",
    "quick_replies",
    "welcome_message",
)
MOST_SUGGESTIONS = 6
LONGEST_SUGGESTION = 120


class Visit(NamedTuple):
    """What a boot code stands for."""

    agent: Agent
    origin: str


def limits(public_id: str, address: str) -> list[Limit]:
    return [Limit("widget-boot", 20, 60, f"{network_of(address)}:{public_id}")]


def entrance_limits(address: str) -> list[Limit]:
    """Bound what may be tried with codes and refresh tokens."""
    return [Limit("widget-entrance", 60, 60, network_of(address))]


def find_agent(public_id: Any) -> Agent:
    """Return an agent that answers; one that is off is as if there were none."""
    if not SHAPE.fullmatch(str(public_id)):
        raise AgentNotFound
    agent = cache.find_agent(str(public_id))
    if agent is None:
        raise AgentNotFound
    return answering(agent)


def answering(agent: Agent) -> Agent:
    """Return the agent if visitors may talk with it now."""
    if not agent.is_answering or agent.organization.is_deleted:
        raise AgentNotFound
    return agent


def check_origin(agent: Agent, origin: str | None) -> str:
    """Return the site's origin in its one form if the agent may speak there."""
    if not origins.allows(agent.allowed_origins, origin):
        raise OriginNotAllowed
    return origins.parse_origin(origin)


def admit(public_id: Any, origin: str | None) -> Visit:
    """Let a page open a chat with an agent, or say why not."""
    agent = find_agent(public_id)
    origin = check_origin(agent, origin)
    if agent.widget_mode != WidgetMode.PUBLIC:
        raise IdentityRequired
    return Visit(agent, origin)


def issue_code(visit: Visit) -> str:
    """Return a code for one session, good for a minute and for one use."""
    code = secrets.token_urlsafe(32)
    kept = {"agent": str(visit.agent.public_id), "origin": visit.origin}
    try:
        _redis().set(_key(code), orjson.dumps(kept), ex=CODE_SECONDS)
    except redis.RedisError as error:
        log.warning("Boot code not kept", error=type(error).__name__)
        raise AgentUnavailable from None
    return code


def redeem_code(code: str) -> Visit:
    """Use up a code, and admit its page again: much may change in a minute."""
    try:
        kept = _redis().getdel(_key(code))
    except redis.RedisError as error:
        log.warning("Boot code not read", error=type(error).__name__)
        raise AgentUnavailable from None
    if kept is None:
        audit.record(
            action=AuditAction.FAILED_AUTH,
            resource_type="boot_code",
            response_status=BootCodeInvalid.status,
        )
        raise BootCodeInvalid
    visit = orjson.loads(kept)
    return admit(visit["agent"], visit["origin"])


def widget_config(agent: Agent) -> dict[str, Any]:
    """Return the configuration that is live."""
    return (agent.live_version or agent).widget_config


def public_config(agent: Agent) -> dict[str, Any]:
    """Return what the page and the panel may know."""
    config = widget_config(agent)
    shown = {key: config.get(key) for key in PUBLIC_KEYS}
    return {
        "name": agent.name,
        **shown,
        "suggestions": _suggestions(config),
        "handover": setting_of(agent),
    }


def _suggestions(config: dict[str, Any]) -> list[str]:
    """Return the questions the panel offers; the key is the owner's own to set."""
    offered = config.get("suggestions")
    if not isinstance(offered, list):
        return []
    texts = [text.strip() for text in offered if isinstance(text, str)]
    return [text[:LONGEST_SUGGESTION] for text in texts if text][:MOST_SUGGESTIONS]


def _key(code: str) -> str:
    return f"ya:widget:boot:{digest(code)}"


def _redis() -> redis.Redis:
    return redis_pool.connect(settings.REDIS_URL)
