"""The inbox by REST: queues, who answers, notes, texts, preferences."""

import pytest

from accounts.models import AuditLog
from agents.conversations import ratings
from agents.inbox import handover, notes, triage
from agents.models import CannedReply, InboxPreference, Note
from agents.replies import questions
from agents.tests.factories import AgentFactory, MessageFactory, SessionFactory
from conftest import client_with_key

pytestmark = pytest.mark.django_db
INBOX, CANNED = "/api/v1/inbox/", "/api/v1/canned-replies/"


@pytest.fixture
def agent(harbor):
    return AgentFactory(organization=harbor, name="Shipping desk")


@pytest.fixture
def session(agent):
    session = SessionFactory(agent_ref=agent)
    questions.ask(session=session, content="Can I talk to a person?")
    return session


def post(api, path, body=None, **headers):
    return api.post(f"{INBOX}{path}", body or {}, format="json", headers=headers)


def listed(api, query="") -> list[str]:
    return [row["session_id"] for row in api.get(INBOX + query).json()["results"]]


# --- Queues -----------------------------------------------------------------
def test_who_waits_longest_comes_first(api, agent, session):
    later = SessionFactory(agent_ref=agent)
    handover.request_person(session=later)
    SessionFactory(agent_ref=agent)
    assert listed(api) == [str(session.pk), str(later.pk)]
    assert len(listed(api, "?view=all")) == 3


def test_a_row_says_who_waits_where_and_why(api, session):
    row = api.get(f"{INBOX}{session.pk}/").json()
    assert (row["agent_name"], row["visitor"]) == ("Shipping desk", "Visitor")
    assert (row["handover"]["holder"], row["state"]) == (
        "waiting",
        "asked for a person",
    )
    assert row["is_unread"]
    assert row["assignee"] is None


def test_open_questions_and_thumbs_down_have_queues_until_they_are_settled(
    api, agent, ada
):
    open_one, disliked = (SessionFactory(agent_ref=agent) for _ in range(2))
    triage.note_gap(open_one)
    answer = disliked.add_message("assistant", "No.")
    ratings.rate(session=disliked, message_id=answer.pk, value="down")
    assert listed(api, "?view=unanswered") == [str(open_one.pk)]
    assert listed(api, "?view=disliked") == [str(disliked.pk)]
    for session in (open_one, disliked):
        assert post(api, f"{session.pk}/close/").status_code == 200
    assert listed(api, "?view=unanswered") == listed(api, "?view=disliked") == []


def test_counts_are_those_of_the_queues(api, agent, session):
    triage.note_gap(SessionFactory(agent_ref=agent))
    post(api, f"{SessionFactory(agent_ref=agent).pk}/take/")
    counts = api.get(f"{INBOX}counts/").json()
    assert counts == {
        "waiting": 1,
        "unanswered": 1,
        "disliked": 0,
        "mine": 1,
        "hot": 1,
    }


def test_words_find_what_was_said_and_the_agent(api, session):
    assert listed(api, "?view=all&q=talk+person") == [str(session.pk)]
    assert listed(api, "?view=all&q=shipping") == [str(session.pk)]
    assert listed(api, "?view=all&q=pineapple") == []


@pytest.mark.parametrize("query", ["?view=nonsense", "?views=all"])
def test_a_queue_that_does_not_exist_is_refused(api, query):
    assert api.get(INBOX + query).status_code == 400


@pytest.mark.parametrize("how_many", [1, 20])
def test_a_queue_costs_the_same_however_long(
    api, agent, session, how_many, django_assert_num_queries
):
    for _ in range(how_many):
        other = SessionFactory(agent_ref=agent)
        MessageFactory(session=other)
        handover.request_person(session=other)
    api.get(INBOX)
    with django_assert_num_queries(3):  # the key, the count, the page
        assert api.get(INBOX).json()["count"] == how_many + 1


# --- Who answers ------------------------------------------------------------
def test_taken_answered_and_handed_back(api, session, ada):
    assert post(api, f"{session.pk}/take/").json()["state"] == "with you"
    said = post(api, f"{session.pk}/reply/", {"content": "Ada here."})
    assert said.status_code == 201
    assert said.json()["person"] == {"name": "Ada Owner", "title": ""}
    assert listed(api, "?view=mine") == [str(session.pk)]
    row = post(api, f"{session.pk}/hand-back/").json()
    assert row["handover"]["holder"] == "agent"


def test_an_answer_sent_again_with_its_key_is_the_same(api, session):
    post(api, f"{session.pk}/take/")
    first, again = (
        post(api, f"{session.pk}/reply/", {"content": "Hi"}, **{"Idempotency-Key": "1"})
        for _ in range(2)
    )
    assert (first.status_code, again.status_code) == (201, 200)
    assert again["Idempotency-Replayed"] == "true"
    assert again.json()["id"] == first.json()["id"]


def test_what_a_colleague_has_cannot_be_taken(api, bo, session, harbor):
    bo.role = "editor"
    bo.save()
    post(client_with_key(bo), f"{session.pk}/take/")
    answer = post(api, f"{session.pk}/take/")
    assert (answer.status_code, answer.json()["code"]) == (422, "already_taken")
    assert "Bo Viewer" in answer.json()["detail"]


