"""Documents of a knowledge pack: add, find and delete them."""

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.audit import log as audit
from accounts.errors import DomainError, Invalid, NotFound
from accounts.models.audit import AuditAction
from accounts.models.lifecycle import WorkStatus, request_fingerprint
from accounts.models.organizations import UNLIMITED, Organization
from accounts.models.users import User
from accounts.webhooks.delivery import announcing
from accounts.work.leases import nudge
from agents.knowledge.indexing import index_anew
from agents.knowledge.readiness import settle_readiness
from agents.models.knowledge import Document, DocumentFile, KnowledgePack
from agents.models.sources import PageState, SourcePage

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


class NotFailed(DomainError):
    status = 422
    code = "document-not-failed"
    detail = "Only a document that failed is tried again."


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
    check_heading(title, source_url)
    _check_content(content)
    wish = Document(
        knowledge_pack=knowledge_pack,
        title=title,
        content=content,
        content_hash=Document.hash_of(content),
        source_url=source_url,
        created_by_user=created_by,
        idempotency_key=idempotency_key,
        request_fingerprint=request_fingerprint(
            [str(knowledge_pack.pk), title, content, source_url]
        ),
    )
    return add(wish)


def add(wish: Document, file: bytes | None = None) -> tuple[Document, bool]:
    """Store a document under its organization's lock, or return its key's first one.

    For functions that open a transaction; `file` is kept beside it. Raises
    DuplicateDocument, DocumentLimitReached, KeyReused.
    """
    # Lock first: without it two requests could both see the last free place.
    organization = Organization.objects.locked(wish.knowledge_pack.organization_id)
    mine = Document.objects.for_organization(organization).order_by()
    if wish.idempotency_key is not None:
        twin = mine.filter(idempotency_key=wish.idempotency_key).first()
        if twin:
            twin.check_same_request(wish.request_fingerprint)
            return twin, False
    _check_new(wish)
    _check_limit(organization)
    wish.organization = organization
    wish.save(force_insert=True)
    if file is not None:
        DocumentFile.objects.create(document=wish, content=file)
    nudge(wish)
    settle_readiness(wish.knowledge_pack_id)
    audit.record(
        action=AuditAction.CREATE,
        resource_type="document",
        resource_id=wish.pk,
        organization_id=organization.pk,
        actor=wish.created_by_user,
        changes=audit.difference({}, audited(wish)),
    )
    return wish, True


def _check_new(wish: Document) -> None:
    """Refuse what the pack has already: the same text, or the same file."""
    same = Q(content_hash=wish.content_hash)
    if wish.file_hash:
        same |= Q(file_hash=wish.file_hash)
    twin = Document.objects.filter(same, knowledge_pack=wish.knowledge_pack_id)
    twin = twin.exclude(pk=wish.pk).order_by()
    if title := twin.values_list("title", flat=True).first():
        raise DuplicateDocument(
            pointer="/file" if wish.file_hash else None, twin_title=title
        )


def get_document_by_id(document_id: Any, organization: Organization) -> Document | None:
    """Return one of the organization's documents, or None."""
    documents = Document.objects.for_organization(organization)
    return documents.filter(pk=document_id).order_by().first()


@transaction.atomic
def delete_document(*, document: Document, actor: User | None) -> None:
    """Delete a document and its passages; answers that cited it keep their quotes."""
    organization = Organization.objects.locked(document.organization_id)
    # A worker that is storing passages ends first, or starts too late.
    mine = Document.objects.for_organization(organization).select_for_update()
    found = mine.filter(pk=document.pk).order_by().first()
    if found is None:
        raise NotFound
    before = audited(found)
    # Its page is not read again.
    pages = SourcePage.objects.filter(document=found).order_by()
    pages.update(state=PageState.LEFT_OUT, cause="Its document was deleted.")
    found.delete()
    settle_readiness(found.knowledge_pack_id)
    audit.record(
        action=AuditAction.DELETE,
        resource_type="document",
        resource_id=document.pk,
        organization_id=organization.pk,
        actor=actor,
        changes=audit.difference(before, {}),
    )


