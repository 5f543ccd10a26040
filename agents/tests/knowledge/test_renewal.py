"""Passages of an earlier release are made anew by and by, and answer meanwhile."""

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import WebhookDelivery
from accounts.work.leases import MAX_CLAIMS
from agents.knowledge import renewal
from agents.knowledge.embedding_jobs import embed_pack
from agents.knowledge.readers.reading import Unreadable
from agents.knowledge.renewal import begin_next, renew_pack
from agents.knowledge.retrieval.search import search
from agents.models import Chunk, Document, KnowledgePack, Renewal
from agents.models.knowledge import INDEX_VERSION
from agents.tests.factories import DocumentFactory, KnowledgePackFactory, filled_pack
from agents.tests.knowledge.former import former_pack, words_of_all
from agents.tests.shop import RETURNS, SHIPPING

pytestmark = pytest.mark.django_db
# As PostgreSQL's parser left them: with the hamza, and glued to a quotation mark.
GOODS = "# سلع\n\nيمكن إرجاع السلع خلال شهر.\n"
LANES = "# Lanes\n\nThe “priority lane” opens at nine.\n"


def found(pack, question):
    return [
        (each.title, each.word_rank)
        for each in search(knowledge_pack_id=pack.pk, question=question)
        if each.word_rank
    ]


def left(pack):
    return Document.objects.filter(knowledge_pack=pack).outdated().count()


def test_an_outdated_pack_is_renewed_and_then_finds_more():
    pack = former_pack(LANES)
    assert found(pack, "priority") == []
    assert begin_next()
    renew_pack(str(pack.pk))
    assert found(pack, "priority") == [("Lanes", 1)]
    assert words_of_all(pack) == words_of_all(filled_pack(LANES))
    pack.refresh_from_db()
    assert (pack.index_version, left(pack)) == (INDEX_VERSION, 0)
    assert Renewal.objects.get().status == "done"
    assert not begin_next()


def test_what_was_divided_in_a_former_way_is_divided_anew():
    pack = filled_pack("# Leaving\n\nTo leave:\n\n1. Open it.\n2. Press it.\n")
    Document.objects.update(index_version=2)
    KnowledgePack.objects.update(index_version=2)
    passages = Chunk.objects.filter(knowledge_pack=pack)
    passages.update(heading="", text="2. Press it.")
    assert begin_next()
    renew_pack(str(pack.pk))
    told = passages.values_list("heading", "text").get()
    assert told == ("Leaving", "To leave:\n1. Open it.\n2. Press it.")


def test_what_is_not_outdated_is_left_alone():
    pack = filled_pack(LANES)
    before = set(Chunk.objects.values_list("pk"))
    assert not begin_next()
    assert not Renewal.objects.exists()
    assert set(Chunk.objects.filter(knowledge_pack=pack).values_list("pk")) == before


def test_old_and_new_passages_are_found_side_by_side(monkeypatch):
    monkeypatch.setattr(renewal, "TURN_SECONDS", -1)
    other = GOODS.replace("سلع", "كتب").replace("السلع", "الكتب")
    pack = former_pack(GOODS, other, language="simple")
    everything = {("سلع", 1), ("كتب", 2)}, {("سلع", 2), ("كتب", 1)}
    assert set(found(pack, "هل يمكن إرجاع")) in everything
    begin_next()
    renew_pack(str(pack.pk))
    assert left(pack) == 1
    assert set(found(pack, "هل يمكن إرجاع")) in everything
    renew_pack(str(pack.pk))
    renew_pack(str(pack.pk))
    assert (left(pack), Renewal.objects.get().status) == (0, "done")
    assert set(found(pack, "هل يمكن ارجاع")) in everything


def test_a_turn_ends_early_and_the_next_goes_on_where_it_ended(monkeypatch):
    monkeypatch.setattr(renewal, "TURN_SECONDS", -1)
    pack = former_pack(SHIPPING, RETURNS, LANES)
    begin_next()
    for rest in (2, 1, 0):
        renew_pack(str(pack.pk))
        row = Renewal.objects.get()
        assert (left(pack), row.status, row.claims) == (rest, "pending", 0)
        assert KnowledgePack.objects.get(pk=pack.pk).index_version == 0
    renew_pack(str(pack.pk))
    assert Renewal.objects.get().status == "done"


