"""Answers from texts as word processors and web pages write them."""

import pytest

from agents.tests.factories import filled_pack
from agents.tests.grounded.test_grounded import answer_of, reader_of
from agents.tests.knowledge.test_languages import TEXTS

pytestmark = pytest.mark.django_db
FEES = (
    "# Fees\n\nThe cancel\u00adla\u00adtion fee is nine euros.\n\n"
    "The par\u200bking permit costs twelve euros."
)


@pytest.mark.parametrize(
    ("text", "language", "question", "answer"),
    [
        (
            "typographic-quotes.txt",
            "english",
            "When does the priority lane open?",
            "nine o’clock",
        ),
        (
            "typographic-quotes.txt",
            "english",
            "What do children's passes cost?",
            "two euros",
        ),
        (
            "spanish.txt",
            "spanish",
            "¿Cuánto tarda el envío?",
            "tres a cinco días",
        ),
        ("ligatures.txt", "english", "When does the office close?", "ﬁve"),
        (
            "ligatures.txt",
            "english",
            "Where do staff find lost keys?",
            "aﬀected drawer",
        ),
        (FEES, "english", "What is the cancellation fee?", "cancellation fee is nine"),
        (FEES, "english", "What does the parking permit cost?", "twelve euros"),
    ],
)
def test_a_question_is_answered_however_the_text_is_written(
    text, language, question, answer
):
    text = (TEXTS / text).read_text() if text.endswith(".txt") else text
    version = reader_of(filled_pack(text, language=language))
    assert answer in answer_of(version, question)
