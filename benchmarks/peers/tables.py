"""The reference's tables: the columns of the product's own that three endpoints use."""

import uuid
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ARRAY, BigInteger, DateTime, ForeignKey, String, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    type_annotation_map = {
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
        list[str]: ARRAY(String),
        uuid.UUID: Uuid,
        int: BigInteger,
    }


def now() -> datetime:
    return datetime.now(UTC)


class User(Base):
    __tablename__ = "users"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    is_active: Mapped[bool]
    deleted_at: Mapped[datetime | None]


class Organization(Base):
    __tablename__ = "organizations"
    id: Mapped[int] = mapped_column(primary_key=True)
    agent_count: Mapped[int]
    max_agents: Mapped[int]
    deleted_at: Mapped[datetime | None]


class Membership(Base):
    __tablename__ = "memberships"
    id: Mapped[int] = mapped_column(primary_key=True)
    organization_id: Mapped[int]
    user_id: Mapped[uuid.UUID]
    role: Mapped[str]


class ApiKey(Base):
    __tablename__ = "api_keys"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID]
    organization_id: Mapped[int]
    key_hash: Mapped[str]
    scopes: Mapped[list[str]]
    expires_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]


class Persona(Base):
    __tablename__ = "personas"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[int | None]
    key: Mapped[str]
    name: Mapped[str]
    system_prompt: Mapped[str]


class KnowledgePack(Base):
    __tablename__ = "knowledge_packs"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    vector_store_status: Mapped[str]


class AgentVersion(Base):
    __tablename__ = "agent_versions"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    agent_id: Mapped[int]
    number: Mapped[int] = mapped_column(default=1)
    system_prompt: Mapped[str]
    persona_prompt: Mapped[str]
    persona_id: Mapped[uuid.UUID | None]
    knowledge_pack_id: Mapped[uuid.UUID | None]
    config: Mapped[dict[str, Any]]
    widget_config: Mapped[dict[str, Any]]
    note: Mapped[str] = mapped_column(default="")
    origin: Mapped[str] = mapped_column(default="edit")
    author_id: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime] = mapped_column(default=now)


class Agent(Base):
    __tablename__ = "agents"
    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[uuid.UUID]
    organization_id: Mapped[int]
    name: Mapped[str]
    slug: Mapped[str]
    description: Mapped[str]
    template: Mapped[str] = mapped_column(default="custom")
    industry: Mapped[str] = mapped_column(default="general")
    system_prompt: Mapped[str]
    persona_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("personas.id"))
    knowledge_pack_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("knowledge_packs.id")
    )
    live_version_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("agent_versions.id")
    )
    config: Mapped[dict[str, Any]]
    widget_config: Mapped[dict[str, Any]]
    allowed_origins: Mapped[list[Any]] = mapped_column(default=list)
    widget_mode: Mapped[str] = mapped_column(default="public")
    release_gate: Mapped[str] = mapped_column(default="none")
    is_active: Mapped[bool] = mapped_column(default=True)
    auto_optimize: Mapped[bool] = mapped_column(default=True)
    optimization_status: Mapped[str] = mapped_column(default="pending")
    optimization_metadata: Mapped[dict[str, Any]] = mapped_column(default=dict)
    request_fingerprint: Mapped[str] = mapped_column(default="")
    revision: Mapped[int] = mapped_column(default=1)
    created_by_user_id: Mapped[uuid.UUID | None]
    updated_by_user_id: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now)
    deleted_at: Mapped[datetime | None]

    persona: Mapped[Persona | None] = relationship(lazy="raise")
    knowledge_pack: Mapped[KnowledgePack | None] = relationship(lazy="raise")
    version: Mapped[AgentVersion | None] = relationship(lazy="raise")


class AgentMetrics(Base):
    __tablename__ = "agent_metrics"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    organization_id: Mapped[int]
    agent_id: Mapped[str]
    agent_type: Mapped[str]


class OptimizationRun(Base):
    __tablename__ = "optimization_runs"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    agent_id: Mapped[int]
    base_version_id: Mapped[uuid.UUID]
    status: Mapped[str] = mapped_column(default="pending")
    attempt: Mapped[int] = mapped_column(default=0)
    run_after: Mapped[datetime] = mapped_column(default=now)
    last_error: Mapped[str] = mapped_column(default="")
    outcome: Mapped[str] = mapped_column(default="")
    provider: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(default=now)


class AuditHead(Base):
    __tablename__ = "audit_heads"
    organization_id: Mapped[int] = mapped_column(primary_key=True)
    sequence: Mapped[int]
    previous_hash: Mapped[str]
    hash: Mapped[str]


class AuditLog(Base):
    __tablename__ = "audit_logs"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[int]
    sequence: Mapped[int]
    timestamp: Mapped[datetime]
    user_id: Mapped[uuid.UUID | None]
    api_key_id: Mapped[uuid.UUID | None]
    actor_type: Mapped[str]
    action: Mapped[str]
    resource_type: Mapped[str]
    resource_id: Mapped[str]
    request_id: Mapped[uuid.UUID | None]
    request_path: Mapped[str]
    request_method: Mapped[str]
    response_status: Mapped[int | None]
    details_digest: Mapped[str]
    previous_hash: Mapped[str]
    hash: Mapped[str]


class AuditDetail(Base):
    __tablename__ = "audit_details"
    audit_log_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    ip_address: Mapped[str]
    user_agent: Mapped[str]
    request_body: Mapped[dict[str, Any] | None]
    changes: Mapped[dict[str, Any]]
    # `metadata` is a word of SQLAlchemy's own.
    facts: Mapped[dict[str, Any]] = mapped_column("metadata")
