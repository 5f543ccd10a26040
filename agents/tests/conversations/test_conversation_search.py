"""Finding conversations by what was said in them."""

import pytest
from django.db import connection

from agents.conversations.search import matches, saying, terms
from agents.models import Message, Session
from agents.tests.factories import MessageFactory, SessionFactory

pytestmark = pytest.mark.django_db


def talk(*texts):
    session = SessionFactory()
    for number, text in enumerate(texts):
        role = "assistant" if number % 2 else "user"
        MessageFactory(session=session, role=role, content=text)
    return session


def found(words):
    return set(saying(Session.objects.all(), words))


@pytest.mark.parametrize(
    "words",
    [
        "parcel",
        "PARCELS graz",
        "graz days",
        '"three days"',
        "Größe",
        "größ",
        "  parcels,  ",
    ],
)
def test_a_conversation_is_found_by_its_words(words):
    hit = talk("How long do parcels to Graz take, Größe L?", "About three days.")
    talk("Do you sell beans?", "We do.")
    assert found(words) == {hit}


@pytest.mark.parametrize(
    "words", ["", "?", "''", '"days three"', "parcels bananas", "\x00", "'; --", "!!"]
)
def test_what_was_not_said_finds_nothing(words):
    talk("How long do parcels take?", "About three days.")
    assert found(words) == set()


@pytest.mark.parametrize("words", ["it's", "o'clock", "a\\b", "7:30", "&|!()", "x:*"])
def test_signs_are_taken_as_they_are(words):
    talk("It's at 7:30 o'clock, path a\\b x")
    assert isinstance(found(words), set)


def test_notes_of_the_system_are_not_searched():
    session = talk("Hello")
    session.add_message("system", "Handed over to billing.")
    assert found("billing") == set()


def test_only_so_many_words_of_a_search_count():
    assert len(terms(" ".join("abcdefghijkl"))) == 8


def test_a_match_shows_the_message_that_fits_best_and_what_fits():
    session = talk("Parcels?", "Parcels to Graz take three days; to Linz, two.")
    match = matches([session.pk], "graz parcel")[session.pk]
    assert match.sequence == 2
    assert [part["text"] for part in match.parts if part["found"]] == [
        "Parcels",
        "Graz",
    ]
    whole = "".join(part["text"] for part in match.parts)
    assert whole == "Parcels to Graz take three days; to Linz, two."


def test_markup_stays_text():
    session = talk("<b>parcels</b> & <script>alert(1)</script>")
    match = matches([session.pk], "parcels")[session.pk]
    assert "parcels" in "".join(part["text"] for part in match.parts)


def test_matches_cost_two_queries_however_many(django_assert_num_queries):
    ids = [talk("Parcels to Graz?").pk for _ in range(20)]
    with django_assert_num_queries(2):
        assert len(matches(ids, "parcels graz")) == 20


def test_the_search_goes_through_its_index():
    session = talk("Parcels?")
    Message.objects.bulk_create(
        Message(session=session, sequence=number, role="user", content=f"word{number}")
        for number in range(10, 3_000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE messages")
    plan = saying(Session.objects.all(), "word77").explain()
    assert "ix_messages_search" in plan