def test_assigned_to_a_stranger_it_is_refused_like_to_nobody(api, session, cy):
    nobody = "00000000-0000-4000-8000-000000000000"
    answers = [
        post(api, f"{session.pk}/assign/", {"user_id": user})
        for user in (str(cy.user_id), nobody)
    ]
    assert [answer.status_code for answer in answers] == [400, 400]
    assert answers[0].json()["errors"] == answers[1].json()["errors"]
    assert answers[0].json()["errors"][0]["pointer"] == "/user_id"


def test_a_viewer_reads_and_changes_nothing(viewer_api, session):
    assert viewer_api.get(INBOX).status_code == 200
    assert post(viewer_api, f"{session.pk}/take/").status_code == 403
    assert post(viewer_api, f"{session.pk}/notes/", {"text": "Hm"}).status_code == 403


def test_a_key_for_another_agent_sees_none_of_it(ada, session):
    other = AgentFactory(organization=ada.organization)
    client = client_with_key(ada, agent_public_id=other.public_id)
    assert listed(client) == []
    assert client.get(f"{INBOX}{session.pk}/").status_code == 404
    assert client.get(f"{INBOX}counts/").status_code == 403


# --- Notes ------------------------------------------------------------------
def test_notes_are_written_and_read_by_members(api, viewer_api, session):
    made = post(api, f"{session.pk}/notes/", {"text": "A regular."})
    assert made.status_code == 201
    notes = viewer_api.get(f"{INBOX}{session.pk}/notes/").json()
    assert [note["text"] for note in notes] == ["A regular."]
    assert notes[0]["author"]["name"] == "Ada Owner"
    row = AuditLog.objects.get(resource_type="note")
    assert "regular" not in str(row.detail.changes) + str(row.detail.metadata)


def test_a_note_is_deleted_by_its_author_and_not_by_another_editor(api, bo, session):
    note = post(api, f"{session.pk}/notes/", {"text": "A regular."}).json()
    path = f"{INBOX}{session.pk}/notes/{note['id']}/"
    bo.role = "editor"
    bo.save()
    assert client_with_key(bo).delete(path).status_code == 403
    assert api.delete(path).status_code == 204
    assert api.delete(path).status_code == 404
    row = AuditLog.objects.get(resource_type="note", action="DELETE")
    assert row.resource_id == note["id"]


def test_an_admin_deletes_the_note_of_another(api, bo, session):
    bo.role = "editor"
    bo.save()
    path = f"{session.pk}/notes/"
    note = post(client_with_key(bo), path, {"text": "A regular."}).json()
    assert api.delete(f"{INBOX}{path}{note['id']}/").status_code == 204


def test_an_admins_key_deletes_no_note_of_another_without_the_scope(ada, bo, session):
    note = notes.add_note(session=session, author=bo.user, text="A regular.")
    api = client_with_key(ada, scopes=["sessions:write"])
    path = f"{INBOX}{session.pk}/notes/{note.pk}/"
    assert api.delete(path).status_code == 403


def test_a_note_is_not_found_in_another_conversation(api, agent, session):
    note = post(api, f"{session.pk}/notes/", {"text": "A regular."}).json()
    other = SessionFactory(agent_ref=agent)
    answer = api.delete(f"{INBOX}{other.pk}/notes/{note['id']}/")
    assert answer.status_code == 404
    assert Note.objects.exists()


def test_an_empty_note_is_refused(api, session):
    answer = post(api, f"{session.pk}/notes/", {"text": "  "})
    assert answer.status_code == 400
    assert not Note.objects.exists()


# --- Canned replies ---------------------------------------------------------
def keep(api, **body):
    return api.post(CANNED, body, format="json")


def test_a_text_is_kept_changed_and_deleted(api):
    made = keep(api, shortcut="/hello", text="Hello {{visitor}}")
    assert (made.status_code, made.json()["shortcut"]) == (201, "hello")
    url = made["Location"]
    changed = api.patch(url, {"text": "Good day"}, format="json")
    assert changed.json()["text"] == "Good day"
    assert api.delete(url).status_code == 204
    assert not CannedReply.objects.exists()
    rows = AuditLog.objects.filter(resource_type="canned_reply")
    assert rows.count() == 3


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"shortcut": "two words", "text": "x"}, "/shortcut"),
        ({"shortcut": "", "text": "x"}, "/shortcut"),
        ({"shortcut": "ok", "text": ""}, "/text"),
        ({"shortcut": "HELLO", "text": "x"}, "/shortcut"),
    ],
)
def test_a_text_that_cannot_be_kept_is_refused(api, body, pointer):
    keep(api, shortcut="hello", text="Hello")
    answer = keep(api, **body)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert CannedReply.objects.count() == 1


@pytest.mark.parametrize("how_many", [1, 20])
def test_texts_cost_the_same_however_many(api, how_many, django_assert_num_queries):
    for number in range(how_many):
        keep(api, shortcut=f"text-{number}", text="Hello")
    with django_assert_num_queries(3):  # the key, the count, the page
        assert api.get(CANNED).json()["count"] == how_many


# --- Preferences ------------------------------------------------------------
def test_a_member_chooses_for_themselves(api, viewer_api):
    url = f"{INBOX}preferences/"
    assert api.get(url).json()["notify"] == "none"
    body = {"notify": "all", "shown_name": "Ada", "shown_title": "Care"}
    assert api.put(url, body, format="json").json() == body
    assert viewer_api.get(url).json()["notify"] == "none"
    assert InboxPreference.objects.count() == 1


def test_a_preference_that_does_not_exist_is_refused(api):
    answer = api.put(f"{INBOX}preferences/", {"notify": "some"}, format="json")
    assert answer.status_code == 400
