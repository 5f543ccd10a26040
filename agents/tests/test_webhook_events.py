"""What webhooks are told: each event once, in the transaction of what it tells."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import AuditLog, Organization, WebhookDelivery, WebhookEvent
from accounts.organizations import members
from accounts.tests.factories import make_webhook
from agents.conversations import opening
from agents.custody.runs import perform, start_run
from agents.inbox import closing
from agents.knowledge import documents
from agents.knowledge.indexing import index_document
from agents.lifecycle import creation, deletion, editing
from agents.lifecycle.release import release_draft
from agents.models import OptimizationRun
from agents.models.sessions import Channel, SessionStatus
from agents.optimization import runs
from agents.tests.factories import AgentFactory, KnowledgePackFactory
from widget.models import WidgetSession
from widget.sessions import close

HOOK = "https://example.com/hook"
PROMPT = "You help customers when they ask for it."


@pytest.fixture
def agent(harbor):
    return AgentFactory(
        organization=harbor, name="Desk", system_prompt=PROMPT, auto_optimize=False
    )


@pytest.fixture
def heard(agent, ada):
    """Return what was told since this was asked for, oldest first."""
    make_webhook(ada, HOOK)
    # As a request has it, which reads the organization anew.
    agent.organization.refresh_from_db()

    def told():
        rows = WebhookDelivery.objects.order_by("created_at", "pk")
        bodies = rows.values_list("body", flat=True)
        assert all(len(body) < 20_000 for body in bodies)
        return [(said["type"], said["data"]) for said in map(json.loads, bodies)]

    return told


def about(agent, **facts):
    return {"agent_public_id": str(agent.public_id), "name": agent.name} | facts


def test_a_new_agent_is_told_of_once_however_often_it_is_asked_for(heard, harbor):
    for _ in range(2):
        made, _ = creation.create_agent(
            organization=harbor, created_by=None, name="New", idempotency_key="k"
        )
    assert heard() == [("agent.created", about(made))]


def test_an_edit_tells_what_changed_and_which_version_is_live(heard, agent, ada):
    changes = {"system_prompt": "Be kind.", "description": "Kind"}
    editing.update_agent(agent=agent, actor=ada.user, changes=changes)
    editing.update_agent(agent=agent, actor=ada.user, changes=changes)
    assert heard() == [
        ("version.released", about(agent, version=2, origin="edit")),
        ("agent.updated", about(agent, changed=["description", "system_prompt"])),
    ]


def test_an_edit_behind_a_gate_releases_nothing(heard, agent, ada):
    changes = {"release_gate": "enforce", "system_prompt": "Be kind."}
    editing.update_agent(agent=agent, actor=ada.user, changes=changes)
    assert [event for event, _ in heard()] == ["agent.updated"]


def test_a_restored_version_is_told_of(heard, agent, ada):
    editing.restore_version(agent=agent, number=1, actor=ada.user)
    assert heard()[1] == (
        "version.rolled_back",
        about(agent, version=2, restored_version=1),
    )


def test_deleting_and_restoring_are_told_of_once(heard, agent, ada):
    for deed in (deletion.delete_agent, deletion.restore_agent):
        deed(agent=agent, actor=ada.user)
        deed(agent=agent, actor=ada.user)
    assert heard() == [
        ("agent.deleted", about(agent)),
        ("agent.restored", about(agent)),
    ]


def test_the_end_of_an_optimization_is_told_of(heard, agent):
    run = creation.start_optimization(agent, agent.live_version)
    runs.optimize(str(run.pk))
    run.refresh_from_db()
    facts = {"status": "done", "outcome": "proposed"}
    told = dict(heard())
    assert "version.released" not in told
    assert told["optimization.completed"] == about(
        agent, **facts, finished_at=run.finished_at.isoformat()
    )
    release_draft(agent=agent, actor=None)
    assert dict(heard())["version.released"]["origin"] == "optimizer"


def test_an_optimization_that_failed_for_good_is_told_of(heard, agent):
    run = creation.start_optimization(agent, agent.live_version)
    OptimizationRun.objects.update(attempt=3, status="running")
    run.refresh_from_db()
    runs.give_up_or_retry(run, "ValueError", timezone.now())
    assert [(event, data["status"]) for event, data in heard()] == [
        ("optimization.completed", "failed")
    ]


def test_a_conversation_is_told_of_at_both_ends(heard, agent, ada):
    session, _ = opening.start_session(
        agent=agent, channel=Channel.API, user=ada.user, idempotency_key="k"
    )
    opening.start_session(
        agent=agent, channel=Channel.API, user=ada.user, idempotency_key="k"
    )
    closing.end_session(session=session, status=SessionStatus.COMPLETED, actor=ada.user)
    facts = {
        "session_id": str(session.pk),
        "agent_public_id": str(agent.public_id),
        "channel": "api",
    }
    assert heard() == [
        ("conversation.started", facts),
        ("conversation.closed", facts | {"status": "completed"}),
    ]


def test_a_conversation_its_visitor_closes_is_told_of(heard, agent):
    session, _ = opening.start_session(
        agent=agent, channel=Channel.WIDGET, visitor_id="v_1"
    )
    close(
        WidgetSession.objects.create(agent=agent, session=session, origin="https://x")
    )
    assert [event for event, _ in heard()] == [
        "conversation.started",
        "conversation.closed",
    ]


def test_an_indexed_document_is_told_of(heard, harbor):
    document, _ = documents.create_document(
        knowledge_pack=KnowledgePackFactory(organization=harbor),
        title="Shipping",
        content="Five days.",
        created_by=None,
    )
    index_document(str(document.pk))
    event, data = heard()[0]
    assert event == "document.indexed"
    assert data["document_id"] == str(document.pk)
    assert data["passages"] == 1


def run_tests(agent):
    run, _ = start_run(agent=agent, started_by=None)
    perform(run.pk)
    run.refresh_from_db()
    return run


def test_a_custody_run_that_ended_is_told_of(heard, agent):
    run = run_tests(agent)
    event, data = heard()[0]
    assert event == "custody.completed"
    assert data["run_id"] == str(run.pk)
    assert (data["status"], data["total"]) == ("done", run.total)


def test_a_custody_run_that_could_not_go_on_is_told_of(heard, agent, harbor):
    Organization.objects.filter(pk=harbor.pk).update(max_tokens_per_month=0)
    run = run_tests(agent)
    ends = [data for event, data in heard() if event == "custody.completed"]
    assert [(data["run_id"], data["status"]) for data in ends] == [
        (str(run.pk), "failed")
    ]
    assert AuditLog.objects.filter(resource_id=str(run.pk)).count() == 2


def refuse_an_agent(ada):
    creation.create_agent(
        organization=ada.organization, created_by=ada.user, name="One too many"
    )


def refuse_a_member(ada):
    members.invite_member(
        organization=ada.organization,
        actor=ada.user,
        email="x@example.com",
        role="viewer",
    )


def refuse_a_document(ada):
    documents.create_document(
        knowledge_pack=KnowledgePackFactory(organization=ada.organization),
        title="One too many",
        content="Text",
        created_by=ada.user,
    )


@pytest.mark.parametrize(
    ("limit", "used", "refuse"),
    [
        ("agents", 1, refuse_an_agent),
        ("members", 1, refuse_a_member),
        ("documents", 0, refuse_a_document),
    ],
)
def test_a_limit_is_told_of_once_although_its_transaction_is_undone(
    heard, ada, limit, used, refuse
):
    Organization.objects.update(**{f"max_{limit}": used})
    ada.organization.refresh_from_db()
    for _ in range(3):
        with pytest.raises(Exception, match=f"{limit[:-1]} limit"):
            refuse(ada)
    told = {"limit": limit, "maximum": used, "used": used}
    assert heard() == [("limit.reached", told)]


def test_creating_costs_no_statement_more_without_webhooks(api, harbor, monkeypatch):
    def statements(name):
        with CaptureQueriesContext(connection) as queries:
            assert (
                api.post("/api/v1/agents/", {"name": name}, "json").status_code == 201
            )
        return len(queries)

    statements("Warm")
    usual = statements("Usual")
    monkeypatch.setattr(creation, "announce_agent", lambda *args: None)
    assert statements("Unannounced") == usual


def test_every_event_of_the_catalogue_is_published_somewhere():
    from pathlib import Path

    from django.conf import settings

    sources = [
        path.read_text()
        for app in ("accounts", "agents", "widget")
        for path in (Path(settings.BASE_DIR) / app).rglob("*.py")
        if "tests" not in path.parts
    ]
    unheard = [
        event.name
        for event in WebhookEvent
        if not any(f"WebhookEvent.{event.name}" in text for text in sources)
    ]
    assert not unheard
