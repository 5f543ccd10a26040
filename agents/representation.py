"""Agents as plain dictionaries, from rows without building models."""

from typing import Any

from django.db.models import QuerySet

from agents.embed import render_embed
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
)


def agent_rows(agents: QuerySet[Agent]) -> QuerySet:
    """Select what `row_as_dict` needs, in one query."""
    return agents.values_list(*COLUMNS)


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
        _revision,
    ) = row
    return {
        "id": public_id,
        "public_id": public_id,
        "slug": slug,
        "name": name,
        "description": description,
        "template": template,
        "industry": industry,
        "system_prompt": system_prompt,
        "persona": {"key": persona_key, "name": persona_name} if persona_key else None,
        "knowledge_pack": {"id": pack_id, "name": pack_name} if pack_id else None,
        "config": config,
        "widget_config": widget_config,
        "allowed_origins": allowed_origins,
        "widget_mode": widget_mode,
        "release_gate": release_gate,
        "is_active": is_active,
        "live_version": live_version,
        "auto_optimize": auto_optimize,
        "optimization_pending": optimization_status in PENDING,
        "optimization_status": optimization_status,
        "optimization_metadata": optimization_metadata,
        "embed_code": render_embed(public_id, widget_config),
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
        "live_version__number": live and live.number,
    }
    return row_as_dict(
        tuple(
            related[name] if name in related else getattr(agent, name)
            for name in COLUMNS
        )
    )
