"""A new agent and what it knows, made in one step."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from accounts.errors import Invalid
from accounts.models.organizations import Organization
from accounts.models.users import User
from agents.knowledge.documents import DuplicateDocument, create_document
from agents.knowledge.packs import NameTaken, create_knowledge_pack
from agents.knowledge.uploads import (
    File,
    FileTooLarge,
    UnreadableFile,
    name_of,
    upload_document,
)
from agents.lifecycle.creation import create_agent, get_agent_by_idempotency_key
from agents.models.agents import Agent
from agents.models.knowledge import KnowledgePack


@transaction.atomic
def set_up_agent(
    *,
    organization: Organization,
    created_by: User,
    idempotency_key: str,
    pack_name: str | None,
    documents: list[dict[str, str]],
    files: Sequence[File] = (),
    **wishes: Any,
) -> Agent:
    """Create an agent together with the pack, the texts and files it answers from.

    Everything or nothing; a repeated key returns the first agent. `pack_name` None
    makes no pack. Raises what `create_agent` and `create_document` raise.
    """
    # Lock first: the same form sent twice would find its own pack's name taken.
    organization = Organization.objects.select_for_update(no_key=True).get(
        pk=organization.pk
    )
    if twin := get_agent_by_idempotency_key(organization, idempotency_key):
        return twin
    if pack_name is not None:
        pack = _new_pack(organization, created_by, pack_name)
        for document in documents:
            create_document(knowledge_pack=pack, created_by=created_by, **document)
        for file in files:
            _upload(pack, created_by, file)
        wishes["knowledge_pack_id"] = pack.pk
    return create_agent(
        organization=organization,
        created_by=created_by,
        idempotency_key=idempotency_key,
        **wishes,
    )[0]


def _upload(pack: KnowledgePack, author: User, file: File) -> None:
    """Add a file; one that is refused is named, as there may be several."""
    try:
        upload_document(knowledge_pack=pack, file=file, created_by=author)
    except (DuplicateDocument, FileTooLarge, UnreadableFile) as error:
        raise Invalid(f"{name_of(file)}: {error.detail}", pointer="/files") from None


def _new_pack(organization: Organization, author: User, name: str) -> KnowledgePack:
    try:
        return create_knowledge_pack(
            organization=organization, name=name, created_by=author
        )
    except NameTaken as error:
        raise Invalid(error.detail, pointer="/pack_name") from None
