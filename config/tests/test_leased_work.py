"""Leased work of every kind: its lease outlasts its task, and it is given up."""

import ast
import importlib
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from accounts.models import WebhookDelivery, WorkStatus
from accounts.tests.factories import make_webhook
from accounts.tests.webhooks.telling import publish
from accounts.work.leases import GAVE_UP, MAX_CLAIMS
from accounts.work.places import kinds_of_work
from agents.custody.runs import start_run
from agents.inbox import handover
from agents.knowledge.web.sites import create_source
from agents.lifecycle.creation import create_agent
from agents.models import InboxNotice, OptimizationRun, Reply
from agents.models.inbox import InboxPreference
from agents.models.knowledge import Renewal, VectorIndex
from agents.models.summaries import SessionSummary
from agents.optimization import runs
from agents.replies import production, questions, summaries
from agents.tests.factories import (
    DocumentFactory,
    KnowledgePackFactory,
    SessionFactory,
    knowing_agent,
)
from agents.tests.speaking import names
from config.celery import app
from config.tests.hostile import APPS, ROOT


def leases():
    """Yield the model and the seconds of every claim in the product."""
    for path in (path for name in APPS for path in (ROOT / name).rglob("*.py")):
        if "tests" in path.parts or "def claim(" in (text := path.read_text()):
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "claim":
                yield _lease(path, node)


def _lease(path: Path, call: ast.Call):
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    names = vars(importlib.import_module(name))
    seconds = next(each.value for each in call.keywords if each.arg == "lease_seconds")
    # A name of the function's own is given to it right before.
    if isinstance(seconds, ast.Name) and seconds.id not in names:
        seconds = next(
            node.value
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Assign)
            and getattr(node.targets[0], "id", "") == seconds.id
        )
    model, lease = (
        eval(compile(ast.Expression(each), name, "eval"), names)  # noqa: S307
        for each in (call.args[0], seconds)
    )
    return model, lease


def test_no_lease_ends_before_its_task_is_killed():
    app.loader.import_default_modules()
    found = dict(leases())
    assert set(found) == set(kinds_of_work())
    # Replies are spoken by threads, which nothing kills: theirs is renewed meanwhile.
    assert {
        model.__name__
        for model, seconds in found.items()
        if seconds <= app.tasks[model.task].time_limit
    } <= {Reply.__name__}


@pytest.fixture
def work(harbor, ada):
    """Return a row of a kind, about to be done."""
    agent = knowing_agent("Parcels take three days.", organization=harbor)
    session = SessionFactory(agent_ref=agent)
    pack = KnowledgePackFactory(organization=harbor)
    return {
        "Reply": lambda: questions.ask(session=session, content="How long?")[1],
        "SessionSummary": lambda: SessionSummary.objects.create(session=session),
        "Document": lambda: DocumentFactory(knowledge_pack=pack),
        "Renewal": lambda: Renewal.objects.create(knowledge_pack=pack, version=1),
        "VectorIndex": lambda: VectorIndex.objects.create(knowledge_pack=pack),
        "KnowledgeSource": lambda: create_source(
            knowledge_pack=pack, url="https://site.example/", created_by=ada.user
        )[0],
        "OptimizationRun": lambda: OptimizationRun.objects.get(
            agent=create_agent(
                organization=harbor, created_by=ada.user, name="D", system_prompt="A."
            )[0]
        ),
        "CustodyRun": lambda: start_run(agent=agent, started_by=None)[0],
        "InboxNotice": lambda: notice(session, ada),
        "WebhookDelivery": lambda: delivery(ada),
    }


def notice(session, member):
    InboxPreference.objects.update_or_create(
        membership=member, defaults={"notify": "all"}
    )
    handover.request_person(session=session)
    return InboxNotice.objects.get()


def delivery(member):
    make_webhook(member, "https://receiver.example/")
    return publish(member)


def lose(row, claims=MAX_CLAIMS):
    """Leave a row as so many workers left it that died."""
    past = timezone.now() - timedelta(seconds=1)
    row.status, row.lease_expires_at, row.claims = WorkStatus.RUNNING, past, claims
    row.attempt = claims
    row.save()


@pytest.mark.django_db
@pytest.mark.parametrize("model", kinds_of_work(), ids=lambda model: model.__name__)
def test_work_that_five_workers_did_not_end_is_given_up(model, work):
    row = work[model.__name__]()
    lose(row)
    app.loader.import_default_modules()
    app.tasks[model.task](str(row.pk))
    row = model._base_manager.get(pk=row.pk)
    assert row.status == WorkStatus.FAILED
    assert row.last_error == GAVE_UP


@pytest.mark.django_db
def test_a_reader_is_told_that_a_reply_is_given_up(work):
    reply = work["Reply"]()
    lose(reply)
    production.produce(reply.pk)
    reply.refresh_from_db()
    assert reply.failure_code == "attempts_exhausted"
    assert names(reply.session_id)[-1] == "failed"


@pytest.mark.django_db
def test_a_document_says_why_it_was_given_up(work):
    document = work["Document"]()
    lose(document)
    app.tasks[document.task](str(document.pk))
    document.refresh_from_db()
    assert "gave up" in document.cause


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "event"),
    [
        ("OptimizationRun", "optimization.completed"),
        ("CustodyRun", "custody.completed"),
    ],
)
def test_giving_up_is_announced_as_any_failure(work, ada, kind, event):
    row = work[kind]()
    make_webhook(ada, "https://receiver.example/")
    lose(row)
    app.tasks[row.task](str(row.pk))
    told = WebhookDelivery.objects.filter(event=event)
    assert '"status":"failed"' in told.get().body


@pytest.mark.django_db
def test_work_that_ends_begins_to_count_anew(work):
    summary = work["SessionSummary"]()
    lose(summary, MAX_CLAIMS - 1)
    assert summaries.summarize(str(summary.pk)).status == WorkStatus.DONE
    summary.refresh_from_db()
    assert summary.claims == 0


@pytest.mark.django_db
def test_a_failed_attempt_still_counts(work):
    run = work["OptimizationRun"]()
    held = runs.claim(OptimizationRun, run.pk, lease_seconds=60, give_up=runs.give_up)
    runs.give_up_or_retry(held, "ValueError", timezone.now())
    run.refresh_from_db()
    assert (run.status, run.claims) == (WorkStatus.PENDING, 1)
