"""The reference: FastAPI, SQLAlchemy's async ORM and asyncpg, written as they advise.

Three endpoints of the product: the same authentication, answers and rows.
"""

import hashlib
import json
import os
import re
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import redis.asyncio
from fastapi import Depends, FastAPI, Header, HTTPException, Query, Request
from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import joinedload

from benchmarks.peers.shapes import AgentOut, NewAgent, Page, embed_code
from benchmarks.peers.tables import (
    Agent,
    AgentMetrics,
    AgentVersion,
    ApiKey,
    AuditDetail,
    AuditHead,
    AuditLog,
    KnowledgePack,
    Membership,
    OptimizationRun,
    Organization,
    Persona,
    User,
    now,
)

BASE_URL = os.environ["PUBLIC_BASE_URL"]
engine = create_async_engine(
    os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://"),
    pool_size=5,
    max_overflow=10,
)
open_session = async_sessionmaker(engine, expire_on_commit=False)
broker = redis.asyncio.Redis.from_url(os.environ["REDIS_URL"])


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


async def get_session() -> AsyncIterator[AsyncSession]:
    async with open_session() as session:
        yield session


Session = Annotated[AsyncSession, Depends(get_session)]


class Caller:
    def __init__(self, key: ApiKey, organization: Organization, role: str) -> None:
        self.key = key
        self.organization = organization
        self.role = role


async def authenticate(session: Session, x_api_key: Annotated[str, Header()]) -> Caller:
    digest = hashlib.sha256(x_api_key.encode()).hexdigest()
    found = await session.execute(
        select(ApiKey, Organization, Membership.role)
        .join(User, User.id == ApiKey.user_id)
        .join(Organization, Organization.id == ApiKey.organization_id)
        .join(
            Membership,
            (Membership.user_id == User.id)
            & (Membership.organization_id == Organization.id),
        )
        .where(
            ApiKey.key_hash == digest,
            ApiKey.deleted_at.is_(None),
            or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > now()),
            User.is_active,
            User.deleted_at.is_(None),
            Organization.deleted_at.is_(None),
        )
    )
    row = found.first()
    if row is None:
        raise HTTPException(401, "This API key is not valid.")
    return Caller(*row)


def allowed(scope: str) -> Any:
    async def check(caller: Annotated[Caller, Depends(authenticate)]) -> Caller:
        if scope not in caller.key.scopes:
            raise HTTPException(403, "This key may not do this.")
        return caller

    return Depends(check)


def living(organization: Organization) -> Any:
    return (
        select(Agent)
        .options(
            joinedload(Agent.persona).load_only(Persona.key, Persona.name),
            joinedload(Agent.knowledge_pack).load_only(
                KnowledgePack.name, KnowledgePack.vector_store_status
            ),
            joinedload(Agent.version).load_only(AgentVersion.number),
        )
        .where(Agent.organization_id == organization.id, Agent.deleted_at.is_(None))
    )


def shown(agent: Agent) -> dict[str, Any]:
    values = {name: getattr(agent, name, None) for name in AgentOut.model_fields}
    return values | {
        "id": agent.public_id,
        "persona": agent.persona
        and {"key": agent.persona.key, "name": agent.persona.name},
        "knowledge_pack": agent.knowledge_pack
        and {"id": agent.knowledge_pack.id, "name": agent.knowledge_pack.name},
        "vector_store_status": agent.knowledge_pack.vector_store_status
        if agent.knowledge_pack
        else "none",
        "live_version": agent.version and agent.version.number,
        "optimization_pending": agent.optimization_status in ("pending", "running"),
        "embed_code": embed_code(BASE_URL, agent.public_id, agent.widget_config),
    }


@app.get("/api/v1/agents/", response_model=Page)
async def list_agents(
    request: Request,
    session: Session,
    caller: Annotated[Caller, allowed("agents:read")],
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    offset: Annotated[int, Query(ge=0, le=10_000)] = 0,
) -> Any:
    agents = await session.scalars(
        living(caller.organization)
        .order_by(Agent.created_at.desc(), Agent.id.desc())
        .limit(limit)
        .offset(offset)
    )
    count, after = caller.organization.agent_count, offset + limit
    following = request.url.include_query_params(limit=limit, offset=after)
    return {
        "count": count,
        "next": str(following) if after < count else None,
        "previous": None,
        "results": [shown(agent) for agent in agents],
    }


@app.get("/api/v1/agents/{public_id}/", response_model=AgentOut)
async def get_agent(
    public_id: uuid.UUID,
    session: Session,
    caller: Annotated[Caller, allowed("agents:read")],
) -> Any:
    agent = await session.scalar(
        living(caller.organization).where(Agent.public_id == public_id)
    )
    if agent is None:
        raise HTTPException(404, "There is no such agent.")
    return shown(agent)


