"""Whatever changes something leaves one row in the audit log, by every route."""

import json

import pytest

from accounts.models import AuditLog, Role
from agents.models import Session
from config.tests.recording import attempt, once
from config.tests.test_isolation import CELLS, many, path_of, signed_in, world  # noqa: F401
from widget.tests.conftest import Visitor
from widget.tests.factories import SpeakingAgentFactory

pytestmark = pytest.mark.django_db
MUTATIONS = [cell for cell in CELLS if cell.method != "get"]
# What is sent; a route that is not here gets an empty object.
BODIES = {
    "PUT retention": {"days": 30},
    "POST organization-list": {"name": "Rye Bakery"},
    "PATCH organization-detail": {"name": "Harbor Tea"},
    "POST invitation-list": {"email": "new@example.com", "role": Role.VIEWER},
    "POST visitor-erase": {"visitor_id": "a visitor"},
    "POST api-key-list": {"name": "Till", "scopes": ["chat"]},
    "POST api-key-rotate": {"overlap_seconds": 60},
    "POST webhook-list": {"url": "https://x.example.com/", "events": ["agent.created"]},
    "PATCH webhook-detail": {"description": "Till"},
    "POST provider-list": {"name": "Main", "kind": "openai", "api_key": "sk-of-ours"},
    "PATCH provider-detail": {"name": "Another"},
    "POST agent-list": {"name": "Bean finder"},
    "POST agent-clone": {"name": "Twin"},
    "PUT agent-detail": {"name": "Bean finder"},
    "PATCH agent-detail": {"name": "Bean finder"},
    "POST custody-test-list": {
        "agent_id": "the agent",
        "name": "Names the price",
        "question": "How much?",
        "graders": [{"type": "refuses"}],
    },
    "PATCH custody-test-detail": {"name": "Names the price"},
    "POST custody-run-list": {"agent_id": "the agent"},
    "POST knowledge-pack-list": {"name": "Returns"},
    "PATCH knowledge-pack-detail": {"name": "Returns"},
    "POST knowledge-pack-documents": {"title": "Returns", "content": "Thirty days."},
    "POST knowledge-pack-sources": {"url": "https://shop.example/more"},
    "POST session-list": {"agent": "the agent"},
    "POST session-add-tag": {"name": "vip"},
    "POST session-fail": {"error": "No answer."},
    "POST session-messages": {"content": "When do you open?"},
    "POST inbox-assign": {"user_id": "the member"},
    "POST inbox-notes": {"text": "Call back."},
    "POST inbox-reply": {"content": "We open at nine."},
    "POST canned-reply-list": {"shortcut": "hi", "text": "Hello."},
    "PATCH canned-reply-detail": {"text": "Good morning."},
    "POST agent-metrics-bulk-update": {"updates": {"newer": {"xp": 5}}},
    "POST agent-metrics-custody-test": {"passed": True, "score": 90},
    "POST agent-metrics-learning": {"success_rate": 0.5},
}
# Conversations, their messages and the ledger of metrics are records themselves.
OWN_RECORD = {
    "session-list",
    "session-messages",
    "session-stop",
    "session-regenerate",
    "inbox-reply",
    "agent-metrics-custody-test",
    "agent-metrics-learning",
}
# Nothing there to bring back, to give up or to change.
UNCHANGED = {
    "POST api-key-restore",
    "POST agent-restore",
    "POST inbox-hand-back",
    "PATCH knowledge-source-detail",
}


def body_of(cell, things):
    """Return what is sent, with ids of this world in it."""
    body = BODIES.get(str(cell), {})
    return {
        name: things.get(value, value) if isinstance(value, str) else value
        for name, value in body.items()
    }


@pytest.fixture
def outcomes(request):
    """What came of every change, tried once for all tests of this file."""
    return once(request, tried)


@pytest.fixture
def tried(world, ada, many):  # noqa: F811
    """What came of every change by the API: its cell, the answer, the rows it left."""
    client = signed_in(ada)
    things = {
        "the agent": str(world["agent"]),
        "the member": str(world["member"]),
        "a visitor": Session.objects.get(pk=world["session"]).visitor_id,
    }
    return [
        (
            cell,
            *attempt(
                client,
                cell.method,
                path_of(cell, world),
                json.dumps(body_of(cell, things)),
                "application/json",
            ),
        )
        for cell in MUTATIONS
    ]


def test_every_change_by_the_api_leaves_one_row(outcomes):
    wrong = []
    for cell, answer, rows in outcomes:
        is_done = answer.status_code < 400
        leaves_none = cell.name in OWN_RECORD or str(cell) in UNCHANGED
        if len(rows) != (is_done and not leaves_none):
            wrong.append(f"{cell} {answer.status_code}: {len(rows)} rows")
    assert wrong == []
    # What was refused shows nothing: most of it has to be done.
    assert sum(len(rows) for _, _, rows in outcomes) >= 50


def test_every_row_of_the_api_holds_the_status_of_the_answer(outcomes):
    wrong = [
        f"{cell} {answer.status_code}: {row.response_status}"
        for cell, answer, rows in outcomes
        for row in rows
        if row.response_status != answer.status_code
    ]
    assert wrong == []


def test_a_metrics_type_that_is_put_for_the_first_time_is_created(ada):
    url = "/api/agent-metrics/quartermaster/"
    answer = signed_in(ada).put(url, {"xp": 5}, content_type="application/json")
    row = AuditLog.objects.get(resource_type="agent_metrics")
    assert answer.status_code == row.response_status == 201


def test_a_visitor_who_ends_a_conversation_is_in_the_record(harbor):
    visitor = Visitor(SpeakingAgentFactory(organization=harbor))
    visitor.enter()
    visitor.say("How long?")
    assert visitor.send("DELETE", "sessions").status_code == 204
    row = AuditLog.objects.for_organization(harbor.pk).newest_first()[0]
    assert (row.actor_type, row.resource_type) == ("visitor", "session")
    assert row.detail.changes["status"]["new"] == "completed"
