"""Write an agent into a file that any installation can read."""

from typing import Any

import orjson
from django.db.models import F, Func, IntegerField, Sum
from django.utils import timezone

from accounts.errors import DomainError
from agents.custody.suites import shown
from agents.import_export.file_format import (
    FORMAT,
    MAX_BYTES,
    MAX_DOCUMENTS,
    MAX_VERSIONS,
    VERSION,
)
from agents.models.agents import SETTINGS, SHAPING_SETTINGS, Agent
from agents.models.knowledge import Document, KnowledgePack
from agents.models.personas import Persona
from agents.models.versions import AgentVersion


class TooLargeToExport(DomainError):
    status = 422
    code = "too-large-to-export"
    detail = (
        f"A file holds at most {MAX_DOCUMENTS} documents and {MAX_BYTES // 2**20} MB. "
        "Leave the knowledge out (knowledge=false) and move its documents by the API."
    )


def export_agent(agent: Agent, *, knowledge: bool = True) -> bytes:
    """Return an agent as JSON: no key, no id of this installation, no conversation.

    `agent` comes with its details. Raises TooLargeToExport.
    """
    pack = agent.knowledge_pack if knowledge else None
    if pack is not None:
        _check_size(pack)
    versions = _versions(agent)
    rows = [*versions, agent]
    personas = {each.persona_id: each.persona for each in rows if each.persona}
    whole = {
        "format": FORMAT,
        "version": VERSION,
        "exported_at": timezone.now().isoformat(timespec="seconds"),
        "agent": {each.name: each.of(agent) for each in SETTINGS if each.in_file},
        "personas": [
            _own_persona(each)
            for each in sorted(personas.values(), key=lambda each: each.key)
            if each.organization_id is not None
        ],
        "versions": [_version(each, agent, pack) for each in versions],
        "live_version": _number(agent.live_version_id, versions),
        "draft_version": _number(agent.draft_version_id, versions),
        "tests": [
            shown(test) for test in agent.custody_tests.order_by("created_at", "id")
        ],
        "knowledge": pack and _knowledge(pack),
    }
    written = orjson.dumps(whole, option=orjson.OPT_INDENT_2)
    if len(written) > MAX_BYTES:
        raise TooLargeToExport
    return written


def _check_size(pack: KnowledgePack) -> None:
    size = Func(F("content"), function="OCTET_LENGTH", output_field=IntegerField())
    documents = Document.objects.filter(knowledge_pack=pack).exclude(content="")
    held = documents.order_by().aggregate(bytes=Sum(size))["bytes"] or 0
    if held > MAX_BYTES or documents.count() > MAX_DOCUMENTS:
        raise TooLargeToExport


def _versions(agent: Agent) -> list[AgentVersion]:
    """Return the newest versions, and always those in use, from old to new."""
    known = agent.versions.select_related("persona", "parent")
    newest = list(known.order_by("-number")[: MAX_VERSIONS - 2])
    used = {agent.live_version_id, agent.draft_version_id}
    older = known.filter(pk__in=used - {each.pk for each in newest} - {None})
    return sorted([*newest, *older], key=lambda each: each.number)


def _number(version_id: Any, versions: list[AgentVersion]) -> int | None:
    return next((each.number for each in versions if each.pk == version_id), None)


def _own_persona(persona: Persona) -> dict[str, Any]:
    plain = ("key", "name", "domain", "system_prompt", "tactics")
    return {name: getattr(persona, name) for name in plain}


def _version(
    version: AgentVersion, agent: Agent, pack: KnowledgePack | None
) -> dict[str, Any]:
    plain = ("number", "origin", "note", "persona_prompt")
    return {name: getattr(version, name) for name in plain} | {
        **{each.name: each.of(version) for each in SHAPING_SETTINGS if each.in_file},
        "parent": version.parent and version.parent.number,
        "created_at": version.created_at.isoformat(timespec="seconds"),
        "uses_knowledge": pack is not None and version.knowledge_pack_id == pack.pk,
    }


def _knowledge(pack: KnowledgePack) -> dict[str, Any]:
    documents = Document.objects.filter(knowledge_pack=pack).exclude(content="")
    return {
        "name": pack.name,
        "description": pack.description,
        "language": pack.language,
        "documents": [
            {"title": title, "content": content, "source_url": address}
            for title, content, address in documents.order_by(
                "created_at", "id"
            ).values_list("title", "content", "source_url")
        ],
    }
