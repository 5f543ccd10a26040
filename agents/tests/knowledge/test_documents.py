"""Documents and packs: added once, counted, indexed, deleted."""

import pytest

from accounts.errors import Invalid, KeyReused, NotFound
from accounts.models import AuditLog
from agents.knowledge import documents, extraction, indexing, packs
from agents.knowledge.documents import DocumentLimitReached, DuplicateDocument
from agents.knowledge.readers.reading import Unreadable
from agents.models import Agent, Chunk, Document, KnowledgePack
from agents.tests.factories import (
    AgentFactory,
    DocumentFactory,
    KnowledgePackFactory,
    knowing_agent,
)
from config.tests.index_columns import index_columns

pytestmark = pytest.mark.django_db


@pytest.fixture
def pack():
    return KnowledgePackFactory()


def add(pack, **fields):
    values = {"title": "Shipping", "content": "Three days.", "created_by": None}
    return documents.create_document(knowledge_pack=pack, **(values | fields))


def test_a_document_waits_to_be_indexed_and_is_audited(pack):
    document, created = add(pack, source_url="https://shop.example/shipping")
    assert created
    assert (document.status, document.chunk_count) == ("pending", 0)
    entry = AuditLog.objects.get(resource_type="document")
    assert (entry.action, entry.resource_id) == ("CREATE", str(document.pk))
    assert "Three days." not in str(entry.detail.changes)


def test_a_repeated_key_returns_the_first_document(pack):
    first, _ = add(pack, idempotency_key="k")
    again, created = add(pack, idempotency_key="k")
    assert (again.pk, created) == (first.pk, False)
    assert AuditLog.objects.filter(resource_type="document").count() == 1


def test_a_key_is_not_used_for_another_document(pack):
    add(pack, idempotency_key="k")
    with pytest.raises(KeyReused):
        add(pack, idempotency_key="k", content="Four days.")


def test_two_organizations_may_use_the_same_key(pack):
    first, _ = add(pack, idempotency_key="k")
    other, created = add(KnowledgePackFactory(), idempotency_key="k")
    assert created
    assert other.pk != first.pk


def test_the_same_text_is_refused_in_the_same_pack_only(pack):
    add(pack)
    with pytest.raises(DuplicateDocument) as error:
        add(pack, title="Again", content="  Three days.\n")
    assert error.value.members()["errors"][0]["pointer"] == "/content"
    other = KnowledgePackFactory(organization=pack.organization)
    assert add(other)[1]


def test_a_full_organization_takes_no_document(pack):
    pack.organization.max_documents = 1
    pack.organization.save()
    add(pack)
    with pytest.raises(DocumentLimitReached) as error:
        add(pack, content="Four days.")
    assert (error.value.facts["limit"], error.value.facts["used"]) == (1, 1)
    assert Document.objects.count() == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", "  "),
        ("title", "x" * 501),
        ("content", " \n "),
        ("content", "x" * 1_000_001),
        ("source_url", "javascript:alert(1)"),
        ("source_url", "ftp://files.example/a"),
        ("source_url", "https://"),
        ("source_url", "https://shop.example/" + "x" * 2000),
    ],
)
def test_what_is_no_document_is_refused(pack, field, value):
    with pytest.raises(Invalid) as error:
        add(pack, **{field: value})
    assert error.value.pointer == f"/{field}"


def test_a_document_is_found_by_its_own_organization_only(pack):
    document, _ = add(pack)
    mine, theirs = pack.organization, KnowledgePackFactory().organization
    assert documents.get_document_by_id(document.pk, mine) == document
    assert documents.get_document_by_id(document.pk, theirs) is None


def test_the_database_keeps_documents_apart():
    assert ("knowledge_pack_id", "content_hash") in index_columns("documents")
    assert ("organization_id", "idempotency_key") in index_columns("documents")


def test_indexing_stores_the_passages_once(pack):
    document, _ = add(pack, content="# Shipping\n\nThree days.\n\n# Cost\n\nFree.")
    indexing.index_document(str(document.pk))
    indexing.index_document(str(document.pk))
    document.refresh_from_db()
    assert (document.status, document.chunk_count) == ("done", 2)
    assert document.indexed_at
    rows = Chunk.objects.filter(document=document).values_list("heading", "text")
    assert list(rows) == [("Shipping", "Three days."), ("Cost", "Free.")]


def test_a_worker_that_comes_too_late_stores_nothing(pack):
    document = DocumentFactory(knowledge_pack=pack, status="running", attempt=1)
    late = Document.objects.get(pk=document.pk)
    Document.objects.filter(pk=document.pk).update(attempt=2)
    indexing.store_passages(late, [indexing.Piece("", "Late.")])
    assert not Chunk.objects.exists()


