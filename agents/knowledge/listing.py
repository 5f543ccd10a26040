"""What pages and lists of knowledge show."""

from django.db.models import Count, QuerySet, Sum

from agents.models.agents import Agent
from agents.models.knowledge import Chunk, Document, KnowledgePack
from agents.models.sources import KnowledgeSource, SourcePage


def knowledge_size(agent: Agent) -> dict[str, int]:
    """Count the documents and passages an agent may answer from."""
    size = Document.objects.filter(knowledge_pack=agent.knowledge_pack_id).aggregate(
        documents=Count("pk"), passages=Sum("chunk_count")
    )
    return {name: number or 0 for name, number in size.items()}


def agents_using(pack: KnowledgePack) -> QuerySet[Agent]:
    """Return some agents that answer from a pack."""
    return Agent.objects.filter(knowledge_pack=pack).order_by("name", "id")[:10]


def documents_of(pack: KnowledgePack) -> QuerySet[Document]:
    """List a pack's documents, newest first, without their texts."""
    return Document.objects.filter(knowledge_pack=pack).defer("content")


def sites_of(pack: KnowledgePack) -> QuerySet[KnowledgeSource]:
    """List a pack's sites with how far each is read."""
    sites = KnowledgeSource.objects.filter(knowledge_pack=pack).with_counts()
    return sites.order_by("-created_at", "-id")


def pages_of(source: KnowledgeSource) -> QuerySet[SourcePage]:
    """List a site's pages in the order they are read."""
    pages = SourcePage.objects.filter(source=source)
    return pages.order_by("depth", "created_at", "id")


def passages_of(document: Document) -> QuerySet[Chunk]:
    """List a document's passages in their order, without their vectors."""
    passages = Chunk.objects.filter(document=document).order_by("position")
    return passages.only("position", "heading", "text")


def unindexed(pack: KnowledgePack) -> int:
    """Count the documents that wait for their index or are just getting it."""
    return Document.objects.filter(knowledge_pack=pack).unfinished().count()
