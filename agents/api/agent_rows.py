"""Agents as plain dictionaries, from rows without building models."""

import json
from functools import cache, lru_cache
from typing import Any
from uuid import UUID

import orjson
from django.db import connections
from django.db.models import QuerySet

from accounts.models.organizations import Organization
from agents.configuration.embedding_snippet import page_config, render_embed
from agents.models.agents import Agent, OptimizationStatus

PENDING = {OptimizationStatus.PENDING.value, OptimizationStatus.RUNNING.value}

COLUMNS = (
    "public_id",
    "slug",
    "name",
    "description",
    "template",
    "industry",
    "system_prompt",
    "persona__key",
    "persona__name",
    "knowledge_pack_id",
    "knowledge_pack__name",
    "config",
    "widget_config",
    "allowed_origins",
    "widget_mode",
    "release_gate",
    "is_active",
    "live_version__number",
    "auto_optimize",
    "optimization_status",
    "optimization_metadata",
    "created_by_user_id",
    "updated_by_user_id",
    "created_at",
    "updated_at",
    "deleted_at",
    "revision",
    "knowledge_pack__vector_store_status",
)


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


def _shown(widget_config: Any) -> Any:
    return (
        _page_config(widget_config) if isinstance(widget_config, str) else widget_config
    )


def _as_stored(value: Any) -> Any:
    return orjson.Fragment(value) if isinstance(value, str) else value


def row_as_dict(row: tuple[Any, ...]) -> dict[str, Any]:
    """Return an agent as AgentShape describes it."""
    (
        public_id,
        slug,
        name,
        description,
        template,
        industry,
        system_prompt,
        persona_key,
        persona_name,
        pack_id,
        pack_name,
        config,
        widget_config,
        allowed_origins,
        widget_mode,
        release_gate,
        is_active,
        live_version,
        auto_optimize,
        optimization_status,
        optimization_metadata,
        created_by,
        updated_by,
        created_at,
        updated_at,
        deleted_at,
    ) = row[:-2]
    return {
        "id": public_id,
        "public_id": public_id,
        "slug": slug,
        "name": name,
        "description": description,
        "template": template,
        "industry": industry,
        "system_prompt": system_prompt,
        "persona": persona_key and {"key": persona_key, "name": persona_name},
        "knowledge_pack": pack_id and {"id": pack_id, "name": pack_name},
        "vector_store_status": row[-1] or "none",
        "config": _as_stored(config),
        "widget_config": _as_stored(widget_config),
        "allowed_origins": _as_stored(allowed_origins),
        "widget_mode": widget_mode,
        "release_gate": release_gate,
        "is_active": is_active,
        "live_version": live_version,
        "auto_optimize": auto_optimize,
        "optimization_pending": optimization_status in PENDING,
        "optimization_status": optimization_status,
        "optimization_metadata": _as_stored(optimization_metadata),
        "embed_code": render_embed(public_id, _shown(widget_config)),
        "created_by_user_id": created_by,
        "updated_by_user_id": updated_by,
        "created_at": created_at,
        "updated_at": updated_at,
        "deleted_at": deleted_at,
    }


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
