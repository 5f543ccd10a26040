"""Agents by the API keys that are bound to them."""

from django.db import DEFAULT_DB_ALIAS

from agents.models.agents import Agent


def get_agent_by_api_key(raw: str) -> Agent | None:
    """Return the living agent a key is bound to, in one query.

    None for a key that is bound to none, unknown, revoked or expired, or whose owner
    has gone. Joins the caller's transaction.
    """
    # Revoked is revoked at once: a replica may not know it yet.
    agents = Agent.objects.using(DEFAULT_DB_ALIAS).bound_to_key(raw)
    return agents.with_details().first()
