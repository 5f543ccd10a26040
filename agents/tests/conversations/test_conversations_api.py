"""What REST does with conversations besides talking: find, rate, tag, stop, file."""

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from agents.conversations.tags import add_tag
from agents.models import Message, Rating, Reply, Session, Tag
from agents.replies import production, questions
from agents.tests.factories import (
    AgentFactory,
    MessageFactory,
    RatingFactory,
    SessionFactory,
    TagFactory,
    knowing_agent,
)

pytestmark = pytest.mark.django_db
SESSIONS = "/api/v1/sessions/"
TAGS = "/api/v1/tags/"
SHIPPING = "# Shipping\n\nParcels to Graz take three days."


@pytest.fixture(autouse=True)
def no_pause(settings):
    settings.GROUNDED_TOKEN_DELAY_MS = 0


@pytest.fixture
def session(harbor):
    return SessionFactory(agent_ref=knowing_agent(SHIPPING, organization=harbor))


@pytest.fixture
def url(session):
    return f"{SESSIONS}{session.pk}/"


@pytest.fixture
def answer(session):
    reply = questions.ask(session=session, content="How long to Graz?")[1]
    production.produce(reply.pk)
    reply.refresh_from_db()
    return reply.answer


def pointers(response):
    return [error["pointer"] for error in response.json()["errors"]]


def ids(response):
    return [row["id"] for row in response.json()["results"]]


# --- Finding ----------------------------------------------------------------
def test_conversations_are_found_by_feedback_words_and_time(api, session, harbor):
    other = SessionFactory(agent_ref=AgentFactory(organization=harbor))
    MessageFactory(session=other, content="Do you sell beans?")
    RatingFactory(message__session=session, value="down")
    add_tag(session=session, name="Odd", actor=None)
    soon = (timezone.now() + timedelta(hours=1)).isoformat()
    mine, theirs = str(session.pk), str(other.pk)
    for query, expected in (
        ({"tag": "ODD"}, [mine]),
        ({"tag": "even"}, []),
        ({"rating": "down"}, [mine]),
        ({"rating": "up"}, []),
        ({"search": "bean"}, [theirs]),
        ({"search": "bean", "tag": "odd"}, []),
        ({"created_after": soon}, []),
        ({"created_before": soon, "tag": "odd"}, [mine]),
    ):
        assert ids(api.get(SESSIONS, query)) == expected, query


@pytest.mark.parametrize(
    "query", [{"rating": "fine"}, {"search": "x" * 201}, {"created_after": "soon"}]
)
def test_a_search_that_makes_no_sense_is_refused(api, query):
    response = api.get(SESSIONS, query)
    assert response.status_code == 400
    assert pointers(response) == [f"/{next(iter(query))}"]


def test_a_row_says_tags_ratings_and_what_fits(api, session, answer):
    RatingFactory(message=answer, value="up")
    add_tag(session=session, name="Graz", actor=None)
    (row,) = api.get(SESSIONS, {"search": "parcels"}).json()["results"]
    assert (row["tags"], row["ratings"]) == (["Graz"], {"up": 1, "down": 0})
    assert row["match"]["message_id"] == str(answer.pk)
    assert {"text": "Parcels", "found": True} in row["match"]["parts"]
    (row,) = api.get(SESSIONS).json()["results"]
    assert row["match"] is None


@pytest.mark.parametrize("how_many", [1, 20])
def test_a_search_costs_five_queries_however_long(
    api, session, how_many, django_assert_num_queries
):
    for each in SessionFactory.create_batch(how_many, agent_ref=session.agent_ref):
        RatingFactory(message__session=each, message__content="Three days.")
        add_tag(session=each, name="Odd", actor=None)
    api.get(SESSIONS, {"search": "three"})
    # The key, the count, the page; which message fits best, and a piece of it.
    with django_assert_num_queries(5):
        assert len(ids(api.get(SESSIONS, {"search": "three"}))) == how_many


def test_messages_are_read_in_pages_from_the_end(api, session, url):
    for _ in range(5):
        MessageFactory(session=session)
    last = api.get(f"{url}messages", {"limit": 2}).json()
    assert [row["sequence"] for row in last["messages"]] == [4, 5]
    first = api.get(f"{url}messages", {"limit": 9, "before": last["before"]}).json()
    assert [row["sequence"] for row in first["messages"]] == [1, 2, 3]
    assert first["before"] is None


@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "x"}, {"before": "-1"}])
def test_a_page_of_messages_that_makes_no_sense_is_refused(api, url, query):
    response = api.get(f"{url}messages", query)
    assert (response.status_code, pointers(response)) == (
        400,
        [f"/{next(iter(query))}"],
    )


# --- Rating -----------------------------------------------------------------
def rate(api, url, message_id, **body):
    return api.put(f"{url}messages/{message_id}/rating", body, format="json")


def test_a_member_rates_changes_and_takes_back(api, ada, url, answer):
    first = rate(api, url, answer.pk, rating="down", comment="Four days.")
    assert first.status_code == 200, first.content
    assert first.json()["ratings"][0]["user_id"] == str(ada.user_id)
    rate(api, url, answer.pk, rating="up")
    (rating,) = api.get(f"{url}messages").json()["messages"][1]["ratings"]
    assert (rating["rating"], rating["comment"]) == ("up", "")
    assert rate(api, url, answer.pk, rating=None).json() == {"ratings": []}


def test_a_program_rates_for_its_visitor(api, url, answer):
    rate(api, url, answer.pk, rating="up", as_visitor=True)
    assert Rating.objects.get().user is None


