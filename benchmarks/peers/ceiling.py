"""The ceiling: the same three endpoints with psycopg and orjson and nothing else."""

import hashlib
import os
import re
import uuid
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import orjson
from psycopg import AsyncConnection
from psycopg.rows import tuple_row
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool

from benchmarks.peers.shapes import embed_code

BASE_URL = os.environ["PUBLIC_BASE_URL"]
PATH = "/api/v1/agents/"
AUTHENTICATE = """
SELECT k.id, k.user_id, k.scopes, o.id, o.agent_count, o.max_agents
FROM api_keys k
JOIN users u ON u.id = k.user_id
JOIN organizations o ON o.id = k.organization_id
JOIN memberships m ON m.user_id = u.id AND m.organization_id = o.id
WHERE k.key_hash = %s AND k.deleted_at IS NULL
  AND (k.expires_at IS NULL OR k.expires_at > now())
  AND u.is_active AND u.deleted_at IS NULL AND o.deleted_at IS NULL
"""
SELECT = """
SELECT a.public_id, a.slug, a.name, a.description, a.template, a.industry,
  a.system_prompt, p.key, p.name, k.id, k.name, a.config, a.widget_config,
  a.allowed_origins, a.widget_mode, a.release_gate, a.is_active, v.number,
  a.auto_optimize, a.optimization_status, a.optimization_metadata,
  a.created_by_user_id, a.updated_by_user_id, a.created_at, a.updated_at, a.deleted_at,
  coalesce(k.vector_store_status, 'none')
FROM agents a
LEFT JOIN personas p ON p.id = a.persona_id
LEFT JOIN knowledge_packs k ON k.id = a.knowledge_pack_id
LEFT JOIN agent_versions v ON v.id = a.live_version_id
WHERE a.organization_id = %s AND a.deleted_at IS NULL
"""
PAGE = SELECT + "ORDER BY a.created_at DESC, a.id DESC LIMIT %s OFFSET %s"
ONE = SELECT + "AND a.public_id = %s"
# Lock, limit and counter at once; then whatever the new row needs to know.
TAKE_PLACE = """
UPDATE organizations SET agent_count = agent_count + 1
WHERE id = %(organization)s AND (max_agents = -1 OR agent_count < max_agents)
RETURNING
  (SELECT (id, name, system_prompt) FROM personas
   WHERE key = %(persona)s AND organization_id IS NULL),
  EXISTS (SELECT FROM agents WHERE organization_id = %(organization)s
          AND (slug = %(slug)s OR lower(name) = %(lower)s AND deleted_at IS NULL))
"""
INSERT = """
WITH agent AS (
  INSERT INTO agents (public_id, organization_id, name, slug, description, template,
    industry, system_prompt, persona_id, config, widget_config, live_version_id,
    release_gate, is_active, allowed_origins, widget_mode, auto_optimize,
    optimization_status, optimization_metadata, revision, request_fingerprint,
    created_by_user_id, updated_by_user_id, created_at, updated_at)
  VALUES (%(public_id)s, %(organization)s, %(name)s, %(slug)s, %(description)s,
    'custom', 'general', %(system_prompt)s, %(persona_id)s, %(config)s,
    %(widget_config)s, %(version)s, 'none', true, '[]', 'public', true, 'pending',
    '{}', 1, '', %(user)s, %(user)s, %(now)s, %(now)s)
  RETURNING id
), version AS (
  INSERT INTO agent_versions (id, agent_id, number, system_prompt, persona_prompt,
    persona_id, config, widget_config, note, origin, author_id, created_at)
  SELECT %(version)s, id, 1, %(system_prompt)s, %(persona_prompt)s, %(persona_id)s,
    %(config)s, %(widget_config)s, '', 'edit', %(user)s, %(now)s FROM agent
), metrics AS (
  INSERT INTO agent_metrics (organization_id, agent_id, agent_type)
  VALUES (%(organization)s, %(public_id)s::text, %(slug)s)
)
INSERT INTO optimization_runs (id, agent_id, base_version_id, status, attempt,
  run_after, last_error, outcome, provider, created_at)
SELECT gen_random_uuid(), id, %(version)s, 'pending', 0, %(now)s, '', '', '', %(now)s
FROM agent
"""
HEAD = "SELECT sequence, hash FROM audit_heads WHERE organization_id = %s FOR UPDATE"
AUDIT = """
WITH entry AS (
  INSERT INTO audit_logs (id, organization_id, sequence, timestamp, user_id,
    api_key_id, actor_type, action, resource_type, resource_id, request_id,
    request_path, request_method, response_status, details_digest, previous_hash, hash)
  VALUES (%(id)s, %(organization)s, %(sequence)s, %(now)s, %(user)s, %(key)s,
    'api_key', 'CREATE', 'agent', %(public_id)s::text, %(request_id)s, %(path)s,
    'POST', 201, %(digest)s, %(previous)s, %(hash)s)
), detail AS (
  INSERT INTO audit_details (audit_log_id, ip_address, user_agent, changes, metadata)
  VALUES (%(id)s, '127.0.0.1', '', %(changes)s, '{}')
)
UPDATE audit_heads SET sequence = %(sequence)s, previous_hash = hash, hash = %(hash)s
WHERE organization_id = %(organization)s
"""
CONFIG = {
    "model": None,
    "temperature": 0.7,
    "max_tokens": 1000,
    "memory_enabled": True,
    "context_optimization": True,
    "response_time_target": 2.0,
    "quality_threshold": 0.8,
    "handover": "on_request",
    "handover_wait_minutes": 5,
}
WIDGET_CONFIG = {
    "theme": "modern",
    "position": "bottom-right",
    "size": "medium",
    "animation": "slide-up",
    "branding": True,
    "sound_enabled": False,
    "typing_indicator": True,
    "quick_replies": True,
    "welcome_message": None,
    "custom_css": None,
}
pool = AsyncConnectionPool(
    os.environ["DATABASE_URL"],
    min_size=5,
    max_size=15,
    open=False,
    kwargs={"autocommit": True, "row_factory": tuple_row},
)


