"""Make a document searchable: its passages, and what PostgreSQL finds them by."""

import structlog
from django.contrib.postgres.search import SearchVector
from django.db import transaction
from django.db.models import F, Value
from django.utils import timezone

from accounts.models.lifecycle import WorkStatus
from accounts.models.webhooks import WebhookEvent
from accounts.webhooks import publish
from accounts.work import claim, finish, nudge, retry_later
from agents.knowledge.chunks import Piece, split_text
from agents.knowledge.vectors import embed_chunks
from agents.knowledge.words import configuration_of, spaced
from agents.models.knowledge import Chunk, Document, KnowledgePack

log = structlog.get_logger(__name__)

INDEX = "agents.tasks.index_document"
LEASE_SECONDS = 60
# Attempts count on for ever, as they tell a late worker that it is late; each three
# of them are one round, after which a document is given up.
ROUND = 3
RETRY_SECONDS = (2, 10)


def index_document(document_id: str) -> Document | None:
    """Index a document if that is still to be done; may be called repeatedly."""
    document = claim(Document, document_id, lease_seconds=LEASE_SECONDS)
    if document is None:
        return None
    try:
        store_passages(document, split_text(document.content))
    except Exception as error:
        log.exception("Indexing failed", document=str(document.pk))
        give_up_or_retry(document, type(error).__name__)
    return document


def index_again(pack: KnowledgePack) -> None:
    """Have every document of a pack indexed anew; the old passages serve meanwhile."""
    documents = Document.objects.filter(knowledge_pack=pack).order_by()
    documents.update(
        status=WorkStatus.PENDING,
        run_after=timezone.now(),
        attempt=(F("attempt") + ROUND - 1) / ROUND * ROUND,
    )
    for document_id in documents.values_list("pk", flat=True):
        nudge(INDEX, document_id)


@transaction.atomic
def store_passages(document: Document, pieces: list[Piece]) -> None:
    """Replace a document's passages, once."""
    values = {"chunk_count": len(pieces), "indexed_at": timezone.now()}
    if not finish(document, WorkStatus.DONE, **values):
        return
    Chunk.objects.filter(document=document).delete()
    Chunk.objects.bulk_create(
        [chunk_of(document, position, piece) for position, piece in enumerate(pieces)],
        batch_size=500,
    )
    embed_chunks(document)
    facts = {
        "document_id": str(document.pk),
        "knowledge_pack_id": str(document.knowledge_pack_id),
        "title": document.title,
        "passages": len(pieces),
    }
    publish(document.organization, WebhookEvent.DOCUMENT_INDEXED, facts)


def chunk_of(document: Document, position: int, piece: Piece) -> Chunk:
    """Return a passage with the words it is found by."""
    pack = document.knowledge_pack
    parts = ((document.title, "A"), (piece.heading, "A"), (piece.text, "B"))
    title, heading, text = (
        SearchVector(
            Value(spaced(part)),
            config=configuration_of(pack.language),
            weight=weight,
        )
        for part, weight in parts
    )
    return Chunk(
        document=document,
        knowledge_pack_id=pack.pk,
        position=position,
        heading=piece.heading,
        text=piece.text,
        search_vector=title + heading + text,
    )


def give_up_or_retry(document: Document, error: str) -> None:
    """Try again later, at most three times."""
    if used := document.attempt % ROUND:
        delay = RETRY_SECONDS[used - 1]
        retry_later(document, error=error, delay_seconds=delay)
    else:
        finish(document, WorkStatus.FAILED, error=error)
