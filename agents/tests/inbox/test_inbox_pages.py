"""The inbox's pages, as they work without a line of JavaScript."""

import pytest
from django.urls import reverse

from agents.inbox import canned_replies, handover, notes
from agents.models import CannedReply, Holder, InboxEntry, InboxPreference, Note
from agents.replies import questions
from agents.tests.factories import AgentFactory, MessageFactory, SessionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def agent(harbor):
    return AgentFactory(organization=harbor, name="Shipping desk")


@pytest.fixture
def session(agent):
    session = SessionFactory(agent_ref=agent)
    questions.ask(session=session, content="Can I talk to a person?")
    return session


def url(name, session) -> str:
    return reverse(f"agents:inbox_{name}", args=[session.pk])


def text(response) -> str:
    return response.content.decode()


def do(browser, name, session, **form):
    return browser.post(url(name, session), form, follow=True)


def test_the_queue_shows_who_waits(browser_of, ada, session):
    shown = text(browser_of(ada).get(reverse("agents:inbox")))
    assert "Can I talk to a person?" in shown or "asked a colleague" in shown
    assert "Shipping desk · asked for a person" in shown


@pytest.mark.parametrize("view", ["waiting", "unanswered", "disliked", "mine", "all"])
def test_an_empty_queue_teaches_what_comes_into_it(browser_of, ada, view):
    shown = text(browser_of(ada).get(reverse("agents:inbox"), {"view": view}))
    assert 'class="empty"' in shown


def test_opening_a_conversation_marks_it_read(browser_of, ada, session):
    assert InboxEntry.objects.get().is_unread
    browser_of(ada).get(url("conversation", session))
    assert not InboxEntry.objects.get().is_unread


def test_what_a_colleague_answers_is_not_read_for_them(browser_of, bo, ada, session):
    handover.take(session=session, actor=ada.user)
    questions.ask(session=session, content="Hello?")
    browser_of(bo).get(url("conversation", session))
    assert InboxEntry.objects.get().is_unread


def test_taken_answered_and_closed_by_forms(browser_of, ada, session):
    browser = browser_of(ada)
    assert "You are answering" in text(do(browser, "take", session))
    shown = text(do(browser, "say", session, text="Ada here.", key="one"))
    assert "Ada here." in shown
    do(browser, "close", session)
    session.refresh_from_db()
    assert session.status == "completed"


def test_an_answer_sent_twice_is_one(browser_of, ada, session):
    browser = browser_of(ada)
    do(browser, "take", session)
    for _ in range(2):
        do(browser, "say", session, text="Ada here.", key="one")
    assert session.message_rows.filter(content="Ada here.").count() == 1


def test_a_note_is_deleted_where_its_author_reads_it(browser_of, ada, bo, session):
    note = notes.add_note(session=session, author=ada.user, text="A regular.")
    url_of = reverse("agents:inbox_delete_note", args=[session.pk, note.pk])
    assert url_of not in text(browser_of(bo).get(url("conversation", session)))
    assert url_of in text(browser_of(ada).get(url("conversation", session)))
    shown = text(browser_of(ada).post(url_of, follow=True))
    assert "The note is deleted." in shown
    assert not Note.objects.exists()


def test_an_admin_is_offered_to_delete_the_note_of_another(
    browser_of, ada, bo, session
):
    note = notes.add_note(session=session, author=bo.user, text="A regular.")
    url_of = reverse("agents:inbox_delete_note", args=[session.pk, note.pk])
    assert url_of in text(browser_of(ada).get(url("conversation", session)))
    browser_of(ada).post(url_of)
    assert not Note.objects.exists()


def test_a_note_stands_in_the_conversation(browser_of, ada, session):
    shown = do(browser_of(ada), "say", session, text="A regular.", note="yes")
    assert "A regular." in text(shown)
    assert Note.objects.get().author == ada.user
    assert not session.message_rows.filter(content="A regular.").exists()


def test_what_the_domain_refuses_is_said_on_the_page(browser_of, ada, session):
    shown = text(do(browser_of(ada), "say", session, text="Hello"))
    assert "Take this conversation over before you answer in it." in shown


def test_the_queue_stays_the_same_through_a_deed(browser_of, ada, session):
    path = url("take", session) + "?view=all&q=person"
    answer = browser_of(ada).post(path)
    assert answer["Location"].endswith(f"/inbox/{session.pk}/?view=all&q=person")


