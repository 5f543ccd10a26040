"""What an agent refers to: its persona, its knowledge pack, and a slug of its own."""

from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connections, models
from django.utils.text import slugify

from accounts.errors import Invalid
from accounts.models.organizations import Organization
from agents.models.agents import Agent
from agents.models.knowledge import KnowledgePack
from agents.models.personas import Persona

# Names of agent types that are paths of the metrics API.
RESERVED_SLUGS = {"analytics", "bulk-update", "leaderboard"}
SLUG_LENGTH = 50


@dataclass(frozen=True)
class Surroundings:
    """What there is already for a new agent to refer to, or to collide with."""

    new_id: int
    twin_id: int | None
    is_name_taken: bool
    is_slug_taken: bool
    usual_model: str | None
    persona: Persona | None
    pack: KnowledgePack | None


def look_around(
    organization: Organization,
    *,
    name: str,
    persona_key: str | None,
    pack_id: UUID | None,
    idempotency_key: str | None,
) -> Surroundings:
    """Ask all that creation needs to know, in one statement that is built once.

    Exact under the organization's lock, which every writer of agents holds.
    """
    database = connections[Agent.objects.db]
    with database.cursor() as cursor:
        cursor.execute(
            _question(),
            {
                "organization": organization.pk,
                "name": name,
                "slug": slug_of(name),
                "persona": persona_key,
                "pack": pack_id,
                "key": idempotency_key,
            },
        )
        row = cursor.fetchone()
    start = 5
    end = start + len(_columns(Persona))
    return Surroundings(
        *row[:start],
        persona=_found(Persona, database.alias, row[start:end]),
        pack=_found(KnowledgePack, database.alias, row[end:]),
    )


# JSON columns stay behind and load if somebody asks.
def _columns(model: type[models.Model]) -> list[str]:
    return [
        field.attname
        for field in model._meta.concrete_fields
        if not isinstance(field, models.JSONField)
    ]


def _found(model: type[models.Model], database: str, values: tuple[Any, ...]) -> Any:
    return model.from_db(database, _columns(model), values) if values[0] else None


@cache
def _question() -> str:
    persona, pack = (
        ", ".join(f"{table}.{name}" for name in _columns(model))
        for table, model in (("persona", Persona), ("pack", KnowledgePack))
    )
    # An organization's own persona of that name comes before the built-in.
    return f"""
        SELECT
            nextval(pg_get_serial_sequence('agents', 'id')),
            (SELECT id FROM agents
                WHERE organization_id = %(organization)s
                AND idempotency_key = %(key)s::text),
            EXISTS (SELECT FROM agents
                WHERE organization_id = %(organization)s
                AND lower(name) = lower(%(name)s::text) AND deleted_at IS NULL),
            EXISTS (SELECT FROM agents
                WHERE organization_id = %(organization)s AND slug = %(slug)s::text),
            (SELECT default_model FROM provider_accounts
                WHERE organization_id = %(organization)s AND is_default),
            {persona}, {pack}
        FROM (VALUES (1)) AS one
        LEFT JOIN LATERAL (
            SELECT * FROM personas
            WHERE key = %(persona)s::text
                AND (organization_id IS NULL OR organization_id = %(organization)s)
            ORDER BY organization_id NULLS LAST
            LIMIT 1
        ) AS persona ON true
        LEFT JOIN knowledge_packs AS pack
            ON pack.id = %(pack)s::uuid AND pack.organization_id = %(organization)s
    """  # noqa: S608 - the column names are our own


def resolve_references(
    organization: Organization,
    persona_key: str | None,
    pack_id: UUID | None,
    *,
    only_pack: UUID | None = None,
    is_bound: bool = False,
) -> tuple[Persona | None, KnowledgePack | None]:
    """Find persona and knowledge pack among what the caller may use.

    A caller bound to one agent sees no pack but `only_pack`, which that agent has.
    Raises Invalid.
    """
    persona = pack = None
    if persona_key:
        persona = (
            Persona.objects.available_to(organization)
            .filter(key=persona_key)
            .order_by(models.F("organization").desc(nulls_last=True))
            .first()
        )
    if pack_id is not None and (not is_bound or pack_id == only_pack):
        pack = (
            KnowledgePack.objects.for_organization(organization)
            .filter(pk=pack_id)
            .order_by()
            .first()
        )
    check_references(persona_key, persona, pack_id, pack)
    return persona, pack


def check_references(
    persona_key: str | None,
    persona: Persona | None,
    pack_id: UUID | None,
    pack: KnowledgePack | None,
) -> None:
    """Refuse what was asked for and is not there."""
    if persona_key and persona is None:
        raise Invalid("There is no such persona.", pointer="/persona_key")
    if pack_id is not None and pack is None:
        raise Invalid("There is no such knowledge pack.", pointer="/knowledge_pack_id")


def slug_of(name: str) -> str:
    """Return the slug a name asks for; whether it is free is another question."""
    base = slugify(name)[:SLUG_LENGTH].strip("-_") or "agent"
    return f"{base}-agent" if base in RESERVED_SLUGS else base


def numbered_slug(organization: Organization, base: str) -> str:
    """Return the first free `base-2`, `base-3`, ...; deleted agents keep theirs."""
    stem = base[: SLUG_LENGTH - 7]
    taken = set(
        Agent.all_objects.for_organization(organization)
        .filter(slug__startswith=f"{stem}-")
        .values_list("slug", flat=True)
    )
    number = 2
    while f"{stem}-{number}" in taken:
        number += 1
    return f"{stem}-{number}"


def name_taken() -> Invalid:
    return Invalid("Another agent already has this name.", pointer="/name")
