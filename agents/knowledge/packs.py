"""Knowledge packs: make, change and delete them."""

from typing import Any

from django.db import transaction

from accounts.audit import log as audit
from accounts.errors import DomainError, Invalid, NotFound
from accounts.models.audit import AuditAction
from accounts.models.organizations import Organization
from accounts.models.users import User
from agents.knowledge.indexing import index_again
from agents.knowledge.readiness import settle_readiness
from agents.models.agents import Agent
from agents.models.knowledge import KnowledgePack, Language


class PackInUse(DomainError):
    """Agents still answer from the pack."""

    status = 422
    code = "knowledge-pack-in-use"

    def __init__(self, agents: int) -> None:
        noun = "agent answers" if agents == 1 else "agents answer"
        super().__init__(f"{agents} {noun} from this pack.", agents=agents)


class NameTaken(Invalid):
    code = "name-taken"
    detail = "Another knowledge pack already has this name."
    pointer = "/name"


def get_pack(*, organization: Organization, pack_id: Any) -> KnowledgePack:
    """Return one of the organization's packs; another's is as if it did not exist."""
    packs = KnowledgePack.objects.for_organization(organization)
    pack = packs.filter(pk=pack_id).order_by().first()
    if pack is None:
        raise NotFound
    return pack


@transaction.atomic
def create_knowledge_pack(
    *,
    organization: Organization,
    name: str,
    created_by: User | None,
    description: str = "",
    language: str = Language.ENGLISH,
) -> KnowledgePack:
    """Create an empty pack. Raises NameTaken."""
    organization = _locked(organization)
    name = name.strip()
    _check_name(organization, name)
    pack = KnowledgePack.objects.create(
        organization=organization,
        name=name,
        description=description,
        language=language,
        created_by_user=created_by,
    )
    audit.record(
        action=AuditAction.CREATE,
        resource_type="knowledge_pack",
        resource_id=pack.pk,
        organization_id=organization.pk,
        actor=created_by,
        changes=audit.difference({}, _audited(pack)),
    )
    return pack


@transaction.atomic
def update_knowledge_pack(
    *, knowledge_pack: KnowledgePack, actor: User | None, changes: dict[str, Any]
) -> KnowledgePack:
    """Change name, description or language; another language indexes anew."""
    organization = _locked(knowledge_pack.organization)
    pack = _reread(knowledge_pack)
    before = _audited(pack)
    for field in ("name", "description", "language"):
        if field in changes:
            setattr(pack, field, changes[field].strip())
    after = _audited(pack)
    if before == after:
        return pack
    if before["name"] != after["name"]:
        _check_name(organization, pack.name, other_than=pack)
    is_translated = before["language"] != after["language"]
    if is_translated:
        # Documents before their pack, as workers lock them.
        index_again(pack)
    pack.save(update_fields=["name", "description", "language", "updated_at"])
    if is_translated:
        settle_readiness(pack.pk)
    audit.record(
        action=AuditAction.UPDATE,
        resource_type="knowledge_pack",
        resource_id=pack.pk,
        organization_id=organization.pk,
        actor=actor,
        changes=audit.difference(before, after),
    )
    return pack


@transaction.atomic
def delete_knowledge_pack(
    *, knowledge_pack: KnowledgePack, actor: User | None, detach: bool = False
) -> None:
    """Delete a pack with its documents. Raises PackInUse unless agents are detached.

    What old versions of agents remember of it goes with it.
    """
    organization = _locked(knowledge_pack.organization)
    pack = _reread(knowledge_pack)
    using = Agent.objects.for_organization(organization).filter(knowledge_pack=pack)
    if not detach and (number := using.count()):
        raise PackInUse(number)
    # A worker that is storing passages ends first, or starts too late.
    documents = list(pack.documents.order_by("pk").select_for_update().only("pk"))
    before = _audited(pack) | {"documents": len(documents)}
    pack.delete()
    audit.record(
        action=AuditAction.DELETE,
        resource_type="knowledge_pack",
        resource_id=knowledge_pack.pk,
        organization_id=organization.pk,
        actor=actor,
        changes=audit.difference(before, {}),
    )


def _locked(organization: Organization) -> Organization:
    return Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)


def _reread(knowledge_pack: KnowledgePack) -> KnowledgePack:
    pack = KnowledgePack.objects.filter(pk=knowledge_pack.pk).order_by().first()
    if pack is None:
        raise NotFound
    return pack


def _check_name(
    organization: Organization, name: str, other_than: KnowledgePack | None = None
) -> None:
    """Refuse a name that is taken; exact under the organization's lock."""
    same = KnowledgePack.objects.for_organization(organization).filter(
        name__iexact=name
    )
    if other_than is not None:
        same = same.exclude(pk=other_than.pk)
    if same.exists():
        raise NameTaken


def _audited(pack: KnowledgePack) -> dict[str, Any]:
    return {
        "name": pack.name,
        "description": pack.description,
        "language": pack.language,
    }
