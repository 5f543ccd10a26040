"""Keep the vectors of a pack complete, and all by the same embedder."""

import time
from functools import partial
from uuid import UUID

import structlog
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models.lifecycle import WorkStatus
from accounts.models.organizations import Organization
from accounts.work.leases import (
    GAVE_UP,
    claim,
    finish,
    nudge,
    renew,
    retry_later,
    store_paid,
)
from agents.knowledge.readiness import settle_readiness
from agents.knowledge.retrieval.embedder import Embedder, EmbeddingError
from agents.knowledge.retrieval.embeddings import embedder_for
from agents.knowledge.retrieval.normalization import normalized
from agents.knowledge.retrieval.vector_search import literal
from agents.models.knowledge import Chunk, Document, KnowledgePack, VectorIndex

log = structlog.get_logger(__name__)

LEASE_SECONDS = 240
# Then the rest is left to the next task: no worker is held for minutes.
WORK_SECONDS = 120
BATCH = 64
RETRY_SECONDS = 60

STORE = """
UPDATE chunks SET embedding = made.vector::vector, embedding_model = %s
FROM unnest(%s::uuid[], %s::text[]) AS made (id, vector) WHERE chunks.id = made.id
"""


def embed_chunks(document: Document) -> None:
    """Have vectors made of a document's passages, when its transaction commits."""
    want_vectors(document.knowledge_pack_id)


@transaction.atomic
def want_vectors(knowledge_pack_id: UUID) -> None:
    """Have a pack's vectors completed by a worker, by the one that is at it if any.

    Joins the transaction that adds the passages, and holds the index's row until its
    end: so the worker cannot end before it has seen them.
    """
    index, is_new = VectorIndex.objects.select_for_update().get_or_create(
        knowledge_pack_id=knowledge_pack_id
    )
    if not is_new and not index.is_held:
        index.status, index.run_after = WorkStatus.PENDING, timezone.now()
        # Other passages: what stopped workers before need not stop them again.
        index.claims = 0
        index.save(update_fields=["status", "run_after", "claims"])
    settle_readiness(knowledge_pack_id)
    nudge(index)


def initialize_vector_store(pack: KnowledgePack) -> None:
    """Have a pack's vectors made, unless its own embedder has made them."""
    index = VectorIndex.objects.filter(pk=pack.pk).first()
    embedder = embedder_for(pack.organization, pack.language)
    is_due = index is None or (
        index.status == WorkStatus.DONE and index.embedding_model != embedder.identity
    )
    if is_due and Chunk.objects.filter(knowledge_pack=pack).exists():
        want_vectors(pack.pk)


def rebuild_outdated() -> int:
    """Have vectors made anew that another embedder made; return for how many packs.

    The embedder of an organization changes by a setting or a provider of its own.
    """
    complete = VectorIndex.objects.filter(status=WorkStatus.DONE)
    groups = complete.order_by().values_list(
        "knowledge_pack__organization", "knowledge_pack__language", "embedding_model"
    )
    organizations = Organization.objects.in_bulk({row[0] for row in groups.distinct()})
    outdated = 0
    for organization_id, language, made_by in groups.distinct():
        organization = organizations.get(organization_id)
        if not organization or made_by == embedder_for(organization, language).identity:
            continue
        packs = complete.filter(
            knowledge_pack__organization=organization_id,
            knowledge_pack__language=language,
            embedding_model=made_by,
        )
        for pack_id in packs.values_list("pk", flat=True):
            want_vectors(pack_id)
            outdated += 1
    return outdated


def embed_pack(knowledge_pack_id: str) -> VectorIndex | None:
    """Make what vectors a pack lacks; may be called repeatedly."""
    index = claim(
        VectorIndex, knowledge_pack_id, lease_seconds=LEASE_SECONDS, give_up=give_up
    )
    if index is None:
        return None
    pack = index.knowledge_pack
    try:
        embedder = embedder_for(pack.organization, pack.language)
        is_complete = _embed_missing(index, embedder)
    except EmbeddingError as error:
        _try_later(index, str(error), resets_claims=True)
    except Exception as error:
        log.exception("Vectors not made", pack=str(index.pk))
        store_paid(partial(_try_later, index, type(error).__name__))
    else:
        if is_complete:
            _complete(index, embedder)
    return index


def _embed_missing(index: VectorIndex, embedder: Embedder) -> bool:
    """Embed batch by batch; False when time or the lease is over before."""
    started = time.monotonic()
    chunks_left = _lacking(index, embedder).select_related("document")
    chunks_left = chunks_left.only("heading", "text", "document")
    while chunks := list(chunks_left[:BATCH]):
        vectors = embedder.embed([written(chunk) for chunk in chunks])
        # First of all: whoever holds the lease by now, these were paid for.
        store_paid(partial(_store, embedder, chunks, vectors))
        if not renew(index, lease_seconds=LEASE_SECONDS):
            return False
        if time.monotonic() - started > WORK_SECONDS:
            retry_later(index, error="", delay_seconds=0, resets_claims=True)
            nudge(index)
            return False
    return True


def _lacking(index: VectorIndex, embedder: Embedder) -> QuerySet[Chunk]:
    others = ~Q(embedding_model=embedder.identity)
    return Chunk.objects.filter(others, knowledge_pack=index.pk).order_by()


def _store(embedder: Embedder, chunks: list[Chunk], vectors: list[list[float]]) -> None:
    ids = [chunk.pk for chunk in chunks]
    texts = [literal(vector) for vector in vectors]
    with connection.cursor() as cursor:
        cursor.execute(STORE, [embedder.identity, ids, texts])


def written(chunk: Chunk) -> str:
    """Return what a passage says, with what stands above it."""
    return normalized(f"{chunk.document.title}\n{chunk.heading}\n{chunk.text}")


@transaction.atomic
def _complete(index: VectorIndex, embedder: Embedder) -> None:
    """End the work, unless passages were added since the last look."""
    # Waits for whoever is just adding some.
    VectorIndex.objects.select_for_update().get(pk=index.pk)
    if _lacking(index, embedder).exists():
        if retry_later(index, error="", delay_seconds=0, resets_claims=True):
            nudge(index)
        return
    mine = Chunk.objects.filter(knowledge_pack=index.pk)
    is_mine = finish(
        index,
        WorkStatus.DONE,
        embedding_model=embedder.identity,
        dimensions=embedder.dimensions,
        vector_count=mine.filter(embedding_model=embedder.identity).count(),
        completed_at=timezone.now(),
    )
    if is_mine:
        settle_readiness(index.pk)


@transaction.atomic
def _try_later(index: VectorIndex, error: str, **options: bool) -> None:
    """Note why there are no vectors yet; words find the passages meanwhile."""
    if retry_later(index, error=error, delay_seconds=RETRY_SECONDS, **options):
        settle_readiness(index.pk)


@transaction.atomic
def give_up(index: VectorIndex) -> None:
    """Leave a pack without its vectors, until something in it changes."""
    if finish(index, WorkStatus.FAILED, error=GAVE_UP):
        settle_readiness(index.pk)
