"""A visitor asks for a person and hears one, and nothing members say in private."""

import json

import pytest
from django.urls import get_resolver

from accounts.models import WebhookDelivery
from accounts.tests.factories import make_webhook
from agents.inbox import handover, notes, queue_timeouts
from agents.models import Holder, InboxEntry, Message, Session
from agents.replies import generation, questions
from agents.tests.speaking import events
from widget.tests.conftest import Visitor
from widget.tests.factories import SpeakingAgentFactory

SECRET = "The driver is unreliable."


def asked(visitor, **body):
    return visitor.send("POST", "handover", body)


@pytest.fixture
def conversation(inside, django_capture_on_commit_callbacks):
    """A visitor's conversation that waits for a person, its events published."""
    with django_capture_on_commit_callbacks(execute=True):
        asked(inside, locale="en")
    return Session.objects.get()


def test_the_button_opens_a_conversation_that_waits(inside):
    answer = asked(inside, locale="de-AT")
    assert answer.status_code == 202
    assert answer.json()["handover"]["holder"] == "waiting"
    said = Message.objects.get(role="assistant").content
    assert said.startswith("Ich habe jemanden aus dem Team dazugebeten.")


def test_the_panel_knows_whether_there_is_a_person_to_ask_for(harbor, visitor):
    assert visitor.boot().json()["config"]["handover"] == "on_request"


def test_where_nobody_can_be_asked_for_the_answer_says_so(harbor):
    agent = SpeakingAgentFactory(organization=harbor, config={"handover": "off"})
    visitor = Visitor(agent)
    visitor.enter()
    answer = asked(visitor)
    assert (answer.status_code, answer.json()["code"]) == (422, "handover_off")


@pytest.mark.parametrize("body", [{"locale": 7}, {"locale": "x" * 36}])
def test_a_locale_that_is_none_is_refused(inside, body):
    assert inside.send("POST", "handover", body).status_code == 400


def test_while_a_person_answers_the_receipt_names_no_reply(inside, conversation, ada):
    handover.take(session=conversation, actor=ada.user)
    answer = inside.say("Where is my parcel?")
    assert answer.status_code == 202
    assert answer.json()["reply_id"] is None


def test_the_history_names_who_answered(inside, conversation, ada):
    handover.take(session=conversation, actor=ada.user)
    handover.answer(session=conversation, actor=ada.user, content="Ada here.")
    told = inside.send("GET", "messages").json()
    assert told["handover"]["person"] == {"name": "Ada Owner", "title": ""}
    assert told["messages"][-1]["person"]["name"] == "Ada Owner"
    remarks = [each for each in told["messages"] if each["role"] == "system"]
    assert [each["event"] for each in remarks] == ["waiting", "taken"]
    assert ada.user.email not in json.dumps(told)


def test_the_stream_tells_what_the_person_says(
    conversation, ada, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        handover.take(session=conversation, actor=ada.user)
        handover.answer(session=conversation, actor=ada.user, content="Ada here.")
    told = events(conversation.pk)
    assert [name for name, _ in told] == ["message", "handover", "handover", "message"]
    assert told[-1][1]["message"]["content"] == "Ada here."


def test_an_address_is_left_when_nobody_came(inside, conversation):
    InboxEntry.objects.update(deadline_at=conversation.created_at)
    queue_timeouts.apologize_overdue()
    answer = inside.send("PUT", "handover", {"email": "lena@example.com"})
    assert answer.status_code == 200
    assert answer.json()["handover"]["has_email"]
    assert "lena@example.com" not in json.dumps(answer.json())


def test_an_address_that_is_none_is_refused(inside, conversation):
    answer = inside.send("PUT", "handover", {"email": "lena"})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/email"


def test_without_a_token_nobody_is_asked_for(visitor, conversation):
    visitor.token = ""
    assert asked(visitor).status_code == 401


def test_a_visitor_who_leaves_waits_no_longer(inside, conversation):
    inside.send("DELETE", "sessions")
    assert InboxEntry.objects.get().holder == Holder.AGENT


# --- Notes ------------------------------------------------------------------
def widget_routes() -> list[str]:
    """Every route of the widget's own that is read without more in its path."""
    (widget,) = [
        each
        for each in get_resolver().url_patterns
        if getattr(each, "app_name", "") == "widget"
    ]
    return [
        pattern.name
        for pattern in widget.url_patterns
        if not pattern.pattern.regex.groupindex
    ]


def everything_a_visitor_reads(visitor, conversation) -> str:
    answers = [visitor.send("GET", name) for name in widget_routes()]
    answers += [visitor.say("And now?"), visitor.boot(), visitor.refresh()]
    frame = visitor.boot().json()["frame_url"]
    answers.append(visitor.client.get(frame))
    told = [answer.content.decode() for answer in answers if not answer.streaming] + [
        json.dumps(events(conversation.pk))
    ]
    for answer in answers:
        answer.close()
    return "".join(told)


def test_a_note_reaches_no_door_of_the_visitor(
    inside, conversation, ada, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        notes.add_note(session=conversation, author=ada.user, text=SECRET)
        handover.take(session=conversation, actor=ada.user)
        handover.answer(session=conversation, actor=ada.user, content="Ada here.")
    read = everything_a_visitor_reads(inside, conversation)
    assert "Ada here." in read
    assert SECRET not in read


def test_a_note_reaches_neither_the_model_nor_a_webhook_nor_the_transcript(
    conversation, ada, api
):
    make_webhook(
        ada,
        "https://hooks.example.com/x",
        events=["conversation.handed_over", "conversation.closed"],
    )
    notes.add_note(session=conversation, author=ada.user, text=SECRET)
    handover.hand_back(session=conversation, actor=ada.user)
    _, reply, _ = questions.ask(session=conversation, content="How long to Graz?")
    turn = generation.turn_of(reply, conversation.agent_ref.live_version)
    assert SECRET not in str(turn)
    bodies = list(WebhookDelivery.objects.values_list("body", flat=True))
    assert any("handed_over" in body for body in bodies)
    assert SECRET not in str(bodies)
    for path in ("", "messages/"):
        told = api.get(f"/api/v1/sessions/{conversation.pk}/{path}").content.decode()
        assert SECRET not in told