def test_handed_back_and_assigned_by_forms(browser_of, ada, session):
    browser = browser_of(ada)
    do(browser, "assign", session, user=str(ada.user_id))
    assert InboxEntry.objects.get().assignee == ada.user
    do(browser, "assign", session, user="nonsense")
    assert InboxEntry.objects.get().assignee == ada.user
    do(browser, "hand_back", session)
    assert InboxEntry.objects.get().holder == Holder.AGENT


def test_a_viewer_reads_and_may_not_act(browser_of, bo, session):
    browser = browser_of(bo)
    assert browser.get(url("conversation", session)).status_code == 200
    for name in ("take", "hand_back", "close", "assign", "say"):
        assert browser.post(url(name, session)).status_code == 403


def test_a_stranger_finds_nothing(browser_of, cy, session):
    browser = browser_of(cy)
    for name in ("conversation", "talk", "canned"):
        assert browser.get(url(name, session)).status_code == 404
    for name in ("take", "hand_back", "close", "assign", "say"):
        assert browser.post(url(name, session)).status_code == 404
    assert "Can I talk" not in text(browser.get(reverse("agents:inbox_threads")))


def test_a_canned_reply_is_filled_in_and_never_run(browser_of, ada, session):
    canned_replies.create_canned_reply(
        organization=ada.organization,
        actor=ada.user,
        shortcut="hello",
        text="Hello {{visitor}}, {{agent}} here. {{settings.SECRET_KEY}} {% now 'Y' %}",
    )
    shown = text(browser_of(ada).get(url("canned", session), {"q": "hel"}))
    assert "Hello, Shipping desk here. {{settings.SECRET_KEY}} {% now" in shown


def test_a_known_person_is_called_by_name(ada, agent):
    session = SessionFactory(agent_ref=agent, user=ada.user)
    filled = canned_replies.fill("Hello {{ visitor }}!", session)
    assert filled == "Hello Ada Owner!"


def test_the_badge_counts_who_waits(browser_of, ada, session):
    assert "1</span>" in text(browser_of(ada).get(reverse("agents:inbox_badge")))


def test_texts_are_kept_changed_and_deleted_by_forms(browser_of, ada):
    browser, page = browser_of(ada), reverse("agents:canned")
    browser.post(page, {"shortcut": "hello", "text": "Hello"})
    reply = CannedReply.objects.get()
    again = browser.post(page, {"shortcut": "Hello", "text": "Twice"})
    assert "Another reply has this shortcut." in text(again)
    edit = reverse("agents:canned_edit", args=[reply.pk])
    browser.post(edit, {"shortcut": "hello", "text": "Good day"})
    reply.refresh_from_db()
    assert reply.text == "Good day"
    browser.post(reverse("agents:canned_delete", args=[reply.pk]))
    assert not CannedReply.objects.exists()


def test_a_stranger_changes_no_texts(browser_of, cy, ada):
    reply = canned_replies.create_canned_reply(
        organization=ada.organization, actor=None, shortcut="hello", text="Hello"
    )
    browser = browser_of(cy)
    for name in ("canned_edit", "canned_delete"):
        answer = browser.post(reverse(f"agents:{name}", args=[reply.pk]))
        assert answer.status_code == 404


def test_a_viewer_keeps_no_texts(browser_of, bo):
    answer = browser_of(bo).post(reverse("agents:canned"), {"shortcut": "x"})
    assert answer.status_code == 403


def test_a_member_sets_what_they_are_mailed(browser_of, bo):
    page = reverse("agents:inbox_preferences")
    form = {"notify": "mine", "shown_name": "Bo", "shown_title": "Care"}
    browser_of(bo).post(page, form)
    made = InboxPreference.objects.get()
    assert (made.membership, made.notify) == (bo, "mine")


@pytest.mark.parametrize("how_many", [1, 20])
def test_a_queue_costs_the_same_however_long(
    browser_of, ada, agent, session, how_many, django_assert_max_num_queries
):
    for _ in range(how_many):
        other = SessionFactory(agent_ref=agent)
        MessageFactory(session=other)
        handover.request_person(session=other)
    browser = browser_of(ada)
    browser.get(reverse("agents:inbox_threads"))
    with django_assert_max_num_queries(7):
        browser.get(reverse("agents:inbox_threads"))


@pytest.mark.parametrize("how_many", [1, 20])
def test_a_conversation_costs_the_same_however_long(
    browser_of, ada, session, how_many, django_assert_max_num_queries
):
    for number in range(how_many):
        session.add_message("user", f"Message {number}")
        notes.add_note(session=session, author=ada.user, text=f"Note {number}")
    browser = browser_of(ada)
    browser.get(url("talk", session))
    with django_assert_max_num_queries(9):
        browser.get(url("talk", session))
