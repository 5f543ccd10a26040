"""Conversations as files, whole, safe and read in pieces."""

import csv
import json

import pytest

from agents.conversations import export
from agents.conversations.export import as_csv, as_json
from agents.conversations.tags import add_tag
from agents.models import Session
from agents.tests.factories import MessageFactory, RatingFactory, SessionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def session():
    session = SessionFactory(visitor_id="anna")
    MessageFactory(session=session, content='=HYPERLINK("http://evil")')
    answer = MessageFactory(
        session=session,
        role="assistant",
        content="No.",
        citations=[{"title": "-Shipping"}],
    )
    RatingFactory(message=answer, value="down", comment="@all wrong")
    add_tag(session=session, name="Odd", actor=None)
    return session


def read_csv():
    return list(csv.DictReader("".join(as_csv(Session.objects.all())).splitlines()))


def read_json():
    return json.loads(b"".join(as_json(Session.objects.all())))


def test_a_table_has_a_line_for_each_message(session):
    question, answer = read_csv()
    assert (question["role"], question["sequence"]) == ("user", "1")
    assert (answer["content"], answer["rated_down"]) == ("No.", "1")
    assert answer["tags"] == "Odd"


def test_no_spreadsheet_takes_a_cell_for_a_formula(session):
    question, answer = read_csv()
    assert question["content"].startswith("'=HYPERLINK")
    assert answer["comments"] == "'@all wrong"
    assert answer["sources"] == "'-Shipping"


def test_a_document_has_everything(session):
    (told,) = read_json()
    assert (told["visitor_id"], told["tags"]) == ("anna", ["Odd"])
    question, answer = told["messages"]
    assert question["content"].startswith("=HYPERLINK")
    assert answer["ratings"][0]["comment"] == "@all wrong"
    assert answer["citations"] == [{"title": "-Shipping"}]


def test_nothing_is_an_empty_array_and_a_header():
    assert read_json() == []
    assert "".join(as_csv(Session.objects.all())).startswith("session_id,")


def test_pieces_make_a_whole(monkeypatch):
    sessions = SessionFactory.create_batch(7)
    monkeypatch.setattr(export, "CHUNK", 3)
    assert [told["id"] for told in read_json()] == [str(each.pk) for each in sessions]


@pytest.mark.parametrize("how_many", [1, 20])
def test_a_piece_costs_four_queries_however_long(how_many, django_assert_num_queries):
    for session in SessionFactory.create_batch(how_many):
        RatingFactory(message__session=session)
    with django_assert_num_queries(4):  # conversations, tags, messages, ratings
        assert len(read_json()) == how_many
