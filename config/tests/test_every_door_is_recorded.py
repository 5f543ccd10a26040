"""Whatever changes something leaves one row in the audit log, by every route."""

import json

import pytest
from django.db import transaction

from accounts.models import AuditLog, Role
from agents.models import Session
from config.tests.test_isolation import (  # noqa: F401
    CELLS,
    many,
    path_of,
    signed_in,
    world,
)
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
    "POST webhook-list": {"url": "https://x.example.com/", "events": ["agent.created"]},
    "PATCH webhook-detail": {"description": "Till"},
    "PATCH provider-detail": {"name": "Another"},
    "POST agent-list": {"name": "Bean finder"},
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
    "POST session-list": {"agent": "the agent"},
    "POST session-add-tag": {"name": "vip"},
    "POST session-fail": {"error": "No answer."},
    "POST session-messages": {"content": "When do you open?"},
    "POST inbox-assign": {"user_id": "the member"},
    "POST inbox-notes": {"text": "Call back."},
    "POST inbox-reply": {"content": "We open at nine."},
    "POST canned-reply-list": {"shortcut": "hi", "text": "Hello."},
    "PATCH canned-reply-detail": {"text": "Good morning."},
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


def test_every_change_by_the_api_leaves_one_row(world, ada, many):  # noqa: F811
    client, wrong, recorded = signed_in(ada), [], 0
    visitor = Session.objects.get(pk=world["session"]).visitor_id
    things = {
        "the agent": str(world["agent"]),
        "the member": str(world["member"]),
        "a visitor": visitor,
    }
    for cell in MUTATIONS:
        before = AuditLog.objects.count()
        with transaction.atomic():
            answer = client.generic(
                cell.method.upper(),
                path_of(cell, world),
                json.dumps(body_of(cell, things)),
                "application/json",
            )
            rows = AuditLog.objects.count() - before
            transaction.set_rollback(True)
        is_done = answer.status_code < 400
        leaves_none = cell.name in OWN_RECORD or str(cell) in UNCHANGED
        recorded += rows
        if rows != (is_done and not leaves_none):
            wrong.append(f"{cell} {answer.status_code}: {rows} rows")
    assert wrong == []
    # What was refused shows nothing: most of it has to be done.
    assert recorded >= 50


def test_a_visitor_who_ends_a_conversation_is_in_the_record(harbor):
    visitor = Visitor(SpeakingAgentFactory(organization=harbor))
    visitor.enter()
    visitor.say("How long?")
    assert visitor.send("DELETE", "sessions").status_code == 204
    row = AuditLog.objects.for_organization(harbor.pk).newest_first()[0]
    assert (row.actor_type, row.resource_type) == ("visitor", "session")
    assert row.detail.changes["status"]["new"] == "completed"
