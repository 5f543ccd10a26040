"""The numbers behind a model's statements, made citations as it speaks."""

from uuid import uuid4

import pytest

from agents.knowledge.retrieval.search import Passage
from agents.llm.citations import Marks

PASSAGES = tuple(
    Passage(uuid4(), title, "", "", f"About {title}.", 0, 1.0)
    for title in ("Shipping", "Returns", "Coffees")
)


def through(text, size=1, passages=PASSAGES):
    marks = Marks(passages)
    pieces = [text[n : n + size] for n in range(0, len(text), size)]
    said = "".join(map(marks.feed, pieces)) + marks.end()
    return said, [(each.number, each.title) for each in marks.citations()]


@pytest.mark.parametrize("size", [1, 3, 100])
@pytest.mark.parametrize(
    ("text", "said", "cited"),
    [
        ("Three days [2].", "Three days [1].", ["Returns"]),
        ("A [3]. B [1]. C [3].", "A [1]. B [2]. C [1].", ["Coffees", "Shipping"]),
        ("Both [1, 3].", "Both [1][2].", ["Shipping", "Coffees"]),
        ("All [1-3].", "All [1][2][3].", ["Shipping", "Returns", "Coffees"]),
        ("One [1][2].", "One [1][2].", ["Shipping", "Returns"]),
    ],
)
def test_sources_are_numbered_as_they_appear(text, said, cited, size):
    assert through(text, size) == (said, list(enumerate(cited, start=1)))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Invented [9].", "Invented."),
        ("Invented [0] [4].", "Invented."),
        ("Half [1, 9].", "Half [1]."),
        ("No end [1", "No end [1"),
        ("See [the list] and [a1].", "See [the list] and [a1]."),
    ],
)
def test_a_number_of_no_passage_is_left_out(text, said):
    assert through(text)[0] == said


def test_without_passages_there_are_no_citations():
    assert through("Three days [1].", passages=()) == ("Three days.", [])


def test_brackets_in_code_are_code():
    text = "Use `a[2]` or\n```\nb[3]\n```\nAs said [2]."
    said, cited = through(text)
    assert said == "Use `a[2]` or\n```\nb[3]\n```\nAs said [1]."
    assert cited == [(1, "Returns")]


def test_a_backtick_that_is_not_closed_ends_with_its_line():
    assert through("A ` here [9]\nand [2].")[0] == "A ` here [9]\nand [1]."
