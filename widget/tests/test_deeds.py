"""What a visitor does about answers: rate, stop, ask anew."""

from uuid import uuid4

import pytest

from agents.conversations.ratings import rate
from agents.models import Message, Rating, Reply
from agents.replies import production
from widget.tests.conftest import Visitor, until_refused


@pytest.fixture(autouse=True)
def no_pause(settings):
    settings.GROUNDED_TOKEN_DELAY_MS = 0


@pytest.fixture
def answer(inside):
    production.produce(inside.say("How long to Graz?").json()["reply_id"])
    return Message.objects.get(role="assistant")


def feedback(visitor, message_id, **body):
    return visitor.send("POST", "feedback", {"message_id": str(message_id)} | body)


def told(visitor):
    return visitor.send("GET", "messages").json()["messages"]


def test_a_visitor_rates_changes_and_takes_back(inside, answer):
    given = feedback(inside, answer.pk, rating="down", comment="Four days.")
    assert (given.status_code, given.json()["rating"]) == (200, "down")
    feedback(inside, answer.pk, rating="up")
    assert Rating.objects.get().value == "up"
    assert told(inside)[1]["rating"] == "up"
    feedback(inside, answer.pk, rating=None)
    assert told(inside)[1]["rating"] is None


def test_what_members_think_is_not_the_visitors_to_know(inside, answer, ada):
    rate(
        session=answer.session,
        message_id=answer.pk,
        value="down",
        comment="Awful",
        user=ada.user,
    )
    shown = told(inside)[1]
    assert shown["rating"] is None
    assert "Awful" not in str(shown)


def test_an_answer_under_way_is_stopped(inside):
    asked = inside.say("How long to Graz?").json()
    stopped = inside.send("POST", "stop", {})
    assert stopped.json() == {"stopped": [asked["message_id"]]}
    assert told(inside)[0]["status"] == "failed"


def test_another_answer_stands_in_the_place_of_the_first(inside, answer):
    asked = inside.send("POST", "regenerate", {"message_id": str(answer.pk)})
    assert asked.status_code == 202
    production.produce(asked.json()["reply_id"])
    shown = told(inside)
    assert len(shown) == 2
    assert shown[1]["id"] != str(answer.pk)
    assert "superseded" not in shown[1]


def test_the_same_answer_is_replaced_once(inside, answer):
    body = {"message_id": str(answer.pk)}
    first, again = (inside.send("POST", "regenerate", body) for _ in range(2))
    assert first.json() == again.json()
    assert Reply.objects.count() == 2


@pytest.mark.parametrize("name", ["feedback", "stop", "regenerate"])
def test_another_visitor_finds_nothing(agent, answer, name):
    other = Visitor(agent)
    other.enter()
    body = {"message_id": str(answer.pk), "rating": "up"}
    assert other.send("POST", name, body).status_code == 404
    other.say("Mine")
    if name != "stop":
        assert other.send("POST", name, body).status_code == 404
    assert (Rating.objects.count(), Reply.objects.count()) == (0, 2)


@pytest.mark.parametrize("name", ["feedback", "stop", "regenerate"])
def test_nobody_known_does_nothing(visitor, name):
    body = {"message_id": str(uuid4()), "rating": "up"}
    assert visitor.send("POST", name, body).status_code == 401


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"message_id": "7"}, "/message_id"),
        ({"message_id": None}, "/message_id"),
        ({"rating": "fine"}, "/rating"),
        ({"rating": 7}, "/rating"),
        ({"rating": "up", "comment": "x" * 1001}, "/comment"),
        ({"rating": "up", "comment": ["x"]}, "/comment"),
    ],
)
def test_what_is_no_rating_is_refused(inside, answer, body, pointer):
    refused = inside.send("POST", "feedback", {"message_id": str(answer.pk)} | body)
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["pointer"] == pointer
    assert not Rating.objects.exists()


def test_a_question_is_not_rated(inside, answer):
    question = Message.objects.get(role="user")
    assert feedback(inside, question.pk, rating="up").status_code == 400


def test_ratings_have_a_limit(inside, answer):
    refused = until_refused(
        lambda: feedback(inside, answer.pk, rating="up"), quota=30, window=60
    )
    assert refused.json()["violated_policies"] == ["widget-deeds"]
