"""Conversations over HTTP: start, ask, read, end."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone
from rest_framework.test import APIRequestFactory

from accounts.models import Scope
from accounts.tests.factories import make_key
from agents.api.sessions import ask_to_listen
from agents.models import Message, Session
from agents.replies import production, questions
from agents.tests.factories import (
    AgentFactory,
    MessageFactory,
    SessionFactory,
    knowing_agent,
)
from conftest import client_with_key

pytestmark = pytest.mark.django_db
SESSIONS = "/api/v1/sessions/"
SHIPPING = "# Shipping\n\nParcels to Graz take three days."


@pytest.fixture(autouse=True)
def no_pause(settings):
    settings.GROUNDED_TOKEN_DELAY_MS = 0


@pytest.fixture
def agent(harbor):
    return knowing_agent(SHIPPING, organization=harbor)


@pytest.fixture
def session(agent):
    return SessionFactory(agent_ref=agent)


@pytest.fixture
def url(session):
    return f"{SESSIONS}{session.pk}/"


def post(api, url, body=None, **headers):
    return api.post(url, body or {}, format="json", headers=headers)


def pointers(response):
    return [error["pointer"] for error in response.json()["errors"]]


# --- Starting ---------------------------------------------------------------
def test_a_program_starts_a_conversation_for_itself(api, ada, agent):
    response = post(api, SESSIONS, {"agent": str(agent.public_id), "title": "Test"})
    assert response.status_code == 201, response.content
    body = response.json()
    assert body["agent_id"] == str(agent.public_id)
    assert (body["user_id"], body["visitor_id"]) == (str(ada.user_id), "")
    assert (body["channel"], body["status"], body["title"]) == ("api", "active", "Test")
    assert (body["messages"], body["events_after"]) == ([], "0-0")
    assert api.get(response["Location"]).json() == body


def test_a_program_starts_a_conversation_for_a_visitor(api, agent):
    body = {"agent": str(agent.public_id), "visitor_id": "anna"}
    answer = post(api, SESSIONS, body).json()
    assert (answer["user_id"], answer["visitor_id"]) == (None, "anna")


def test_a_conversation_tried_in_the_dashboard_says_so(browser_of, ada, agent):
    browser = browser_of(ada)
    body = {"agent": str(agent.public_id)}
    response = browser.post(SESSIONS, body, content_type="application/json")
    assert response.status_code == 201, response.content
    assert response.json()["channel"] == "dashboard"


def test_a_repeated_key_is_answered_with_the_first_conversation(api, agent):
    body = {"agent": str(agent.public_id), "visitor_id": "anna"}
    first = post(api, SESSIONS, body, **{"Idempotency-Key": "k"})
    again = post(api, SESSIONS, body | {"idempotency_key": "k"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert again["Idempotency-Replayed"] == "true"
    assert again.json()["id"] == first.json()["id"]
    other = post(api, SESSIONS, body | {"title": "x"}, **{"Idempotency-Key": "k"})
    assert other.status_code == 422


def test_another_organizations_agent_is_as_if_it_did_not_exist(api):
    for public_id in (AgentFactory().public_id, uuid4()):
        response = post(api, SESSIONS, {"agent": str(public_id)})
        assert response.status_code == 400
        assert pointers(response) == ["/agent"]


def test_a_paused_agent_starts_no_conversation(api, harbor):
    agent = AgentFactory(organization=harbor, is_active=False)
    response = post(api, SESSIONS, {"agent": str(agent.public_id)})
    assert response.status_code == 422
    assert response.json()["type"].endswith("/agent-inactive")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"agent": None}, "/agent"),
        ({"agent": "7"}, "/agent"),
        ({"visitor_id": ""}, "/visitor_id"),
        ({"visitor_id": "a\u202eb"}, "/visitor_id"),
        ({"visitor_id": "x" * 256}, "/visitor_id"),
        ({"title": "x" * 501}, "/title"),
        ({"title": 7}, "/title"),
        ({"status": "completed"}, "/status"),
        ({"user_id": str(uuid4())}, "/user_id"),
        ({"metadata": {}}, "/metadata"),
    ],
)
def test_what_starts_no_conversation_is_refused(api, agent, change, pointer):
    response = post(api, SESSIONS, {"agent": str(agent.public_id)} | change)
    assert response.status_code == 400
    assert pointers(response) == [pointer]
    assert not Session.objects.exists()


# --- Asking and reading -----------------------------------------------------
def test_a_question_is_accepted_answered_and_read(api, url):
    asked = post(
        api, f"{url}messages", {"content": "How long do parcels to Graz take?"}
    )
    assert asked.status_code == 202, asked.content
    pending = api.get(f"{url}messages/").json()
    assert [row["status"] for row in pending["messages"]] == ["pending"]
    assert pending["events_after"] == asked.json()["events_after"] == "0-0"
    production.produce(asked.json()["reply_id"])
    body = api.get(f"{url}messages").json()
    question, answer = body["messages"]
    assert question["id"] == asked.json()["message_id"]
    assert (question["status"], question["sequence"]) == ("done", 1)
    assert answer["content"] == "Parcels to Graz take three days. [1]"
    assert answer["citations"][0]["number"] == 1
    assert set(answer) == {
        "id",
        "sequence",
        "role",
        "content",
        "citations",
        "person",
        "event",
        "offers_person",
        "created_at",
        "status",
        "stopped",
        "superseded",
        "ratings",
    }
    assert body["events_after"] != "0-0"
    whole = api.get(url).json()
    assert whole["messages"] == body["messages"]
    assert whole["total_messages"] == 2


def test_a_reader_who_comes_mid_answer_is_sent_to_its_beginning(api, session, url):
    first = questions.ask(session=session, content="Hello")[1]
    production.produce(first.pk)
    second = questions.ask(session=session, content="How long to Graz?")[1]
    assert api.get(f"{url}messages").json()["events_after"] == second.events_after


def test_a_repeated_key_is_answered_with_the_first_question(api, session, url):
    body = {"content": "How long?"}
    first = post(api, f"{url}messages", body, **{"Idempotency-Key": "k"})
    again = post(api, f"{url}messages", body, **{"Idempotency-Key": "k"})
    assert (first.status_code, again.status_code) == (202, 200)
    assert again.json() == first.json()
    assert again["Idempotency-Replayed"] == "true"
    other = post(api, f"{url}messages", {"content": "?"}, **{"Idempotency-Key": "k"})
    assert other.status_code == 422
    assert Message.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/content"),
        ({"content": ""}, "/content"),
        ({"content": " \n"}, "/content"),
        ({"content": "x" * 4001}, "/content"),
        ({"content": 7}, "/content"),
        ({"content": "a\u0000b"}, "/content"),
        ({"content": "Hello", "role": "system"}, "/role"),
    ],
)
def test_what_is_no_question_is_refused(api, url, body, pointer):
    response = post(api, f"{url}messages", body)
    assert response.status_code == 400
    assert pointers(response) == [pointer]
    assert not Message.objects.exists()


def test_a_conversation_that_is_over_takes_no_question(api, session, url):
    session.mark_completed()
    response = post(api, f"{url}messages", {"content": "Still there?"})
    assert response.status_code == 422
    assert response.json()["type"].endswith("/session-over")


@pytest.mark.parametrize("how_many", [1, 20])
def test_a_conversation_costs_five_queries_however_long(
    api, session, url, how_many, django_assert_num_queries
):
    for _ in range(how_many):
        questions.ask(session=session, content="How long?")
    api.get(url)
    # The key, the session, its messages, their ratings, its tags.
    with django_assert_num_queries(5):
        assert len(api.get(url).json()["messages"]) == how_many


# --- Listing ----------------------------------------------------------------
@pytest.mark.parametrize("how_many", [1, 20])
def test_a_list_of_conversations_costs_three_queries_however_long(
    api, agent, how_many, django_assert_num_queries
):
    for session in SessionFactory.create_batch(how_many, agent_ref=agent):
        MessageFactory(session=session)
    api.get(SESSIONS)
    with django_assert_num_queries(3):  # the key, the count, the page
        body = api.get(SESSIONS).json()
    assert body["count"] == how_many
    assert "messages" not in body["results"][0]


def test_the_latest_conversation_comes_first(api, agent):
    quiet, busy = SessionFactory.create_batch(2, agent_ref=agent)
    MessageFactory(session=busy)
    ids = [row["id"] for row in api.get(SESSIONS).json()["results"]]
    assert ids == [str(busy.pk), str(quiet.pk)]


def test_conversations_are_filtered(api, agent, harbor):
    mine = SessionFactory(agent_ref=agent, channel="widget", visitor_id="anna")
    ended = SessionFactory(agent_ref=AgentFactory(organization=harbor))
    ended.mark_completed()
    soon = (timezone.now() + timedelta(hours=1)).isoformat()
    for query, expected in (
        ({"agent": str(agent.public_id)}, [mine]),
        ({"status": "completed"}, [ended]),
        ({"channel": "widget"}, [mine]),
        ({"visitor_id": "anna"}, [mine]),
        ({"active_after": soon}, []),
        ({"active_before": soon, "channel": "api"}, [ended]),
    ):
        found = [row["id"] for row in api.get(SESSIONS, query).json()["results"]]
        assert found == [str(session.pk) for session in expected], query


@pytest.mark.parametrize(
    "query",
    [
        {"agent": "7"},
        {"status": "over"},
        {"channel": "fax"},
        {"active_after": "0001-01-01T00:00:00+23:59"},
        {"statsu": "active"},
        {"cursor": "forged"},
        {"offset": "10001"},
    ],
)
def test_a_filter_that_makes_no_sense_is_refused(api, query):
    response = api.get(SESSIONS, query)
    assert response.status_code == 400
    assert response["Content-Type"] == "application/problem+json"


def test_conversations_are_read_on_with_a_cursor(api, agent):
    SessionFactory.create_batch(3, agent_ref=agent)
    first = api.get(SESSIONS, {"cursor": "", "limit": 2}).json()
    second = api.get(first["next"]).json()
    ids = [row["id"] for row in first["results"] + second["results"]]
    assert len(set(ids)) == 3


# --- Ending -----------------------------------------------------------------
def test_a_conversation_is_completed_once(api, url):
    response = post(api, f"{url}complete")
    assert (response.status_code, response.json()["status"]) == (200, "completed")
    assert post(api, f"{url}complete/").status_code == 422


def test_a_conversation_is_cancelled_with_a_reason(api, url):
    response = post(api, f"{url}cancel", {"reason": "Visitor left"})
    assert response.json()["status"] == "cancelled"
    assert response.json()["metadata"] == {"cancellation_reason": "Visitor left"}


def test_a_cancellation_says_nothing_else(api, url):
    assert pointers(post(api, f"{url}cancel", {"status": "active"})) == ["/status"]


# --- Who may ----------------------------------------------------------------
def every_call(client, url):
    yield "read", client.get(url)
    yield "read", client.get(f"{url}messages")
    yield "talk", client.post(f"{url}messages", {"content": "Hi"}, format="json")
    yield "write", client.post(f"{url}complete", {}, format="json")
    yield "write", client.post(f"{url}cancel", {}, format="json")


def test_a_stranger_finds_nothing(stranger_api, url):
    for _, response in every_call(stranger_api, url):
        assert response.status_code == 404
    assert stranger_api.get(SESSIONS).json()["results"] == []
    assert not Message.objects.exists()


def test_a_viewer_reads_and_talks_and_ends_nothing(viewer_api, url):
    allowed = {"read": 200, "talk": 202, "write": 403}
    for kind, response in every_call(viewer_api, url):
        assert response.status_code == allowed[kind]


def test_nobody_is_asked_to_sign_in(client, url):
    for _, response in every_call(client, url):
        assert response.status_code == 401


def test_a_key_without_the_scope_is_refused(ada, url):
    reader = client_with_key(ada, scopes=[Scope.SESSIONS_READ])
    for kind, response in every_call(reader, url):
        assert response.status_code == (200 if kind == "read" else 403)


def test_a_key_bound_to_another_agent_finds_nothing(ada, harbor, agent, url):
    other = AgentFactory(organization=harbor)
    api = client_with_key(ada, agent_public_id=other.public_id)
    for _, response in every_call(api, url):
        assert response.status_code == 404
    assert post(api, SESSIONS, {"agent": str(agent.public_id)}).status_code == 400
    assert api.get(SESSIONS).json()["count"] == 0


def test_a_key_bound_to_the_agent_speaks_with_it(ada, agent, url):
    api = client_with_key(ada, agent_public_id=agent.public_id)
    assert api.get(url).status_code == 200
    assert post(api, SESSIONS, {"agent": str(agent.public_id)}).status_code == 201


def test_a_deleted_conversation_is_gone(api, session, url):
    session.soft_delete()
    for _, response in every_call(api, url):
        assert response.status_code == 404


def test_a_reader_who_accepts_only_events_may_listen(ada, session):
    headers = {"X-API-Key": make_key(ada), "Accept": "text/event-stream"}
    request = APIRequestFactory(headers=headers).get("/")
    assert ask_to_listen(request, pk=str(session.pk)).status_code == 200
    assert ask_to_listen(request, pk=str(uuid4())).status_code == 404
