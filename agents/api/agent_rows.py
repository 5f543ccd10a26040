"""Agents as plain dictionaries, from rows without building models."""

import json
from functools import cache, lru_cache
from typing import Any
from uuid import UUID

from django.db import connections
from django.db.models import QuerySet
from orjson import Fragment

from accounts.models.organizations import Organization
from agents.configuration.embedding_snippet import page_config, render_embed
from agents.models.agents import SETTINGS, SHAPING_SETTINGS, Agent, OptimizationStatus

PENDING = {OptimizationStatus.PENDING.value, OptimizationStatus.RUNNING.value}

# Facts that stand beside a setting.
BESIDE = {"knowledge_pack": ["vector_store_status"], "is_active": ["live_version"]}
# The names of an answer, in their order.
SHOWN = (
    *("id", "public_id", "slug"),
    *(name for each in SETTINGS for name in (each.name, *BESIDE.get(each.name, ()))),
    *("optimization_pending", "optimization_status", "optimization_metadata"),
    *("embed_code", "created_by_user_id", "updated_by_user_id"),
    *("created_at", "updated_at", "deleted_at"),
)
# Where a row has what is not in a column of that name.
ELSEWHERE = {
    "persona": "persona__key",
    "knowledge_pack": "knowledge_pack_id",
    "vector_store_status": "knowledge_pack__vector_store_status",
    "live_version": "live_version__number",
}
MADE_UP = {"id", "optimization_pending", "embed_code"}
STORED = tuple(name for name in SHOWN if name not in MADE_UP)
COLUMNS = (
    *(ELSEWHERE.get(name, name) for name in STORED),
    *("persona__name", "knowledge_pack__name", "revision"),
)
PERSONA_NAME, PACK_NAME = -3, -2
JSON = (
    *(each.name for each in SETTINGS if each.kind in (dict, list)),
    "optimization_metadata",
)
BLANK = dict.fromkeys(SHOWN)
# A version names neither row it refers to.
SHOWN_OF_VERSIONS = tuple(each for each in SHAPING_SETTINGS if not each.by)


def agent_rows(agents: QuerySet[Agent]) -> QuerySet:
    """Select what `row_as_dict` needs, in one query."""
    return agents.values_list(*COLUMNS)


class NewestAgents:
    """An organization's living agents, newest first: a sequence of rows to slice.

    The two reads programs ask most often keep the SQL that the ORM would build anew
    for each, and hand JSON columns on as the text in which PostgreSQL gives them.
    """

    def __init__(self, organization: Organization) -> None:
        self.organization = organization

    def __getitem__(self, page: slice) -> list[tuple[Any, ...]]:
        return self._fetch(
            'ORDER BY "agents"."created_at" DESC, "agents"."id" DESC'
            " LIMIT %s OFFSET %s",
            [page.stop - page.start, page.start],
        )

    def find(self, public_id: UUID) -> tuple[Any, ...] | None:
        """Return one row, or None."""
        found = self._fetch('AND "agents"."public_id" = %s', [public_id])
        return found[0] if found else None

    def _fetch(self, tail: str, values: list[Any]) -> list[tuple[Any, ...]]:
        sql = f'{_living()} AND "agents"."organization_id" = %s {tail}'
        with connections[Agent.objects.db].cursor() as cursor:
            cursor.execute(sql, [self.organization.pk, *values])
            return cursor.fetchall()


@cache
def _living() -> str:
    sql, _ = agent_rows(Agent.objects.order_by()).query.sql_with_params()
    return sql


@lru_cache(maxsize=512)
def _page_config(widget_config: str) -> str:
    # Most agents share a few configurations.
    return page_config(json.loads(widget_config))


def row_as_dict(row: tuple[Any, ...]) -> dict[str, Any]:
    """Return an agent as AgentShape describes it."""
    shown = BLANK.copy()
    shown.update(zip(STORED, row, strict=False))
    public_id = shown["id"] = shown["public_id"]
    if key := shown["persona"]:
        shown["persona"] = {"key": key, "name": row[PERSONA_NAME]}
    if pack_id := shown["knowledge_pack"]:
        shown["knowledge_pack"] = {"id": pack_id, "name": row[PACK_NAME]}
    if shown["vector_store_status"] is None:
        shown["vector_store_status"] = "none"
    shown["optimization_pending"] = shown["optimization_status"] in PENDING
    look = shown["widget_config"]
    if isinstance(look, str):
        look = _page_config(look)
        for name in JSON:
            shown[name] = Fragment(shown[name])
    shown["embed_code"] = render_embed(public_id, look)
    return shown


def as_dict(agent: Agent) -> dict[str, Any]:
    """Return an agent that is already loaded with its details."""
    persona, pack, live = agent.persona, agent.knowledge_pack, agent.live_version
    related = {
        "persona__key": persona and persona.key,
        "persona__name": persona and persona.name,
        "knowledge_pack__name": pack and pack.name,
        "knowledge_pack__vector_store_status": pack and pack.vector_store_status,
        "live_version__number": live and live.number,
    }
    return row_as_dict(
        tuple(
            related[name] if name in related else getattr(agent, name)
            for name in COLUMNS
        )
    )
