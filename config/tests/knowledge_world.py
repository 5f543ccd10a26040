"""What the browser tests know of knowledge: a pack with all that may be in one."""

from datetime import timedelta

from django.utils import timezone

from accounts.models import Organization
from agents.knowledge.embedding_jobs import embed_pack
from agents.knowledge.indexing import index_document
from agents.knowledge.web.sites import create_source
from agents.models import (
    Document,
    KnowledgePack,
    KnowledgeSource,
    PageState,
    Renewal,
    SourcePage,
)
from agents.tests.factories import DocumentFactory, KnowledgePackFactory

SHIPPING = "# Norway\n\nParcels to Norway take five working days and cost 9 euros."


def filled_knowledge(
    harbor: Organization,
) -> tuple[KnowledgePack, Document, Document, KnowledgeSource]:
    """Return a pack, a document in it, one that failed, and a site being read."""
    pack = KnowledgePackFactory(organization=harbor, name="Shipping and returns")
    document = DocumentFactory(
        knowledge_pack=pack,
        title="Shipping times",
        content=SHIPPING,
        source_url="https://harborcoffee.example/shipping",
    )
    index_document(str(document.pk))
    embed_pack(str(pack.pk))
    outdate(pack)
    return pack, document, unread_in(pack), site_of(pack, document)


def outdate(pack: KnowledgePack) -> None:
    """Let a pack wait for its passages to be made anew, which no worker begins."""
    later = timezone.now() + timedelta(days=1)
    Renewal.objects.create(knowledge_pack=pack, version=1, run_after=later)
    Document.objects.filter(knowledge_pack=pack).update(index_version=0)
    KnowledgePack.objects.filter(pk=pack.pk).update(index_version=0)


def site_of(pack: KnowledgePack, document: Document) -> KnowledgeSource:
    """Return a site in the middle of its crawl, which no worker goes on with."""
    source, _ = create_source(
        knowledge_pack=pack, url="https://harborcoffee.example", created_by=None
    )
    later = timezone.now() + timedelta(days=1)
    KnowledgeSource.objects.filter(pk=source.pk).update(run_after=later)
    for state in PageState.values:
        url = f"https://harborcoffee.example/{state}"
        page = SourcePage.objects.create(source=source, url=url, depth=1, state=state)
    page.document = document
    page.save()
    return source


def unread_in(pack: KnowledgePack) -> Document:
    cause = "The PDF is protected by a password."
    file = {"file_name": "price-list.pdf", "byte_size": 48_000, "file_hash": "0" * 64}
    return DocumentFactory(
        knowledge_pack=pack, title="Prices", status="failed", cause=cause, **file
    )
