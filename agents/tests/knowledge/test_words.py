"""Words are told apart and written alike in every script."""

import unicodedata
from itertools import pairwise

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.knowledge.retrieval import lexical
from agents.knowledge.retrieval.lexical import search_vectors, stems
from agents.knowledge.retrieval.normalization import (
    APOSTROPHES,
    POINTS,
    UNSEEN,
    normalized,
    visible,
)
from agents.knowledge.retrieval.words import words_in
from agents.models.knowledge import STEMMED, Language

# Of scripts that fold, join or combine more often than chance would have it.
TEXT = st.text(
    st.one_of(
        st.characters(exclude_categories=["Cs"]),
        st.sampled_from(
            "ﬁﬀ’“”«»–—‑\u00ad\u200b\u200d\u0640ىیةأإآٱكکﻻ٣۴९ıİßς\u0301\u0653कषि"
        ),
    )
)
STORABLE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


def letters(text):
    """Return the letters and digits of a text, without what is no more than a mark."""
    return [
        character
        for character in unicodedata.normalize("NFKD", text)
        if unicodedata.category(character)[0] in "LN"
        and character not in APOSTROPHES
        and ord(character) not in POINTS | UNSEEN
    ]


@given(TEXT)
def test_what_is_normalized_stays_as_it_is(text):
    assert normalized(normalized(text)) == normalized(text)


@given(TEXT)
def test_no_letter_and_no_digit_is_lost(text):
    kept = letters(normalized(text))
    assert len(kept) == len(letters(text))
    unfolded = "\u0649\u06cc\u06a9\u0629\u0671\u0672\u0673"
    assert not set(unfolded) & set(kept)
    for before, after in zip(letters(text), kept, strict=True):
        digit = unicodedata.decimal(before, None)
        assert after == (before if digit is None else str(digit)) or before in unfolded


@given(TEXT)
def test_every_letter_and_digit_is_in_a_word(text):
    text = text[:5]  # Longer words are cut.
    words = "".join(form for forms in words_in(text) for form in forms)
    told = letters(normalized(text).lower().replace("i\u0307", "i"))
    assert set(told) <= set(unicodedata.normalize("NFKD", words))


@given(TEXT, TEXT)
def test_words_are_the_same_wherever_they_stand(before, text):
    alone = words_in(text)
    assert words_in(f"{before} \n {text}")[len(words_in(before)) :] == alone


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("“Priority” lane’s «end»—now…", ["priority", "lane", "s", "end", "now"]),
        ("¿Cuánto tarda?", ["cuánto", "tarda"]),
        ("can\u00adcel\u200bla\ufefftion", ["cancellation"]),
        ("9–17 Uhr", ["9", "17", "uhr"]),
        ("डिलीवरी हैं।", ["डिलीवरी", "हैं"]),
        ("३० दिन ٣٠ ３０", ["30", "दिन", "30", "30"]),
        ("送料 iPhone対応", ["送料", "iphone", "対応"]),
        ("ค่าส่ง", ["ค่า", "าส่", "ส่ง"]),
        ("ﻻ لا", ["لا", "لا"]),
        ("Ⅷ ½ m²", ["viii", "1", "2", "m2"]),
        ("\u0301\u0302 - . ' @", []),
    ],
)
def test_a_word_ends_where_letters_digits_and_marks_end(text, words):
    assert [form for forms in words_in(text) for form in forms] == words


@pytest.mark.parametrize(
    ("word", "forms"),
    [
        ("e-mail", ["e", "mail", "email"]),
        ("Wi‑Fi", ["wi", "fi", "wifi"]),
        ("2.1.3", ["2.1.3"]),
        ("v2.1.3-beta", ["2.1.3", "beta", "v2.1.3beta"]),
        ("1,000.", ["1.000", "1000"]),
        ("14,50", ["14.50"]),
        ("2024-05-01", ["2024", "05", "01"]),
        ("info@shop.example", ["info", "shop", "example", "infoshopexample"]),
        ("MAX_SIZE", ["max", "size", "maxsize"]),
        ("end.Next", ["end", "next", "endnext"]),
    ],
)
def test_a_word_with_joints_is_found_in_parts_and_whole(word, forms):
    assert words_in(word) == [forms]


def test_turkish_letters_are_made_small_as_in_turkish():
    assert words_in("KIRK İADE", "turkish") == [["kırk"], ["iade"]]
    assert words_in("IRIS İADE", "english") == [["iris"], ["iade"]]


def test_only_what_tells_where_to_break_is_taken_from_what_people_see():
    shown = "“ﬁve” — می\u200cخواهم 👩\u200d🚀 ½"
    assert visible(f"\ufeff{shown}\u00ad\u200b") == shown


def test_pairs_of_a_long_run_are_neighbours():
    run = "ก" * 5 + "ข"
    assert words_in(run) == [["".join(pair)] for pair in pairwise(run)]


@pytest.mark.django_db
@pytest.mark.parametrize("language", sorted(STEMMED - {"estonian"}))
def test_every_stemmer_that_is_offered_is_there(language):
    assert language in Language.values
    with connection.cursor() as cursor:
        cursor.execute("SELECT ts_lexize(%s, 'abc') IS NULL", [f"{language}_stem"])
        assert cursor.fetchone() == (False,)


@pytest.mark.django_db
def test_no_stemmer_of_postgresql_is_left_out():
    with connection.cursor() as cursor:
        cursor.execute("SELECT dictname FROM pg_ts_dict WHERE dictname LIKE '%%_stem'")
        names = {name.removesuffix("_stem") for (name,) in cursor.fetchall()}
    assert names <= STEMMED


@pytest.mark.django_db
def test_a_language_without_its_stemmer_keeps_words_as_they_are(monkeypatch):
    monkeypatch.setattr(lexical, "STEMMED", STEMMED | {"klingon"})
    assert stems("klingon", ["Running shops"]) == [{"running", "shops"}]


@pytest.mark.django_db
def test_words_that_are_known_are_not_asked_for_again(django_assert_num_queries):
    stems("english", ["albatrosses everywhere"])
    with django_assert_num_queries(0):
        assert stems("english", ["Everywhere, albatrosses!"]) == [
            {"everywher", "albatross"}
        ]
    with django_assert_num_queries(1):
        stems("english", ["albatrosses everywhere and unheardof1 unheardofs"])


@pytest.mark.django_db
def test_known_words_do_not_grow_without_end(monkeypatch):
    monkeypatch.setattr(lexical, "MOST_KNOWN", 10)
    for number in range(30):
        stems("danish", [f"ord {'x' * (number + 1)}"])
    assert len(lexical.KNOWN["danish"]) <= 10


@pytest.mark.django_db
@settings(max_examples=40, deadline=None)
@given(st.lists(STORABLE, max_size=5), st.sampled_from(["english", "simple", "thai"]))
def test_postgresql_reads_what_finds_a_passage(texts, language):
    texts = [
        text.encode("utf-8", "ignore").decode().replace("\0", "") for text in texts
    ]
    vectors = search_vectors(language, [[(text, "A")] for text in texts])
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tsvector_to_array(text::tsvector) FROM unnest(%s::text[]) AS text",
            [vectors],
        )
        read = [set(row[0]) for row in cursor.fetchall()]
    assert read == stems(language, texts)


@pytest.mark.django_db
def test_a_vector_knows_places_and_weights():
    parts = [("Fees", "A"), ("The fee is a fee.", "B")]
    (vector,) = search_vectors("english", [parts])
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::tsvector = %s::tsvector", [vector, "'fee':1A,3B,6B"])
        assert cursor.fetchone() == (True,)
