"""Search finds what a question is about, in one pack only."""

import pytest

from agents.knowledge.retrieval import search as searching
from agents.knowledge.retrieval.lexical import alike, stems
from agents.knowledge.retrieval.search import search
from agents.tests.factories import KnowledgePackFactory, filled_pack
from agents.tests.shop import COFFEES, RETURNS, SHIPPING, VERSAND

pytestmark = pytest.mark.django_db


@pytest.fixture
def pack():
    return filled_pack(SHIPPING, RETURNS, COFFEES)


def headings(pack, question, **options):
    found = search(knowledge_pack_id=pack.pk, question=question, **options)
    return [passage.heading for passage in found]


@pytest.mark.parametrize(
    ("question", "heading"),
    [
        ("How do I store coffee?", "Our coffees > Storage"),
        ("What does express delivery cost?", "Shipping > What it costs"),
        ("tracking", "Shipping > Tracking"),
        ("Can I cancel the subscription?", "Our coffees > Subscription"),
        ("Is there plastic in the packaging?", "Shipping > Packaging"),
    ],
)
def test_the_best_passage_comes_first(pack, question, heading):
    assert headings(pack, question)[0] == heading


def test_one_shared_word_is_enough_to_be_found(pack):
    assert headings(pack, "albatross submarine fridge") == ["Our coffees > Storage"]


def test_a_rare_word_weighs_more_than_common_ones(pack):
    assert (
        headings(pack, "coffee order shipping espresso")[0] == "Our coffees > Brewing"
    )


def test_common_words_are_found_together(pack, monkeypatch):
    # As in a pack of a hundred thousand, where nobody counts every "coffee".
    monkeypatch.setattr(searching, "COMMON", 2)
    monkeypatch.setattr(searching, "COMMON_SHARE", 0)
    assert headings(pack, "coffee bag")[0] == headings(pack, "bag of coffee")[0]
    assert headings(pack, "coffee order shipping espresso")[0] == (
        "Our coffees > Brewing"
    )


def test_words_that_mean_the_same_are_found(pack):
    assert headings(pack, "broken") == ["Damaged parcels"]


def test_at_most_so_many_passages_are_returned(pack):
    assert len(headings(pack, "coffee shipping return", limit=2)) == 2


def test_a_passage_says_where_it_comes_from(pack):
    document = pack.documents.get(title="Shipping")
    document.source_url = "https://shop.example/shipping"
    document.save()
    (passage,) = search(knowledge_pack_id=pack.pk, question="plastic")
    assert passage.document_id == document.pk
    assert (passage.title, passage.url) == ("Shipping", document.source_url)
    assert passage.text.endswith("We use no plastic.")


def test_another_pack_is_never_searched(pack):
    other = filled_pack("# Secret\n\nThe plastic albatross lives in the fridge.")
    for question in ("plastic", "albatross", "fridge"):
        for passage in search(knowledge_pack_id=pack.pk, question=question):
            assert passage.title != "Secret"
    assert headings(other, "espresso shipping") == []


def test_an_empty_pack_and_one_that_is_gone_have_no_passages(pack):
    empty = KnowledgePackFactory()
    assert search(knowledge_pack_id=empty.pk, question="coffee") == []
    gone = pack.pk
    pack.delete()
    assert search(knowledge_pack_id=gone, question="coffee") == []


@pytest.mark.parametrize(
    "question",
    [
        "",
        "the",
        "???",
        "'",
        "\\",
        "a' | 'b",
        "it''s",
        "!!()&|:*<->",
        "\u202e",
        "x" * 9000,
    ],
)
def test_no_question_breaks_the_search(pack, question):
    assert search(knowledge_pack_id=pack.pk, question=question) == []


def test_a_pack_is_searched_in_its_language():
    pack = filled_pack(VERSAND, language="german")
    assert headings(pack, "Rücksendungen")[0] == "Versand > Rücksendung"


def test_stems_come_back_in_order():
    assert stems("english", ["running shops", "the", "shipped"]) == [
        {"run", "shop"},
        set(),
        {"ship"},
    ]


def test_only_languages_with_such_words_know_words_alike():
    assert "parcel" in alike("english", {"packag"})["packag"]
    assert alike("finnish", {"packag"}) == {}