def shown(row: tuple[Any, ...]) -> dict[str, Any]:
    persona = {"key": row[7], "name": row[8]} if row[7] else None
    pack = {"id": row[9], "name": row[10]} if row[9] else None
    return {
        **dict(zip(("id", "slug", "name", "description"), row[:4], strict=True)),
        "public_id": row[0],
        **dict(zip(("template", "industry", "system_prompt"), row[4:7], strict=True)),
        "persona": persona,
        "knowledge_pack": pack,
        "vector_store_status": row[26],
        "config": row[11],
        "widget_config": row[12],
        "allowed_origins": row[13],
        "widget_mode": row[14],
        "release_gate": row[15],
        "is_active": row[16],
        "live_version": row[17],
        "auto_optimize": row[18],
        "optimization_pending": row[19] in ("pending", "running"),
        "optimization_status": row[19],
        "optimization_metadata": row[20],
        "embed_code": embed_code(BASE_URL, row[0], row[12]),
        "created_by_user_id": row[21],
        "updated_by_user_id": row[22],
        "created_at": row[23],
        "updated_at": row[24],
        "deleted_at": row[25],
    }


async def read_page(
    connection: AsyncConnection, caller: tuple, query: str
) -> tuple[int, Any]:
    given = parse_qs(query)
    limit = min(int(given.get("limit", ["50"])[0]), 100)
    offset = int(given.get("offset", ["0"])[0])
    found = await connection.execute(PAGE, (caller[3], limit, offset))
    results = [shown(row) for row in await found.fetchall()]
    following = f"{BASE_URL}{PATH}?limit={limit}&offset={offset + limit}"
    return 200, {
        "count": caller[4],
        "next": following if offset + limit < caller[4] else None,
        "previous": None,
        "results": results,
    }


async def read_one(
    connection: AsyncConnection, caller: tuple, public_id: str
) -> tuple[int, Any]:
    found = await connection.execute(ONE, (caller[3], public_id))
    row = await found.fetchone()
    return (200, shown(row)) if row else (404, {})


async def create(
    connection: AsyncConnection, caller: tuple, body: dict[str, Any]
) -> tuple[int, Any]:
    name, organization = body["name"], caller[3]
    values = {
        "organization": organization,
        "persona": body.get("persona_key"),
        "slug": re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:50],
        "lower": name.lower(),
        "name": name,
        "description": body.get("description", ""),
        "system_prompt": body.get("system_prompt", ""),
        "public_id": uuid.uuid4(),
        "version": uuid.uuid4(),
        "config": Jsonb(CONFIG),
        "widget_config": Jsonb(WIDGET_CONFIG),
        "user": caller[1],
        "now": datetime.now(UTC),
    }
    async with connection.transaction():
        found = await (await connection.execute(TAKE_PLACE, values)).fetchone()
        if found is None:
            return 403, {}
        persona, is_taken = found
        if is_taken or persona is None:
            return 400, {}
        values |= {"persona_id": persona[0], "persona_prompt": persona[2]}
        await connection.execute(INSERT, values)
        await record(connection, caller, values, body)
    one = await connection.execute(ONE, (organization, values["public_id"]))
    return 201, shown(await one.fetchone())


async def record(
    connection: AsyncConnection,
    caller: tuple,
    values: dict[str, Any],
    body: dict[str, Any],
) -> None:
    head = await (await connection.execute(HEAD, (caller[3],))).fetchone()
    changes = {name: {"old": None, "new": value} for name, value in body.items()}
    row = {
        "id": uuid.uuid4(),
        "organization": caller[3],
        "sequence": head[0] + 1,
        "now": values["now"],
        "user": caller[1],
        "key": caller[0],
        "public_id": values["public_id"],
        "request_id": uuid.uuid4(),
        "path": PATH,
        "digest": hashlib.sha256(orjson.dumps(changes)).hexdigest(),
        "previous": head[1],
    }
    row["hash"] = hashlib.sha256(
        orjson.dumps(row, option=orjson.OPT_SORT_KEYS)
    ).hexdigest()
    await connection.execute(AUDIT, row | {"changes": Jsonb(changes)})


async def answer(scope: dict[str, Any], body: bytes) -> tuple[int, Any]:
    raw = dict(scope["headers"]).get(b"x-api-key", b"")
    async with pool.connection() as connection:
        digest = hashlib.sha256(raw).hexdigest()
        caller = await (await connection.execute(AUTHENTICATE, (digest,))).fetchone()
        if caller is None:
            return 401, {}
        if "agents:read" not in caller[2]:
            return 403, {}
        if scope["method"] == "POST":
            return await create(connection, caller, orjson.loads(body))
        if public_id := scope["path"].removeprefix(PATH).strip("/"):
            return await read_one(connection, caller, public_id)
        return await read_page(connection, caller, scope["query_string"].decode())


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if pool.closed:
        await pool.open()
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    status, content = await answer(scope, body)
    payload = orjson.dumps(content, option=orjson.OPT_UTC_Z)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(payload)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": payload})
