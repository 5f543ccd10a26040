"""Documents of a knowledge pack: add, find and delete them."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import transaction

from accounts import audit
from accounts.errors import DomainError, Invalid, NotFound
from accounts.models.audit import AuditAction
from accounts.models.lifecycle import request_fingerprint
from accounts.models.organizations import UNLIMITED, Organization
from accounts.models.users import User
from accounts.webhooks import announcing
from accounts.work import nudge
from agents.knowledge.indexing import INDEX
from agents.models.knowledge import Document, KnowledgePack

MAX_CONTENT = 1_000_000
MAX_TITLE = 500
MAX_URL = 2_000
is_web_address = URLValidator(schemes=["http", "https"])


class DocumentLimitReached(DomainError):
    status = 403
    code = "document-limit-reached"

    def __init__(self, organization: Organization, used: int) -> None:
        self.organization, limit = organization, organization.max_documents
        super().__init__(
            f"Organization has reached document limit ({limit})", limit=limit, used=used
        )


class DuplicateDocument(Invalid):
    code = "duplicate-document"
    detail = "This pack already has a document with the same content."
    pointer = "/content"


@announcing(DocumentLimitReached, limit="documents")
@transaction.atomic
def create_document(
    *,
    knowledge_pack: KnowledgePack,
    title: str,
    content: str,
    source_url: str = "",
    created_by: User | None,
    idempotency_key: str | None = None,
) -> tuple[Document, bool]:
    """Add a text to a pack, or return the one this idempotency key already added.

    It is searched as soon as a worker has indexed it. Raises DuplicateDocument,
    DocumentLimitReached, KeyReused, Invalid.
    """
    title, source_url = title.strip(), source_url.strip()
    _check(title, content, source_url)
    fingerprint = request_fingerprint(
        [str(knowledge_pack.pk), title, content, source_url]
    )
    # Lock first: without it two requests could both see the last free place.
    organization = Organization.objects.select_for_update(no_key=True).get(
        pk=knowledge_pack.organization_id
    )
    mine = Document.objects.for_organization(organization).order_by()
    if idempotency_key is not None:
        twin = mine.filter(idempotency_key=idempotency_key).first()
        if twin:
            twin.check_same_request(fingerprint)
            return twin, False
    content_hash = Document.hash_of(content)
    if mine.filter(knowledge_pack=knowledge_pack, content_hash=content_hash).exists():
        raise DuplicateDocument
    _check_limit(organization)
    document = Document.objects.create(
        organization=organization,
        knowledge_pack=knowledge_pack,
        title=title,
        content=content,
        content_hash=content_hash,
        source_url=source_url,
        created_by_user=created_by,
        idempotency_key=idempotency_key,
        request_fingerprint=fingerprint,
    )
    nudge(INDEX, document.pk)
    audit.record(
        action=AuditAction.CREATE,
        resource_type="document",
        resource_id=document.pk,
        organization_id=organization.pk,
        actor=created_by,
        changes=audit.difference({}, _audited(document)),
        response_status=201,
    )
    return document, True


def get_document_by_id(document_id: Any, organization: Organization) -> Document | None:
    """Return one of the organization's documents, or None."""
    documents = Document.objects.for_organization(organization)
    return documents.filter(pk=document_id).order_by().first()


@transaction.atomic
def delete_document(*, document: Document, actor: User | None) -> None:
    """Delete a document and its passages; answers that cited it keep their quotes."""
    organization = Organization.objects.select_for_update(no_key=True).get(
        pk=document.organization_id
    )
    # A worker that is storing passages ends first, or starts too late.
    mine = Document.objects.for_organization(organization).select_for_update()
    found = mine.filter(pk=document.pk).order_by().first()
    if found is None:
        raise NotFound
    before = _audited(found)
    found.delete()
    audit.record(
        action=AuditAction.DELETE,
        resource_type="document",
        resource_id=document.pk,
        organization_id=organization.pk,
        actor=actor,
        changes=audit.difference(before, {}),
        response_status=204,
    )


def _check(title: str, content: str, source_url: str) -> None:
    if not title or len(title) > MAX_TITLE:
        raise Invalid(f"1 to {MAX_TITLE} characters.", pointer="/title")
    if not content.strip():
        raise Invalid("There is no text in it.", pointer="/content")
    if len(content) > MAX_CONTENT:
        raise Invalid(f"At most {MAX_CONTENT:,} characters.", pointer="/content")
    if not source_url:
        return
    try:
        is_web_address(source_url)
    except ValidationError:
        raise Invalid(
            "This is not an address that begins with http:// or https://.",
            pointer="/source_url",
        ) from None
    if len(source_url) > MAX_URL:
        raise Invalid(f"At most {MAX_URL:,} characters.", pointer="/source_url")


def _check_limit(organization: Organization) -> None:
    if organization.max_documents == UNLIMITED:
        return
    used = Document.objects.for_organization(organization).order_by().count()
    if used >= organization.max_documents:
        raise DocumentLimitReached(organization, used)


def _audited(document: Document) -> dict[str, Any]:
    # Not the text: the log would keep what its owner deleted.
    return {
        "knowledge_pack_id": str(document.knowledge_pack_id),
        "title": document.title,
        "source_url": document.source_url,
        "content_hash": document.content_hash,
        "characters": len(document.content),
    }
