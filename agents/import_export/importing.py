"""Make an agent from a file, by the functions that make every other one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import transaction
from django.db.models.functions import Lower

from accounts.audit import log as audit
from accounts.errors import DomainError, Invalid
from accounts.models.audit import AuditAction
from accounts.models.organizations import UNLIMITED, Organization
from accounts.models.users import User
from accounts.webhooks.delivery import announcing
from agents.configuration.origins import parse_origins
from agents.configuration.settings import Configuration
from agents.custody.suites import create_test
from agents.import_export.file_format import (
    AgentFile,
    AgentPart,
    PersonaPart,
    VersionPart,
    at,
)
from agents.knowledge.documents import DocumentLimitReached, create_document
from agents.knowledge.packs import create_knowledge_pack
from agents.lifecycle.creation import (
    AgentLimitReached,
    audited,
    checked_configuration,
    create_agent,
    get_agent_by_idempotency_key,
)
from agents.lifecycle.editing import MERGED, add_version
from agents.models.agents import SETTINGS, SHAPING_SETTINGS, Agent
from agents.models.knowledge import Document, KnowledgePack
from agents.models.personas import Persona
from agents.models.versions import AgentVersion

Shape = dict[str, Any]
BESIDE_VERSIONS = tuple(each for each in SETTINGS if each.in_file and not each.shapes)


@announcing(AgentLimitReached, limit="agents")
@announcing(DocumentLimitReached, limit="documents")
@transaction.atomic
def import_agent(
    *,
    organization: Organization,
    created_by: User | None,
    file: AgentFile,
    name: str = "",
    idempotency_key: str | None = None,
    request_fingerprint: str = "",
) -> tuple[Agent, bool]:
    """Create the agent of a file, or return the one this key already made.

    All of it or nothing. A name that is taken gets a number. Raises AgentLimitReached,
    DocumentLimitReached, KeyReused, and InvalidFile with pointers into the file.
    """
    # Lock first: names, limits and the key are judged under it.
    organization = Organization.objects.locked(organization.pk)
    if idempotency_key is not None:
        twin = get_agent_by_idempotency_key(
            organization, idempotency_key, with_deleted=True
        )
        if twin is not None:
            twin.check_same_request(request_fingerprint)
            return twin, False
    if not organization.has_room_for_an_agent:
        raise AgentLimitReached(organization)
    personas = _personas(organization, created_by, file)
    pack = _pack(organization, created_by, file)
    with part("/agent"):
        now = _shape(file.agent, personas, pack)
        origins = parse_origins(file.agent.allowed_origins)
    shapes = _shapes(file, personas, pack)
    first = shapes[0]
    wishes = {
        **{each.name: getattr(file.agent, each.name) for each in BESIDE_VERSIONS},
        **{each.name: first[each.name] for each in SHAPING_SETTINGS if not each.by},
        "knowledge_pack_id": first["knowledge_pack"] and first["knowledge_pack"].pk,
        "name": _free_name(Agent, organization, name or file.agent.name),
        "allowed_origins": origins,
        # Nor is the optimizer asked while it is being made.
        "auto_optimize": False,
    }
    agent, _ = create_agent(
        organization=organization,
        created_by=created_by,
        idempotency_key=idempotency_key,
        request_fingerprint=request_fingerprint,
        is_copy=True,
        **wishes,
    )
    _relive(agent, created_by, file, shapes, now)
    for place, test in enumerate(file.tests):
        with part(f"/tests/{place}"):
            create_test(agent=agent, created_by=created_by, **test.model_dump())
    return agent, True


@contextmanager
def part(pointer: str) -> Iterator[None]:
    """Let the refusal of one part say where in the file that is."""
    try:
        yield
    except DocumentLimitReached:
        raise
    except DomainError as error:
        raise at(pointer, error) from None


def _shape(
    said: AgentPart | VersionPart,
    personas: dict[str, Persona],
    pack: KnowledgePack | None,
) -> Shape:
    """Return what shapes an answer, as rows have it."""
    persona = None
    if said.persona is not None and (persona := personas.get(said.persona)) is None:
        raise Invalid("There is no such persona.", pointer="/persona")
    return {
        **{
            each.name: getattr(said, each.name)
            for each in SHAPING_SETTINGS
            if each.is_plain
        },
        "persona": persona,
        "knowledge_pack": pack,
        **{
            name: checked_configuration(model, getattr(said, name), f"/{name}")
            for name, model in MERGED.items()
        },
    }


def _shapes(
    file: AgentFile, personas: dict[str, Persona], pack: KnowledgePack | None
) -> list[Shape]:
    shapes = []
    for place, version in enumerate(file.versions):
        with part(f"/versions/{place}"):
            used = pack if version.uses_knowledge else None
            shapes.append(_shape(version, personas, used))
    return shapes


def _relive(
    agent: Agent,
    author: User | None,
    file: AgentFile,
    shapes: list[Shape],
    now: Shape,
) -> None:
    """Give a new agent the versions it had, and make it what it was at the end."""
    before = audited(agent)
    first = agent.live_version
    versions: dict[int, AgentVersion] = {}
    for number, (said, shape) in enumerate(zip(file.versions, shapes, strict=True), 1):
        told = {
            "origin": said.origin,
            "note": said.note,
            "persona_prompt": said.persona_prompt or _prompt_of(shape["persona"]),
            **shape,
        }
        if number == 1:
            # Nobody has seen it yet: until this commits, it is still being made.
            AgentVersion.objects.filter(pk=first.pk).update(**told)
            versions[said.number] = first
            continue
        versions[said.number] = AgentVersion(
            agent=agent,
            number=number,
            author=author,
            parent=versions.get(said.parent),
            **told,
        )
    AgentVersion.objects.bulk_create(
        [version for version in versions.values() if version is not first]
    )
    for name, value in now.items():
        setattr(agent, name, value)
    agent.auto_optimize = file.agent.auto_optimize
    agent.live_version = versions[file.live_version]
    agent.draft_version = versions.get(file.draft_version)
    kept = {}
    if agent.has_proposal:
        # It differs from the agent by its prompt, and is no edit.
        kept = {"system_prompt": now["system_prompt"]}
    if shapes[-1] | kept != now:
        add_version(agent, author=author, note="As it was when it was exported")
    agent.save()
    audit.record(
        action=AuditAction.UPDATE,
        resource_type="agent",
        resource_id=agent.public_id,
        organization_id=agent.organization_id,
        actor=author,
        changes=audit.difference(before, audited(agent)),
        metadata={"imported_versions": len(shapes), "imported_tests": len(file.tests)},
    )


def _prompt_of(persona: Persona | None) -> str:
    return persona.system_prompt if persona else ""


def _personas(
    organization: Organization, author: User | None, file: AgentFile
) -> dict[str, Persona]:
    """Return the personas the file speaks of, by the keys it calls them."""
    built_in = {each.key: each for each in Persona.objects.filter(organization=None)}
    mine = Persona.objects.filter(organization=organization)
    taken = {each.key: each for each in mine}
    found = {}
    for place, said in enumerate(file.personas):
        with part(f"/personas/{place}"):
            tactics = checked_configuration(Configuration, said.tactics, "/tactics")
        same = taken.get(said.key)
        if same is None or not _is_same(same, said):
            key = _free_key(said.key, {*taken, *built_in})
            same = _new_persona(organization, author, said, key, tactics)
            taken[key] = same
        found[said.key] = same
    return taken | built_in | found


def _is_same(persona: Persona, said: PersonaPart) -> bool:
    return all(
        getattr(persona, name) == getattr(said, name)
        for name in ("name", "domain", "system_prompt", "tactics")
    )


def _free_key(key: str, taken: set[str]) -> str:
    free, number = key, 2
    while free in taken:
        free, number = f"{key[:45]}-{number}", number + 1
    return free


def _new_persona(
    organization: Organization,
    author: User | None,
    said: PersonaPart,
    key: str,
    tactics: dict[str, Any],
) -> Persona:
    values = {
        "key": key,
        "name": said.name,
        "domain": said.domain,
        "system_prompt": said.system_prompt,
        "tactics": tactics,
    }
    persona = Persona.objects.create(organization=organization, **values)
    audit.record(
        action=AuditAction.CREATE,
        resource_type="persona",
        resource_id=persona.pk,
        organization_id=organization.pk,
        actor=author,
        changes=audit.difference({}, values),
    )
    return persona


def _pack(
    organization: Organization, author: User | None, file: AgentFile
) -> KnowledgePack | None:
    if (said := file.knowledge) is None:
        return None
    _check_room(organization, len(said.documents))
    with part("/knowledge"):
        pack = create_knowledge_pack(
            organization=organization,
            name=_free_name(KnowledgePack, organization, said.name),
            description=said.description,
            language=said.language,
            created_by=author,
        )
    for place, document in enumerate(said.documents):
        with part(f"/knowledge/documents/{place}"):
            create_document(
                knowledge_pack=pack, created_by=author, **document.model_dump()
            )
    return pack


def _check_room(organization: Organization, more: int) -> None:
    """Refuse before the first document what the last one would be refused for."""
    if organization.max_documents == UNLIMITED:
        return
    used = Document.objects.for_organization(organization).order_by().count()
    if used + more > organization.max_documents:
        raise DocumentLimitReached(organization, used)


def _free_name(
    model: type[Agent | KnowledgePack], organization: Organization, name: str
) -> str:
    """Return a name nobody has; exact under the organization's lock."""
    stem = name.strip()[:250]
    taken = set(
        model.objects.for_organization(organization)
        .filter(name__istartswith=stem)
        .order_by()
        .values_list(Lower("name"), flat=True)
    )
    free, number = name.strip(), 2
    while free.lower() in taken:
        free, number = f"{stem} {number}", number + 1
    return free