@app.post("/api/v1/agents/", response_model=AgentOut, status_code=201)
async def create_agent(
    body: NewAgent,
    request: Request,
    session: Session,
    caller: Annotated[Caller, allowed("agents:write")],
) -> Any:
    organization = await session.scalar(
        select(Organization)
        .where(Organization.id == caller.organization.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if organization.max_agents not in (-1,) and (
        organization.agent_count >= organization.max_agents
    ):
        raise HTTPException(403, "The organization has reached its agent limit.")
    persona = None
    if body.persona_key:
        persona = await session.scalar(
            select(Persona).where(
                Persona.key == body.persona_key,
                or_(
                    Persona.organization_id.is_(None),
                    Persona.organization_id == organization.id,
                ),
            )
        )
        if persona is None:
            raise HTTPException(400, "There is no such persona.")
    slug = await free_slug(session, organization, body.name)
    agent = new_agent(body, organization, caller, persona, slug)
    session.add(agent)
    await session.flush()
    version = first_version(agent, persona)
    run = OptimizationRun(agent_id=agent.id, base_version_id=version.id)
    metrics = AgentMetrics(
        organization_id=organization.id, agent_id=str(agent.public_id), agent_type=slug
    )
    session.add_all([version, run, metrics])
    organization.agent_count = Organization.agent_count + 1
    await session.flush()
    await record(session, caller, agent, request, body)
    await session.commit()
    await broker.lpush("reference:tasks", json.dumps({"optimize": str(run.id)}))
    agent.__dict__.update(persona=persona, knowledge_pack=None, version=version)
    return shown(agent)


async def free_slug(
    session: AsyncSession, organization: Organization, name: str
) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:50] or "agent"
    same = await session.execute(
        select(func.lower(Agent.name), Agent.deleted_at, Agent.slug).where(
            Agent.organization_id == organization.id,
            or_(
                (func.lower(Agent.name) == name.lower()) & Agent.deleted_at.is_(None),
                Agent.slug == slug,
            ),
        )
    )
    for lower_name, deleted_at, taken in same:
        if lower_name == name.lower() and deleted_at is None:
            raise HTTPException(400, "Another agent already has this name.")
        if taken == slug:
            slug = f"{slug[:41]}-{uuid.uuid4().hex[:8]}"
    return slug


def new_agent(
    body: NewAgent,
    organization: Organization,
    caller: Caller,
    persona: Persona | None,
    slug: str,
) -> Agent:
    return Agent(
        public_id=uuid.uuid4(),
        organization_id=organization.id,
        name=body.name,
        slug=slug,
        description=body.description,
        system_prompt=body.system_prompt,
        persona_id=persona and persona.id,
        config=body.config.model_dump(),
        widget_config=body.widget_config.model_dump(),
        live_version_id=uuid.uuid4(),
        created_by_user_id=caller.key.user_id,
        updated_by_user_id=caller.key.user_id,
    )


def first_version(agent: Agent, persona: Persona | None) -> AgentVersion:
    return AgentVersion(
        id=agent.live_version_id,
        agent_id=agent.id,
        system_prompt=agent.system_prompt,
        persona_prompt=persona.system_prompt if persona else "",
        persona_id=agent.persona_id,
        config=agent.config,
        widget_config=agent.widget_config,
        author_id=agent.created_by_user_id,
    )


def digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


async def record(
    session: AsyncSession,
    caller: Caller,
    agent: Agent,
    request: Request,
    body: NewAgent,
) -> None:
    """Append to the organization's chain: the row, its details and the new head."""
    changes = {
        name: {"old": None, "new": value} for name, value in body.model_dump().items()
    }
    detail = {
        "ip_address": request.client.host if request.client else "",
        "user_agent": request.headers.get("user-agent", ""),
        "request_body": None,
        "changes": changes,
        "metadata": {},
    }
    head = await session.get(
        AuditHead, caller.organization.id, with_for_update=True, populate_existing=True
    )
    values = {
        "id": uuid.uuid4(),
        "organization_id": caller.organization.id,
        "sequence": head.sequence + 1,
        "timestamp": now(),
        "user_id": caller.key.user_id,
        "api_key_id": caller.key.id,
        "actor_type": "api_key",
        "action": "CREATE",
        "resource_type": "agent",
        "resource_id": str(agent.public_id),
        "request_id": uuid.uuid4(),
        "request_path": request.url.path,
        "request_method": request.method,
        "response_status": 201,
        "details_digest": digest(detail),
        "previous_hash": head.hash,
    }
    row = AuditLog(**values, hash=digest(values))
    detail["facts"] = detail.pop("metadata")
    session.add_all([row, AuditDetail(audit_log_id=row.id, **detail)])
    head.sequence, head.previous_hash, head.hash = row.sequence, head.hash, row.hash
    await session.flush()
