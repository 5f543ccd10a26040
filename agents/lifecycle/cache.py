"""What visitors' pages ask of an agent, read from memory.

What follows from it is shown only: a question, a session and a token are checked
against the database.
"""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS

from accounts.cache import recall, row_from, values_of
from accounts.organizations.memberships import organization_by_id
from agents.models.agents import Agent
from agents.models.versions import AgentVersion

AGENT = (
    *("id", "public_id", "organization_id", "name", "slug", "is_active", "deleted_at"),
    *("allowed_origins", "widget_mode", "system_prompt", "config", "widget_config"),
    "live_version_id",
)
VERSION = ("id", "agent_id", "number", "config", "widget_config")


def find_agent(public_id: UUID | str) -> Agent | None:
    """Return a living agent with its live version and its organization.

    The columns that are not remembered load if somebody asks.
    """

    def load() -> dict[str, Any] | None:
        known = Agent.objects.using(DEFAULT_DB_ALIAS).select_related("live_version")
        found = known.filter(public_id=public_id).first()
        if found is None:
            return None
        live = found.live_version
        return {
            "agent": values_of(found, AGENT),
            "live_version": live and values_of(live, VERSION),
        }

    seconds = settings.CACHE_TTL_AGENT
    values = recall("agent", public_id, seconds=seconds, load=load)
    if values is None:
        return None
    agent = row_from(Agent, values["agent"])
    live = values["live_version"]
    agent.live_version = live and row_from(AgentVersion, live)
    agent.organization = organization_by_id(agent.organization_id)
    return agent