def test_nobody_rates_for_a_visitor_who_is_none(api, ada, url, answer):
    Session.objects.update(visitor_id="", user=ada.user)
    response = rate(api, url, answer.pk, rating="up", as_visitor=True)
    assert (response.status_code, pointers(response)) == (400, ["/as_visitor"])


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/rating"),
        ({"rating": "fine"}, "/rating"),
        ({"rating": "up", "comment": "x" * 1001}, "/comment"),
        ({"rating": "up", "comment": "a\u0000"}, "/comment"),
        ({"rating": "up", "stars": 5}, "/stars"),
    ],
)
def test_what_is_no_rating_is_refused(api, url, answer, body, pointer):
    response = rate(api, url, answer.pk, **body)
    assert (response.status_code, pointers(response)) == (400, [pointer])


# --- Tags -------------------------------------------------------------------
def test_a_conversation_is_filed_and_taken_out(api, url):
    response = api.post(f"{url}tags", {"name": "Lost parcel"}, format="json")
    assert response.status_code == 201, response.content
    tag = response.json()
    again = api.post(f"{url}tags/", {"name": "lost parcel"}, format="json")
    assert (again.status_code, again.json()) == (200, tag)
    assert api.get(url).json()["tags"] == [tag]
    assert api.get(TAGS).json()["results"] == [tag]
    assert api.delete(f"{url}tags/{tag['id']}").status_code == 204
    assert api.delete(f"{url}tags/{tag['id']}").status_code == 404


@pytest.mark.parametrize("name", ["", "x" * 51, "a\u202eb", 7])
def test_what_is_no_tag_is_refused(api, url, name):
    response = api.post(f"{url}tags", {"name": name}, format="json")
    assert (response.status_code, pointers(response)) == (400, ["/name"])
    assert not Tag.objects.exists()


def test_a_tag_is_given_up(api, harbor):
    tag = TagFactory(organization=harbor)
    assert api.delete(f"{TAGS}{tag.pk}").status_code == 204
    assert api.delete(f"{TAGS}{tag.pk}").status_code == 404


@pytest.mark.parametrize("how_many", [1, 20])
def test_the_list_of_tags_costs_three_queries_however_long(
    api, harbor, how_many, django_assert_num_queries
):
    TagFactory.create_batch(how_many, organization=harbor)
    api.get(TAGS)
    with django_assert_num_queries(3):  # the key, the count, the page
        assert api.get(TAGS).json()["count"] == how_many


# --- Stopping and asking anew -----------------------------------------------
def test_an_answer_under_way_is_stopped(api, session, url):
    reply = questions.ask(session=session, content="How long?")[1]
    response = api.post(f"{url}stop", {}, format="json")
    assert response.json() == {"stopped": [str(reply.question_id)]}
    assert api.post(f"{url}stop", {}, format="json").json() == {"stopped": []}
    assert api.get(f"{url}messages").json()["messages"][0]["status"] == "failed"


def test_an_answer_is_asked_for_anew(api, url, answer):
    path = f"{url}messages/{answer.pk}/regenerate"
    first, again = api.post(path), api.post(path)
    assert (first.status_code, again.status_code) == (202, 200)
    assert first.json() == again.json()
    production.produce(first.json()["reply_id"])
    told = api.get(f"{url}messages").json()["messages"]
    assert [row["superseded"] for row in told] == [False, True, False]
    assert Session.objects.get().total_messages == Message.objects.count() == 3


# --- Ending -----------------------------------------------------------------
def test_a_conversation_fails_with_an_error(api, url):
    response = api.post(f"{url}fail", {"error": "Line cut"}, format="json")
    assert (response.status_code, response.json()["status"]) == (200, "failed")
    assert response.json()["metadata"] == {"error": "Line cut"}
    assert api.post(f"{url}cancel", {}, format="json").status_code == 422


def test_a_conversation_is_told_when_to_end(api, url):
    later = (timezone.now() + timedelta(hours=1)).isoformat()
    waiting = api.post(f"{url}expire", {"expires_at": later}, format="json")
    assert waiting.json()["status"] == "active"
    ended = api.post(f"{url}expire", {}, format="json")
    assert ended.json()["status"] == "cancelled"


def test_a_conversation_is_deleted(api, url):
    assert api.delete(url).status_code == 204
    assert api.get(url).status_code == 404


# --- Files ------------------------------------------------------------------
def test_what_was_asked_for_is_a_file(api, session, answer, harbor):
    SessionFactory(agent_ref=AgentFactory(organization=harbor))
    table = api.get(f"{SESSIONS}export.csv", {"search": "graz"})
    assert table["Content-Type"].startswith("text/csv")
    assert "attachment" in table["Content-Disposition"]
    lines = b"".join(table.streaming_content).decode().splitlines()
    assert len(lines) == 3
    document = api.get(f"{SESSIONS}export.json", {"search": "graz"})
    (told,) = json.loads(b"".join(document.streaming_content))
    assert told["id"] == str(session.pk)


def test_a_strangers_file_is_empty(stranger_api, answer):
    document = stranger_api.get(f"{SESSIONS}export.json")
    assert json.loads(b"".join(document.streaming_content)) == []


@pytest.mark.parametrize("message_id", [None, uuid4()])
def test_a_stranger_changes_nothing(stranger_api, url, answer, message_id):
    message_id = message_id or answer.pk
    assert rate(stranger_api, url, message_id, rating="up").status_code == 404
    path = f"{url}messages/{message_id}/regenerate"
    assert stranger_api.post(path).status_code == 404
    assert stranger_api.delete(url).status_code == 404
    assert (Rating.objects.count(), Reply.objects.count()) == (0, 1)