@transaction.atomic
def try_again(*, document: Document, actor: User | None) -> Document:
    """Have a failed document read and indexed once more. Raises NotFailed."""
    mine = Document.objects.for_organization(document.organization_id)
    found = mine.select_for_update().filter(pk=document.pk).order_by().first()
    if found is None:
        raise NotFound
    if found.status != WorkStatus.FAILED:
        raise NotFailed
    index_anew(mine.filter(pk=found.pk))
    settle_readiness(found.knowledge_pack_id)
    audit.record(
        action=AuditAction.UPDATE,
        resource_type="document",
        resource_id=found.pk,
        organization_id=found.organization_id,
        actor=actor,
        changes={"status": {"old": WorkStatus.FAILED, "new": WorkStatus.PENDING}},
    )
    found.refresh_from_db()
    return found


@transaction.atomic
def replace_text(
    *, document: Document, title: str, content: str, left_out: Sequence[str] = ()
) -> bool:
    """Give a document the text its page has now; return whether that is another.

    The old passages serve until it is indexed. Raises DuplicateDocument, NotFound.
    """
    Organization.objects.locked(document.organization_id)
    mine = Document.objects.for_organization(document.organization_id)
    found = mine.select_for_update().filter(pk=document.pk).order_by().first()
    if found is None:
        raise NotFound
    before = audited(found) | {"missing": found.missing_since is not None}
    content_hash = Document.hash_of(content)
    if content_hash != found.content_hash:
        found.content, found.content_hash = content, content_hash
        _check_new(found)
    is_other = before["content_hash"] != content_hash or found.title != title
    found.title, found.missing_since = title, None
    after = audited(found) | {"missing": False}
    if before == after and found.left_out == list(left_out):
        return False
    found.left_out = list(left_out)
    found.save(
        update_fields=[
            "title",
            "content",
            "content_hash",
            "left_out",
            "missing_since",
            "updated_at",
        ]
    )
    if is_other:
        index_anew(mine.filter(pk=found.pk))
        settle_readiness(found.knowledge_pack_id)
    if before != after:
        _record_change(found, audit.difference(before, after))
    return is_other


def mark_missing(*, document: Document) -> None:
    """Note that the page of a document is no longer there; the first time counts."""
    _mark(document, is_missing=True)


def mark_found(*, document: Document) -> None:
    """Note that the page of a document is there again, as it was."""
    _mark(document, is_missing=False)


@transaction.atomic
def _mark(document: Document, *, is_missing: bool) -> None:
    mine = Document.objects.for_organization(document.organization_id).order_by()
    others = mine.filter(pk=document.pk, missing_since__isnull=is_missing)
    if others.update(missing_since=timezone.now() if is_missing else None):
        changes = {"missing": {"old": not is_missing, "new": is_missing}}
        _record_change(document, changes)


def _record_change(document: Document, changes: dict[str, Any]) -> None:
    audit.record(
        action=AuditAction.UPDATE,
        resource_type="document",
        resource_id=document.pk,
        organization_id=document.organization_id,
        actor=None,
        changes=changes,
    )


def check_heading(title: str, source_url: str) -> None:
    """Refuse a title or an address that no document can have."""
    if not title or len(title) > MAX_TITLE:
        raise Invalid(f"1 to {MAX_TITLE} characters.", pointer="/title")
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


def _check_content(content: str) -> None:
    if not content.strip():
        raise Invalid("There is no text in it.", pointer="/content")
    if len(content) > MAX_CONTENT:
        raise Invalid(f"At most {MAX_CONTENT:,} characters.", pointer="/content")


def _check_limit(organization: Organization) -> None:
    if organization.max_documents == UNLIMITED:
        return
    used = Document.objects.for_organization(organization).order_by().count()
    if used >= organization.max_documents:
        raise DocumentLimitReached(organization, used)


def audited(document: Document) -> dict[str, Any]:
    """Return what the audit log shows of a document."""
    # Not the text: the log would keep what its owner deleted.
    shown = {
        "knowledge_pack_id": str(document.knowledge_pack_id),
        "title": document.title,
        "source_url": document.source_url,
        "content_hash": document.content_hash,
        "characters": len(document.content),
    }
    if document.file_hash:
        shown |= {"file_name": document.file_name, "bytes": document.byte_size}
    return shown
