"""Have passages made anew that were made in a way of former days, by and by.

One pack at a time, document by document: its old passages serve until then, and a
question looks for the words of both (`retrieval.search`).
"""

import time
from functools import partial
from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone

from accounts.models.lifecycle import WorkStatus
from accounts.work.leases import (
    GAVE_UP,
    claim,
    finish,
    nudge,
    renew,
    retry_later,
    store_paid,
)
from agents.knowledge.chunks import Piece
from agents.knowledge.embedding_jobs import want_vectors
from agents.knowledge.extraction import split_in_child
from agents.knowledge.passages import replace_passages, vectors_of
from agents.knowledge.readers.reading import Unreadable
from agents.models.knowledge import (
    INDEX_VERSION,
    Chunk,
    Document,
    KnowledgePack,
    Renewal,
)

log = structlog.get_logger(__name__)

LEASE_SECONDS = 180
# Then the place is left to who waits for it.
TURN_SECONDS = 20
RETRY_SECONDS = 60
BATCH = 100


def begin_next() -> bool:
    """Have the next outdated pack renewed, unless one is just being renewed."""
    if Renewal.objects.unfinished().exists():
        return False
    pack = KnowledgePack.objects.outdated().order_by("pk").first()
    if pack is None:
        return False
    row, is_new = Renewal.objects.get_or_create(
        knowledge_pack=pack, defaults={"version": INDEX_VERSION}
    )
    if not is_new:
        Renewal.objects.ended().filter(pk=row.pk).update(
            status=WorkStatus.PENDING,
            version=INDEX_VERSION,
            run_after=timezone.now(),
            claims=0,
        )
    nudge(row)
    return True


def renew_pack(knowledge_pack_id: str) -> None:
    """Renew some of a pack's documents; may be called repeatedly."""
    row = claim(
        Renewal, knowledge_pack_id, lease_seconds=LEASE_SECONDS, give_up=give_up
    )
    if row is None:
        return
    try:
        is_complete = _renew_documents(row)
    except Exception as error:
        log.exception("Pack not renewed", pack=str(row.pk))
        name = type(error).__name__
        later = partial(retry_later, row, error=name, delay_seconds=RETRY_SECONDS)
        store_paid(later)
        return
    if is_complete:
        _complete(row)
        begin_next()
    elif retry_later(row, error="", delay_seconds=0, resets_claims=True):
        nudge(row)


def _renew_documents(row: Renewal) -> bool:
    """Renew document by document; False when time or the lease is over before."""
    started = time.monotonic()
    outdated = Document.objects.filter(knowledge_pack=row.pk).outdated().order_by()
    ids = outdated.values_list("pk", flat=True)
    while batch := list(ids[:BATCH]):
        for document in map(_with_its_pack, batch):
            if document is not None:
                renew_document(document)
            if not renew(row, lease_seconds=LEASE_SECONDS):
                return False
            if time.monotonic() - started > TURN_SECONDS:
                return False
    return True


def _with_its_pack(document_id: UUID) -> Document | None:
    documents = Document.objects.filter(pk=document_id).order_by()
    return documents.select_related("knowledge_pack").first()


def renew_document(document: Document) -> None:
    """Replace a document's passages, unless it changed meanwhile."""
    pieces = _pieces_of(document)
    with transaction.atomic():
        same = Document.objects.filter(
            pk=document.pk, attempt=document.attempt, status=WorkStatus.DONE
        )
        if not same.order_by().select_for_update().exists():
            return
        replace_passages(document, pieces, vectors_of(document))
        same.update(index_version=INDEX_VERSION, chunk_count=len(pieces))
        want_vectors(document.knowledge_pack_id)


def _pieces_of(document: Document) -> list[Piece]:
    """Split a document anew; if that is no longer possible, as it was."""
    try:
        return split_in_child(document.content)
    except Unreadable as error:
        log.warning("Passages kept", document=str(document.pk), cause=str(error))
    chunks = Chunk.objects.filter(document=document).order_by("position")
    return [Piece(*row) for row in chunks.values_list("heading", "text")]


@transaction.atomic
def _complete(row: Renewal) -> None:
    if finish(row, WorkStatus.DONE):
        packs = KnowledgePack.objects.filter(pk=row.pk).order_by()
        packs.update(index_version=INDEX_VERSION)


def give_up(row: Renewal) -> None:
    """Leave a pack as it is until the next version; its old passages serve on."""
    finish(row, WorkStatus.FAILED, error=GAVE_UP)


def progress_of(pack: KnowledgePack) -> dict[str, int] | None:
    """Return how many documents wait to be renewed, of how many; None if none does."""
    if pack.index_version >= INDEX_VERSION:
        return None
    if not KnowledgePack.objects.outdated().filter(pk=pack.pk).exists():
        return None
    documents = Document.objects.filter(knowledge_pack=pack)
    return {"left": documents.outdated().count(), "all": documents.count()}