def test_documents_stay_done_and_nobody_is_told():
    pack = former_pack(LANES)
    told = WebhookDelivery.objects.count()
    before = Document.objects.values("status", "indexed_at", "attempt", "updated_at")
    states = list(before)
    begin_next()
    renew_pack(str(pack.pk))
    assert list(before.all()) == states
    assert WebhookDelivery.objects.count() == told


def test_vectors_are_kept_of_what_says_the_same():
    pack = former_pack(LANES, SHIPPING)
    paid = Chunk.objects.filter(knowledge_pack=pack)
    paid.update(embedding_model="paid@maker")
    paid.filter(document__title="Shipping").update(text="Nobody writes so any more.")
    kept = paid.get(document__title="Lanes").embedding
    begin_next()
    renew_pack(str(pack.pk))
    lanes = paid.get(document__title="Lanes")
    assert (lanes.embedding_model, list(lanes.embedding)) == ("paid@maker", list(kept))
    others = paid.exclude(pk=lanes.pk).values_list("embedding_model", flat=True)
    assert set(others) == {""}
    embed_pack(str(pack.pk))
    assert not paid.filter(embedding=None).exists()


def test_passages_stay_where_a_text_is_split_no_more(monkeypatch):
    pack = former_pack(LANES)

    def fail(text):
        raise Unreadable("Too long.")

    monkeypatch.setattr(renewal, "split_in_child", fail)
    begin_next()
    renew_pack(str(pack.pk))
    assert left(pack) == 0
    assert found(pack, "priority") == [("Lanes", 1)]


def test_a_document_that_was_indexed_meanwhile_is_left_alone(monkeypatch):
    pack = former_pack(LANES)
    document = Document.objects.get()
    Document.objects.update(attempt=document.attempt + 1)
    before = words_of_all(pack)
    renewal.renew_document(document)
    assert words_of_all(pack) == before


def test_one_pack_is_renewed_at_a_time():
    first, second = former_pack(LANES), former_pack(GOODS)
    assert begin_next()
    assert not begin_next()
    assert Renewal.objects.get().knowledge_pack == first
    renew_pack(str(first.pk))
    assert Renewal.objects.get(knowledge_pack=second).status == "pending"
    renew_pack(str(second.pk))
    assert not KnowledgePack.objects.outdated().exists()


def test_what_stopped_five_workers_holds_up_no_other_pack():
    bad, good = former_pack(LANES), former_pack(GOODS)
    begin_next()
    Renewal.objects.update(claims=MAX_CLAIMS)
    renew_pack(str(bad.pk))
    assert Renewal.objects.get().status == "failed"
    assert renewal.progress_of(bad) is None
    assert begin_next()
    renew_pack(str(good.pk))
    assert not begin_next()
    # Until there is another way to try.
    Renewal.objects.filter(knowledge_pack=bad).update(version=INDEX_VERSION - 1)
    assert begin_next()
    renew_pack(str(bad.pk))
    assert left(bad) == 0


def test_a_failure_is_noted_and_tried_again(monkeypatch):
    pack = former_pack(LANES)

    def fail(*args):
        raise ValueError

    monkeypatch.setattr(renewal, "replace_passages", fail)
    begin_next()
    renew_pack(str(pack.pk))
    row = Renewal.objects.get()
    assert (row.status, row.last_error, row.claims) == ("pending", "ValueError", 1)
    assert row.run_after > timezone.now()
    assert found(pack, "opens at nine") == [("Lanes", 1)]


def test_packs_of_a_deleted_organization_wait():
    pack = former_pack(LANES)
    pack.organization.soft_delete()
    assert not begin_next()


def test_a_pack_with_nothing_in_it_is_done_at_once():
    pack = KnowledgePackFactory(index_version=0)
    begin_next()
    renew_pack(str(pack.pk))
    pack.refresh_from_db()
    assert pack.index_version == INDEX_VERSION


def test_what_waits_for_its_index_is_not_renewed():
    pack = former_pack(LANES)
    DocumentFactory(knowledge_pack=pack)
    assert left(pack) == 1


# --- Who sees it --------------------------------------------------------------
def test_the_page_of_a_pack_says_how_far_it_is(browser_of, ada, harbor):
    pack = former_pack(LANES, SHIPPING, organization=harbor)
    Document.objects.filter(title="Lanes").update(index_version=INDEX_VERSION)
    url, browser = reverse("agents:knowledge_detail", args=[pack.pk]), browser_of(ada)
    assert "Indexing anew, 1 of 2 left" in browser.get(url).content.decode()
    begin_next()
    renew_pack(str(pack.pk))
    assert "Indexing anew" not in browser.get(url).content.decode()
