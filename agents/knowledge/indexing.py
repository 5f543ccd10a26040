"""Make a document searchable: its text, its passages, and what finds them."""

from functools import partial
from typing import Any

import structlog
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from accounts.models.lifecycle import WorkStatus
from accounts.models.webhooks import WebhookEvent
from accounts.webhooks.delivery import publish
from accounts.work.leases import GAVE_UP, claim, finish, nudge, retry_later, store_paid
from agents.knowledge.chunks import Piece
from agents.knowledge.embedding_jobs import embed_chunks
from agents.knowledge.extraction import read_file, split_in_child
from agents.knowledge.file_types import MEDIA_TYPES
from agents.knowledge.passages import replace_passages
from agents.knowledge.readers.reading import MAX_TITLE, Unreadable
from agents.knowledge.readiness import settle_readiness
from agents.models.knowledge import (
    INDEX_VERSION,
    Document,
    DocumentFile,
    KnowledgePack,
)

log = structlog.get_logger(__name__)

LEASE_SECONDS = 120
# Attempts count on for ever, as they tell a late worker that it is late; each three
# of them are one round, after which a document is given up.
ROUND = 3
RETRY_SECONDS = (2, 10)
NO_REASON = "This document could not be indexed."
STOPPED_WORKERS = (
    "Indexing it never came to an end, so we gave up. Split it into several documents."
)


def index_document(document_id: str) -> Document | None:
    """Read and index a document if that is to be done; may be called repeatedly."""
    document = claim(
        Document, document_id, lease_seconds=LEASE_SECONDS, give_up=give_up_lost
    )
    if document is None:
        return None
    try:
        values, pieces = read_document(document)
        store_passages(document, pieces, **values)
    except Unreadable as error:
        give_up(document, str(error))
    except Exception as error:
        log.exception("Indexing failed", document=str(document.pk))
        store_paid(partial(give_up_or_retry, document, type(error).__name__))
    return document


def read_document(document: Document) -> tuple[dict[str, Any], list[Piece]]:
    """Read an uploaded file, once; return what is to be stored, and the passages.

    Both come from a process that may die of it. Raises Unreadable, with the cause in
    words.
    """
    if document.content:
        return {}, split_in_child(document.content)
    file = DocumentFile.objects.get(document=document)
    kind = next(
        kind for kind, name in MEDIA_TYPES.items() if name == document.media_type
    )
    reading = read_file(bytes(file.content), kind, is_split=True)
    document.content = reading.text
    content_hash = Document.hash_of(reading.text)
    others = Document.objects.filter(knowledge_pack=document.knowledge_pack_id)
    twin = others.exclude(pk=document.pk).filter(content_hash=content_hash).order_by()
    if title := twin.values_list("title", flat=True).first():
        raise Unreadable(f"Its text is that of another document here, “{title[:200]}”.")
    if reading.title and document.title == title_of_file(document.file_name):
        document.title = reading.title
    return {
        "content": document.content,
        "content_hash": content_hash,
        "title": document.title,
        "left_out": reading.left_out,
    }, reading.pieces


def title_of_file(name: str) -> str:
    """Return what a file is called until its text says more."""
    stem, _, ending = name.rpartition(".")
    words = stem if stem and len(ending) <= 8 else name
    return " ".join(words.replace("_", " ").split())[:MAX_TITLE] or "Untitled"


def index_again(pack: KnowledgePack) -> None:
    """Have every document of a pack indexed anew; the old passages serve meanwhile."""
    index_anew(Document.objects.filter(knowledge_pack=pack))


def index_anew(documents: QuerySet[Document]) -> None:
    """Have documents indexed once more, with three new attempts each."""
    documents = documents.order_by()
    document_ids = list(documents.values_list("pk", flat=True))
    documents.update(
        status=WorkStatus.PENDING,
        cause="",
        run_after=timezone.now(),
        attempt=(F("attempt") + ROUND - 1) / ROUND * ROUND,
        claims=0,
    )
    for document_id in document_ids:
        nudge(Document(pk=document_id))


@transaction.atomic
def store_passages(document: Document, pieces: list[Piece], **values: Any) -> None:
    """Replace a document's passages, once, and store `values` with it."""
    values |= {"chunk_count": len(pieces), "indexed_at": timezone.now(), "cause": ""}
    values["index_version"] = INDEX_VERSION
    if not finish(document, WorkStatus.DONE, **values):
        return
    replace_passages(document, pieces)
    embed_chunks(document)
    facts = {
        "document_id": str(document.pk),
        "knowledge_pack_id": str(document.knowledge_pack_id),
        "title": document.title,
        "passages": len(pieces),
    }
    publish(document.organization, WebhookEvent.DOCUMENT_INDEXED, facts)


def give_up_or_retry(document: Document, error: str) -> None:
    """Try again later, at most three times."""
    if used := document.attempt % ROUND:
        delay = RETRY_SECONDS[used - 1]
        retry_later(document, error=error, delay_seconds=delay)
    else:
        give_up(document, NO_REASON, error)


def give_up_lost(document: Document) -> None:
    """Leave a document failed that stopped whoever indexed it."""
    give_up(document, STOPPED_WORKERS, GAVE_UP)


@transaction.atomic
def give_up(document: Document, cause: str, error: str = "") -> None:
    """Leave a document failed, saying why."""
    if finish(document, WorkStatus.FAILED, error=error or cause, cause=cause[:500]):
        settle_readiness(document.knowledge_pack_id)
