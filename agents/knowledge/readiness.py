"""Whether a pack is ready to be searched, kept where lists of agents can show it."""

from uuid import UUID

from django.db import transaction

from accounts.models.lifecycle import WorkStatus
from agents.models.knowledge import (
    Document,
    KnowledgePack,
    VectorIndex,
    VectorStoreStatus,
)


@transaction.atomic
def settle_readiness(knowledge_pack_id: UUID) -> None:
    """Keep the status of a pack; called last in whatever changes what it counts.

    Under the pack's lock, so that of two that end at once the second sees the first.
    """
    packs = KnowledgePack.objects.filter(pk=knowledge_pack_id).order_by()
    if not packs.select_for_update(no_key=True).only("pk").first():
        return
    status = readiness_of(knowledge_pack_id)
    packs.exclude(vector_store_status=status).update(vector_store_status=status)


def readiness_of(knowledge_pack_id: UUID) -> VectorStoreStatus:
    """Return how far a pack's documents and vectors are."""
    documents = Document.objects.filter(knowledge_pack=knowledge_pack_id).order_by()
    index = VectorIndex.objects.filter(pk=knowledge_pack_id).first()
    if index and index.last_error:
        # It is tried on and on, but a person should look.
        return VectorStoreStatus.FAILED
    if documents.unfinished().exists():
        return VectorStoreStatus.PENDING
    statuses = set(documents.values_list("status", flat=True).distinct())
    if not statuses:
        return VectorStoreStatus.NONE
    if statuses == {WorkStatus.FAILED}:
        return VectorStoreStatus.FAILED
    is_complete = index is not None and index.status == WorkStatus.DONE
    return VectorStoreStatus.READY if is_complete else VectorStoreStatus.PENDING
