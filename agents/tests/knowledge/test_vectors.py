"""Vectors of a pack: complete, by one embedder, made anew when that changes."""

import pytest
from django.db.models import F

from agents.knowledge import embedding_jobs
from agents.knowledge.indexing import index_document
from agents.knowledge.retrieval.hashed_embeddings import Hashing
from agents.knowledge.retrieval.search import ByWords, fused, search
from agents.models import Chunk, Document, VectorIndex
from agents.tests.factories import DocumentFactory, filled_pack
from agents.tests.shop import COFFEES, RETURNS, SHIPPING

pytestmark = pytest.mark.django_db


@pytest.fixture
def pack(settings):
    settings.EMBEDDINGS = "hashing"
    return filled_pack(SHIPPING, RETURNS, COFFEES)


def makers(pack):
    found = Chunk.objects.filter(knowledge_pack=pack).values_list("embedding_model")
    return {name for (name,) in found}


def test_an_index_says_who_made_it_and_how_many_vectors_there_are(pack):
    index = VectorIndex.objects.get(knowledge_pack=pack)
    assert (index.status, index.embedding_model) == ("done", "hashing-2-512")
    assert index.vector_count == Chunk.objects.filter(knowledge_pack=pack).count()
    assert index.completed_at


def test_another_embedder_makes_all_of_them_anew(pack, settings):
    settings.EMBEDDINGS = "wordllama"
    assert embedding_jobs.rebuild_outdated() == 1
    embedding_jobs.embed_pack(str(pack.pk))
    assert makers(pack) == {"wordllama-l2-supercat-256-2"}
    assert VectorIndex.objects.get(knowledge_pack=pack).dimensions == 256
    assert embedding_jobs.rebuild_outdated() == 0


def test_until_then_words_alone_find_passages(pack, settings):
    settings.EMBEDDINGS = "wordllama"
    found = search(knowledge_pack_id=pack.pk, question="plastic packaging")
    assert found
    assert {passage.sense_rank for passage in found} == {None}


def test_only_what_is_new_is_embedded(pack):
    before = dict(Chunk.objects.values_list("pk", "embedding_model"))
    Chunk.objects.update(embedding_model="hashing-2-512", embedding=None)
    DocumentFactory(knowledge_pack=pack)
    embedding_jobs.want_vectors(pack.pk)
    embedding_jobs.embed_pack(str(pack.pk))
    assert Chunk.objects.filter(pk__in=before, embedding=None).count() == len(before)


def test_a_passage_says_its_places_by_words_and_by_sense(pack):
    first, *_ = search(knowledge_pack_id=pack.pk, question="no plastic packaging")
    assert (first.word_rank, first.sense_rank) == (1, 1)
    assert first.heading == "Shipping > Packaging"


def test_a_place_by_words_counts_for_less_where_they_cover_little():
    words = [ByWords("covered", 9.0, 1.0), ByWords("touched", 1.0, 0.01)]
    order = fused(words, ["touched", "meant"], trust=0.5)
    assert [each.chunk for each in order] == ["touched", "covered", "meant"]
    assert order[1].word_rank == 1
    weak = fused([ByWords("touched", 1.0, 0.01)], ["meant"], trust=0.5)
    assert [each.chunk for each in weak] == ["meant", "touched"]


@pytest.mark.parametrize(
    ("language", "text", "question"),
    [
        (
            "japanese",
            "# 配送\n\nオーストリアへの配送は三日かかります。",
            "配送は何日ですか",
        ),
        ("chinese", "# 退货\n\n退货期限为三十天，运费由我们承担。", "退货期限是多久"),
        (
            "korean",
            "# 배송\n\n배송은 영업일 기준 사흘이 걸립니다.",
            "배송은 얼마나 걸려요",
        ),
    ],
)
def test_languages_without_spaces_are_searched_by_pairs_of_signs(
    language, text, question
):
    pack = filled_pack(text, language=language)
    (passage,) = search(knowledge_pack_id=pack.pk, question=question)
    assert passage.word_rank == 1
    assert passage.text in text


class Interrupted:
    """The built-in embedder, with something that happens while it is asked."""

    identity, dimensions = "interrupted", 512

    def __init__(self, meanwhile):
        self.meanwhile = meanwhile
        self.calls = 0

    def embed(self, texts):
        self.calls += 1
        self.meanwhile(self.calls)
        return Hashing().embed(texts)


def embedded(pack, monkeypatch, meanwhile):
    """Make a pack's vectors anew while something happens; return the embedder."""
    embedder = Interrupted(meanwhile)
    monkeypatch.setattr(embedding_jobs, "embedder_for", lambda *_: embedder)
    monkeypatch.setattr(embedding_jobs, "BATCH", 1)
    embedding_jobs.want_vectors(pack.pk)
    embedding_jobs.embed_pack(str(pack.pk))
    return embedder


def test_documents_that_arrive_meanwhile_take_no_vectors_from_the_others(
    pack, monkeypatch
):
    def one_arrives(calls):
        if calls <= 3:
            document = DocumentFactory(knowledge_pack=pack)
            index_document(document.pk)

    embedder = embedded(pack, monkeypatch, one_arrives)
    passages = Chunk.objects.filter(knowledge_pack=pack)
    assert makers(pack) == {"interrupted"}
    assert embedder.calls == passages.count()
    assert VectorIndex.objects.get(knowledge_pack=pack).vector_count == embedder.calls


def test_vectors_that_were_made_are_stored_though_the_lease_was_lost(pack, monkeypatch):
    def another_takes_over(calls):
        VectorIndex.objects.update(attempt=F("attempt") + 1)

    embedder = embedded(pack, monkeypatch, another_takes_over)
    assert embedder.calls == 1
    assert Chunk.objects.filter(embedding_model="interrupted").count() == 1


def test_passages_added_at_the_last_moment_are_embedded_too(pack, monkeypatch):
    complete = embedding_jobs._complete

    def late(index, embedder):
        if not Document.objects.filter(title="Late").exists():
            document = DocumentFactory(knowledge_pack=pack, title="Late")
            index_document(document.pk)
        complete(index, embedder)

    monkeypatch.setattr(embedding_jobs, "_complete", late)
    embedded(pack, monkeypatch, lambda calls: None)
    assert VectorIndex.objects.get(knowledge_pack=pack).status == "pending"
    embedding_jobs.embed_pack(str(pack.pk))
    assert makers(pack) == {"interrupted"}
