"""Texts are split where a reader would split them."""

import time

import pytest

from agents.knowledge.chunks import LARGEST, MAX_PIECES, OVERLAP, split_text
from agents.knowledge.sentences import split_sentences


def pieces(text):
    return [(piece.heading, piece.text) for piece in split_text(text)]


def test_headings_stay_with_what_stands_below_them():
    text = "# Shipping\n\nIntro.\n\n## Cost\n\nFree.\n\n# Returns\n\nThirty days."
    assert pieces(text) == [
        ("Shipping", "Intro."),
        ("Shipping > Cost", "Free."),
        ("Returns", "Thirty days."),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Cost\n====\n\nFree.",
        "Cost\n---\n\nFree.",
        "## Cost ##\nFree.",
        "**Cost**\n\nFree.",
        "Cost\n\nFree.",
        "COST\n\nFree.",
        "Cost\r\n\r\nFree.",
    ],
)
def test_a_heading_is_known_in_any_of_its_forms(text):
    ((heading, body),) = pieces(text)
    assert (heading.strip("*").lower(), body) == ("cost", "Free.")


def test_a_question_on_a_line_of_its_own_is_a_heading():
    text = "How long?\nThree days.\n\nHow much?\nNothing."
    assert pieces(text) == [("How long?", "Three days."), ("How much?", "Nothing.")]


@pytest.mark.parametrize(
    "text",
    [
        "We ship to:\n\n- Austria\n- Germany",
        "Just one sentence.\n\nAnd another.",
        "a lower case line\n\nAnd another.",
        "A line that goes on and on because it is no heading at all but a text\n\nEnd.",
    ],
)
def test_not_every_short_line_is_a_heading(text):
    assert {heading for heading, _ in pieces(text)} == {""}


def test_lines_that_only_looked_like_headings_are_not_lost():
    text = "Harbor Coffee\n\nAm Sandtorkai 12\n\n20457 Hamburg\n\nGermany\n\nWelcome."
    assert "Am Sandtorkai 12" in "\n".join(text for _, text in pieces(text))


def test_nothing_but_a_heading_is_a_text():
    assert pieces("# Closed") == [("", "# Closed")]


def test_list_items_stay_whole_on_lines_of_their_own():
    ((_, text),) = pieces("We ship to:\n- Austria\n- Germany,\n  north only\n")
    assert text == "We ship to:\n- Austria\n- Germany, north only"


def test_a_table_is_read_row_by_row_with_its_column_names():
    text = "| Country | Time | Cost |\n|---|---|---|\n| Austria | 4 days | 9 EUR |"
    assert pieces(text) == [("", "Country Austria: Time 4 days, Cost 9 EUR")]


def test_formatting_is_taken_off_and_what_links_say_stays():
    ((_, text),) = pieces("See **our** [returns page](https://x.example/r) now.")
    assert text == "See our returns page now."


def test_code_is_kept_line_by_line_and_holds_no_headings():
    text = "Run:\n\n```\n# not a heading\nmake all\n```"
    assert pieces(text) == [("", "Run:\n# not a heading\nmake all")]


@pytest.fixture
def novel():
    return " ".join(
        f"This is sentence {n} of a long tale of coffee." for n in range(99)
    )


def test_a_long_text_is_cut_between_sentences(novel):
    texts = [text for _, text in pieces(novel)]
    assert len(texts) > 3
    assert all(len(text) <= LARGEST for text in texts)
    assert all(text.endswith(".") and text.startswith("This") for text in texts)


def test_a_passage_begins_with_the_end_of_the_one_before(novel):
    first, second = split_text(novel)[:2]
    shared = second.text.split(". ")[0]
    assert first.text.endswith(f"{shared}.")
    assert len(shared) <= OVERLAP


def test_every_sentence_is_in_some_passage(novel):
    whole = " ".join(text for _, text in pieces(novel))
    assert all(f"sentence {n} of" in whole for n in range(99))


def test_a_word_without_end_is_cut():
    assert [len(text) for _, text in pieces("x" * 2000)] == [900, 900, 200]


def test_a_text_of_very_many_headings_has_a_bounded_number_of_passages():
    assert len(split_text("# a\nb\n" * 6_000)) <= MAX_PIECES


@pytest.mark.parametrize(
    "part",
    ["#", "|", "*", "[a](", "**a", ". ", "- ", "1. ", "![a](b", "_a", " #", " ", "a\n"],
)
def test_no_text_takes_long(part):
    begun = time.process_time()
    split_text(f"x {part * (50_000 // len(part))}")
    split_text(f"{part * (50_000 // len(part))} x")
    assert time.process_time() - begun < 1


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("One. Two! Three? Four", 4),
        ("Write to Dr. Miller, e.g. by mail. Thanks.", 2),
        ("Orders before 2 p.m. leave today. Others do not.", 2),
        ("We close at 6 p.m. We open at 9.", 2),
        ("It costs 4.90 EUR. Free from 40.", 2),
        ("Am 3. Mai z. B. öffnen wir. Danke.", 2),
        ("He said “Yes.” Then he left.", 2),
        ("Wait... what? No.", 2),
        ("送料は無料です。三日かかります。", 2),
        ("J. R. Tolkien wrote. We read.", 2),
        ("", 0),
    ],
)
def test_sentences_end_where_they_end(text, count):
    assert len(split_sentences(text)) == count
