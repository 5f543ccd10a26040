import itertools
import re

import pytest

from accounts.models import Organization
from accounts.tests.factories import make_key
from agents.knowledge.indexing import index_document
from agents.models.sessions import Channel, Session
from agents.replies import production
from agents.tests.factories import DocumentFactory, KnowledgePackFactory
from widget.tests.conftest import Visitor, until_refused
from widget.tests.factories import SITE, SpeakingAgentFactory


def answered(visitor, question="How long to Graz?", **headers):
    """Ask, and let the worker's half of the work be done."""
    answer = visitor.say(question, **headers)
    production.produce(answer.json()["reply_id"])
    return answer


def test_a_question_opens_the_conversation_of_this_visitor(inside, agent):
    answer = inside.say("How long to Graz?")
    assert answer.status_code == 202
    assert set(answer.json()) == {"message_id", "reply_id", "events_after"}
    conversation = Session.objects.get()
    assert conversation.agent_ref == agent
    assert conversation.channel == Channel.WIDGET
    assert conversation.visitor_id.startswith("v_")
    assert conversation.user is None
    assert conversation.metadata == {"origin": SITE}


def test_question_and_answer_are_two_messages(inside):
    answered(inside)
    assert Session.objects.get().total_messages == 2
    messages = inside.send("GET", "messages").json()["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant"]
    assert messages[0]["status"] == "done"


def test_the_same_key_asks_once(inside):
    first = inside.say("How long?", **{"Idempotency-Key": "one"})
    second = inside.say("How long?", **{"Idempotency-Key": "one"})
    assert second.status_code == 202
    assert second.json() == first.json()
    assert Session.objects.get().total_messages == 1


def test_the_same_key_for_another_question_is_refused(inside):
    inside.say("How long?", **{"Idempotency-Key": "one"})
    answer = inside.say("How much?", **{"Idempotency-Key": "one"})
    assert answer.status_code == 422
    assert answer.json()["code"] == "idempotency_key_reused"


def test_two_visitors_may_use_the_same_key(inside, agent):
    other = Visitor(agent)
    other.enter()
    inside.say("Mine", **{"Idempotency-Key": "one"})
    other.say("Theirs", **{"Idempotency-Key": "one"})
    messages = other.send("GET", "messages").json()["messages"]
    assert [message["content"] for message in messages] == ["Theirs"]


def test_four_thousand_characters_may_be_asked(inside):
    assert inside.say("ä" * 4000).status_code == 202


def test_one_more_is_too_many(inside):
    answer = inside.say("ä" * 4001)
    assert (answer.status_code, answer.json()["code"]) == (413, "message_too_large")


@pytest.mark.parametrize(
    "body",
    [{}, {"content": ""}, {"content": "   "}, {"content": 7}, {"content": "a\x00b"}],
)
def test_a_question_that_is_none_is_refused(inside, body):
    answer = inside.send("POST", "messages", body)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/content"


def test_a_body_that_is_no_object_is_refused(inside):
    assert inside.send("POST", "messages", ["x"]).status_code == 400


def test_after_ten_questions_in_a_minute_the_next_waits(inside):
    assert '"widget-messages-minute";r=9' in inside.say("First")["RateLimit"]
    refused = until_refused(lambda: inside.say("Again"), quota=9, window=54)
    assert refused.json()["violated_policies"] == ["widget-messages-minute"]
    assert int(refused["Retry-After"]) >= 1


def test_one_address_cannot_ask_more_by_opening_sessions(agent):
    visitors = [Visitor(agent, address=str(agent.public_id)) for _ in range(12)]
    for visitor in visitors:
        visitor.enter()
    turns = itertools.cycle(visitors)
    refused = until_refused(lambda: next(turns).say("Hi"), quota=30, window=60)
    assert refused.json()["violated_policies"] == ["widget-messages-address"]


def test_a_conversation_closed_on_our_side_is_followed_by_a_new_one(inside):
    answered(inside)
    Session.objects.get().mark_completed()
    answer = inside.say("Still there?")
    assert answer.status_code == 202
    messages = inside.send("GET", "messages").json()["messages"]
    assert [message["content"] for message in messages] == ["Still there?"]


def test_what_was_not_said_aloud_is_not_told(inside):
    answered(inside)
    Session.objects.get().add_message("system", "Be brief.")
    Session.objects.get().add_message("tool", "{}")
    roles = [m["role"] for m in inside.send("GET", "messages").json()["messages"]]
    assert roles == ["user", "assistant"]


@pytest.mark.parametrize("length", [2, 40])
def test_the_history_costs_the_same_however_long(
    inside, length, django_assert_num_queries
):
    inside.say("First")
    for number in range(length):
        Session.objects.get().add_message("assistant", f"Answer {number}")
    with django_assert_num_queries(3):  # the session, its messages, their ratings
        inside.send("GET", "messages")


def test_nothing_public_holds_a_prompt_a_key_or_a_number_of_ours(harbor, ada):
    key = make_key(ada)
    pack = KnowledgePackFactory(organization=harbor)
    document = DocumentFactory(
        knowledge_pack=pack, content="Parcels to Graz take three days."
    )
    index_document(str(document.pk))
    type(harbor).objects.filter(pk=harbor.pk).update(name="Inner name of the house")
    agent = SpeakingAgentFactory(
        organization=harbor,
        system_prompt="CANARY-PROMPT",
        knowledge_pack_id=pack.pk,
        config={"model": "grounded", "secret_note": "CANARY-CONFIG"},
        widget_config={"internal": "CANARY-WIDGET"},
    )
    visitor = Visitor(agent)
    entered = visitor.enter()
    said = answered(visitor, "How long do parcels to Graz take?")
    shown = [
        visitor.boot(),
        entered,
        said,
        visitor.send("GET", "messages"),
        visitor.refresh(),
        visitor.client.get(visitor.boot().json()["frame_url"]),
        visitor.send("DELETE", "sessions"),
    ]
    assert "three days" in shown[3].content.decode()
    forbidden = ["CANARY", key, "Inner name", str(ada.user.email), "organization"]
    for answer in shown:
        text = answer.content.decode() + str(answer.headers)
        assert not [word for word in forbidden if word in text], (
            answer.wsgi_request.path
        )
        keys = set(re.findall(r'"(\w+)":', text))
        assert not keys & {"agent_id", "organization_id", "pk", "session_id", "slug"}


def test_once_the_month_is_used_up_a_visitor_is_told_so_without_figures(inside):
    Organization.objects.update(max_messages_per_month=0)
    refused = inside.say("How long to Graz?")
    assert refused.status_code == 429
    body = refused.json()
    assert body["code"] == "quota_exceeded"
    assert not {"limit", "used", "resets_at", "of"} & body.keys()
