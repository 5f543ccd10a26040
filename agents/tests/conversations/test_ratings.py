"""Thumbs and comments: one of each person, of answers only."""

from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from accounts.errors import Invalid, NotFound
from accounts.models import AuditLog
from agents.conversations.ratings import rate, withdraw
from agents.models import Rating
from agents.tests.factories import MessageFactory, RatingFactory, SessionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def session(harbor):
    return SessionFactory(agent_ref__organization=harbor)


@pytest.fixture
def answer(session):
    return MessageFactory(session=session, role="assistant", content="In three days.")


def test_a_visitors_rating_is_changed_and_stays_one(session, answer):
    rate(session=session, message_id=answer.pk, value="up")
    rate(session=session, message_id=answer.pk, value="down", comment=" Wrong. ")
    rating = Rating.objects.get()
    assert (rating.value, rating.comment, rating.user) == ("down", "Wrong.", None)
    assert rating.session == session


def test_a_member_and_the_visitor_rate_beside_each_other(session, answer, ada):
    rate(session=session, message_id=answer.pk, value="up")
    rate(session=session, message_id=answer.pk, value="down", user=ada.user)
    assert {(row.user_id, row.value) for row in answer.ratings.all()} == {
        (None, "up"),
        (ada.user_id, "down"),
    }


def test_a_members_rating_is_audited_and_a_visitors_is_its_own_record(
    session, answer, ada
):
    before = AuditLog.objects.count()
    rate(session=session, message_id=answer.pk, value="up")
    assert AuditLog.objects.count() == before
    rate(session=session, message_id=answer.pk, value="up", user=ada.user)
    row = AuditLog.objects.latest("sequence")
    assert (row.resource_type, row.resource_id) == ("rating", str(answer.pk))


def test_a_rating_is_withdrawn_once(session, answer):
    rate(session=session, message_id=answer.pk, value="up")
    assert withdraw(session=session, message_id=answer.pk)
    assert not withdraw(session=session, message_id=answer.pk)
    assert not Rating.objects.exists()


def test_a_question_is_not_rated(session):
    question = MessageFactory(session=session)
    with pytest.raises(Invalid):
        rate(session=session, message_id=question.pk, value="up")


def test_an_answer_of_another_conversation_is_as_if_there_were_none(session):
    elsewhere = RatingFactory().message
    for message_id in (elsewhere.pk, uuid4()):
        with pytest.raises(NotFound):
            rate(session=session, message_id=message_id, value="down")
    assert elsewhere.ratings.get().value == "up"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [({"value": "fine"}, "/rating"), ({"comment": "x" * 1001}, "/comment")],
)
def test_what_is_no_rating_is_refused(session, answer, change, pointer):
    with pytest.raises(Invalid) as refused:
        rate(session=session, message_id=answer.pk, **{"value": "up"} | change)
    assert refused.value.pointer == pointer
    assert not Rating.objects.exists()


def test_the_database_itself_refuses_a_second_rating_of_a_visitor(answer):
    RatingFactory(message=answer)
    with pytest.raises(IntegrityError), transaction.atomic():
        RatingFactory(message=answer, value="down")