def test_indexing_that_fails_is_tried_three_times(pack, monkeypatch):
    document = DocumentFactory(knowledge_pack=pack)
    monkeypatch.setattr(indexing, "split_in_child", lambda text: 1 / 0)
    for attempt in (1, 2, 3):
        Document.objects.update(run_after="2020-01-01T00:00Z")
        indexing.index_document(str(document.pk))
        document.refresh_from_db()
        assert document.attempt == attempt
    assert (document.status, document.last_error) == ("failed", "ZeroDivisionError")


def test_another_language_indexes_the_documents_anew(pack):
    document = DocumentFactory(knowledge_pack=pack, content="Die Lieferungen dauern.")
    indexing.index_document(str(document.pk))
    packs.update_knowledge_pack(
        knowledge_pack=pack, actor=None, changes={"language": "german"}
    )
    document.refresh_from_db()
    assert document.status == "pending"
    assert document.chunks.count() == 1
    indexing.index_document(str(document.pk))
    vector = document.chunks.get().search_vector
    assert "'liefer'" in vector


def test_a_failed_document_gets_three_new_attempts_with_a_new_language(pack):
    document = DocumentFactory(knowledge_pack=pack, status="failed", attempt=3)
    packs.update_knowledge_pack(
        knowledge_pack=pack, actor=None, changes={"language": "german"}
    )
    indexing.index_document(str(document.pk))
    document.refresh_from_db()
    assert (document.status, document.attempt) == ("done", 4)


def test_a_deleted_document_takes_its_passages_along(pack):
    document = DocumentFactory(knowledge_pack=pack)
    indexing.index_document(str(document.pk))
    documents.delete_document(document=document, actor=None)
    assert not Chunk.objects.exists()
    entry = AuditLog.objects.get(resource_type="document")
    assert entry.action == "DELETE"
    with pytest.raises(NotFound):
        documents.delete_document(document=document, actor=None)


def test_a_pack_needs_a_name_of_its_own(pack):
    with pytest.raises(packs.NameTaken):
        packs.create_knowledge_pack(
            organization=pack.organization, name=pack.name.upper(), created_by=None
        )
    elsewhere = KnowledgePackFactory().organization
    packs.create_knowledge_pack(organization=elsewhere, name=pack.name, created_by=None)


def test_an_edited_pack_keeps_its_own_name(pack):
    packs.update_knowledge_pack(
        knowledge_pack=pack,
        actor=None,
        changes={"name": pack.name.upper(), "description": "All of it"},
    )
    pack.refresh_from_db()
    assert pack.description == "All of it"
    entry = AuditLog.objects.get(resource_type="knowledge_pack")
    assert entry.detail.changes["description"]["new"] == "All of it"


def test_an_edit_that_changes_nothing_is_not_audited(pack):
    packs.update_knowledge_pack(
        knowledge_pack=pack, actor=None, changes={"name": pack.name}
    )
    assert not AuditLog.objects.exists()


def test_a_pack_that_agents_answer_from_is_not_deleted(pack):
    AgentFactory(organization=pack.organization, knowledge_pack_id=pack.pk)
    with pytest.raises(packs.PackInUse):
        packs.delete_knowledge_pack(knowledge_pack=pack, actor=None)
    assert KnowledgePack.objects.filter(pk=pack.pk).exists()


def test_a_pack_may_be_taken_from_its_agents(pack):
    agent = knowing_agent("# Shipping\n\nThree days.")
    packs.delete_knowledge_pack(
        knowledge_pack=agent.knowledge_pack, actor=None, detach=True
    )
    agent = Agent.objects.get(pk=agent.pk)
    assert agent.knowledge_pack is None
    assert agent.live_version.knowledge_pack is None
    assert not Document.objects.exists()


def test_a_deleted_agent_does_not_hold_a_pack(pack):
    agent = AgentFactory(organization=pack.organization, knowledge_pack_id=pack.pk)
    agent.soft_delete()
    packs.delete_knowledge_pack(knowledge_pack=pack, actor=None)
    assert not KnowledgePack.objects.exists()


def test_a_text_too_dear_to_split_fails_its_document_and_not_its_worker(
    pack, monkeypatch
):
    monkeypatch.setattr(extraction, "MEMORY_BYTES", 2**20)
    document, _ = add(pack, content="It takes three days. " * 10_000)
    indexing.index_document(document.pk)
    document.refresh_from_db()
    assert (document.status, document.cause) == ("failed", extraction.TOO_LARGE)
    assert not Chunk.objects.filter(document=document).exists()


def test_splitting_a_text_is_stopped_after_its_time():
    with pytest.raises(Unreadable, match="took too long"):
        extraction.split_in_child("It takes three days. ", seconds=0.001)
