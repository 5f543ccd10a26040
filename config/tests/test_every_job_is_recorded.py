"""What commands and workers change leaves rows in the audit log.

Both are listed as the product knows them. One that is new fails here until it leaves a
row, or says why it leaves none.
"""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.management import call_command, get_commands
from django.utils import timezone

from accounts import tasks as of_accounts
from accounts.management.commands import privacy
from accounts.models import Organization, Role
from accounts.organizations.deletion import delete_organization
from accounts.privacy.account_closing import close_account
from accounts.tests.factories import MembershipFactory
from agents import tasks as of_agents
from agents.conversations.retention import set_retention
from agents.custody.runs import start_run
from agents.lifecycle.creation import create_agent
from agents.models import OptimizationRun, Session
from agents.tests.factories import AgentFactory, SessionFactory
from config.celery import app
from config.tests.recording import rows_left
from metrics.models import AgentMetrics
from metrics.services import AgentMetricsService
from widget import tasks as of_widget

pytestmark = pytest.mark.django_db
# Imported, so that Celery knows them.
TASK_MODULES = (of_accounts, of_agents, of_widget)
OURS = {"accounts", "metrics", "agents", "widget", "config"}


# --- Commands -----------------------------------------------------------------------
def closed(known) -> None:
    close_account(user=known.user, actor=None)


def deleted(known) -> None:
    delete_organization(organization=known.organization, actor=None)


def miscounted(known) -> None:
    Organization.objects.filter(pk=known.organization_id).update(agent_count=7)


def falsified(known) -> None:
    AgentMetricsService(known.organization).record_learning(
        "desk", {"success_rate": 0.5}
    )
    AgentMetrics.objects.filter(agent_type="desk").update(xp=77_000)


# What rows each leaves, and what has to be so before. Closing an account also takes
# its membership.
COMMANDS: dict[str, tuple[list[str], Callable | None]] = {
    "reconcile --repair": (["UPDATE organization"], miscounted),
    "verify_metrics --repair": (["UPDATE agent_metrics"], falsified),
    "privacy export-person": (["READ user"], None),
    "privacy close-account": (["DELETE membership", "DELETE user"], None),
    "privacy reopen-account": (["UPDATE user"], closed),
    # Details are erased in the organization's chain and in the platform's.
    "privacy erase-person": (
        ["DELETE audit_details", "DELETE audit_details", "DELETE user"],
        closed,
    ),
    "privacy export-organization": (["READ organization"], None),
    "privacy delete-organization": (["DELETE organization"], None),
    "privacy restore-organization": (["UPDATE organization"], deleted),
    "privacy erase-organization": (
        ["DELETE audit_details", "DELETE organization"],
        deleted,
    ),
    "privacy export-visitor": (["READ visitor"], None),
    "privacy erase-visitor": (["DELETE visitor"], None),
}
COMMANDS_WITHOUT = {
    "up": "starts processes, which leave rows themselves",
    "check_database": "only reads",
    "setup_code": "nobody has an account yet; the code is no row",
    "verify_audit": "only reads; a new anchor file leaves a row (test_verification)",
    "migrate_agent_metrics": "the ledger is the record",
    "privacy erase-overdue": "what the task of this name leaves",
    "demo": "everything by functions that leave their rows",
}


def kinds(rows) -> list[str]:
    return sorted(f"{row.action} {row.resource_type}" for row in rows)


def commands() -> set[str]:
    own = {
        name
        for name, place in get_commands().items()
        if place in OURS or getattr(place, "name", "") in OURS
    }
    deeds = [*privacy.PEOPLE, *privacy.ORGANIZATIONS, *privacy.VISITORS]
    return (own - {"privacy"}) | {
        f"privacy {deed}" for deed in (*deeds, "erase-overdue")
    }


def test_every_command_is_here():
    told = {name.removesuffix(" --repair") for name in COMMANDS} | set(COMMANDS_WITHOUT)
    assert told == commands()


@pytest.fixture
def person(harbor, ada):
    """Somebody whose account can be closed, in an organization that stays owned."""
    return MembershipFactory(
        organization=harbor, user__email="eve@example.com", role=Role.EDITOR
    )


@pytest.fixture
def visitor(harbor):
    return SessionFactory(agent_ref=AgentFactory(organization=harbor)).visitor_id


def arguments(name: str, person, visitor, folder) -> list:
    deed = name.partition(" ")[2]
    if name.endswith("--repair"):
        return ["--repair"]
    if deed in privacy.PEOPLE:
        given = [person.user.email]
    elif deed:
        given = [person.organization_id]
        given += [visitor] if deed in privacy.VISITORS else []
    else:
        return []
    if deed.startswith("export"):
        given += ["--to", folder / f"{deed}.zip"]
    return [deed, *map(str, given)]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_that_changes_something_is_in_the_record(
    name, person, visitor, tmp_path, capsys
):
    expected, before = COMMANDS[name]
    if before:
        before(person)
    with rows_left() as rows:
        call_command(name.split()[0], *arguments(name, person, visitor, tmp_path))
    assert kinds(rows) == expected
    assert {(row.actor_type, row.request_path) for row in rows} == {("system", "")}


# --- Workers ------------------------------------------------------------------------
def optimization(ada):
    create_agent(organization=ada.organization, created_by=ada.user, name="Desk")
    return [str(OptimizationRun.objects.get().pk)]


def custody(ada):
    agent = AgentFactory(organization=ada.organization)
    return [str(start_run(agent=agent, started_by=None)[0].pk)]


def old_conversation(ada):
    SessionFactory(agent_ref=AgentFactory(organization=ada.organization))
    set_retention(organization=ada.organization, days=30, actor=None)
    long_ago = timezone.now() - timedelta(days=31)
    Session.all_objects.update(last_activity_at=long_ago)
    return []


def long_deleted(ada):
    delete_organization(organization=ada.organization, actor=None)
    long_ago = timezone.now() - timedelta(days=400)
    Organization.all_objects.update(deleted_at=long_ago)
    return []


TASKS = {
    "agents.tasks.optimize_agent_prompt_background": ("UPDATE agent", optimization),
    "agents.tasks.run_custody": ("EXECUTE custody_run", custody),
    "agents.tasks.apply_retention": ("DELETE session", old_conversation),
    "accounts.tasks.erase_overdue": (
        "DELETE audit_details, DELETE organization",
        long_deleted,
    ),
}
TASKS_WITHOUT = {
    "accounts.tasks.anchor_audit_heads": "writes the record's own anchor",
    "accounts.tasks.send_invitation": "sends what was recorded",
    "accounts.tasks.send_account_closed": "sends what was recorded",
    "accounts.tasks.send_organization_deleted": "sends what was recorded",
    "accounts.tasks.deliver_webhook": "a log of its own; what it disables is recorded",
    "accounts.tasks.forget_webhook_deliveries": "shortens a log",
    "accounts.tasks.forget_expired_sessions": "what has run out opens nothing any more",
    "agents.tasks.answer": "conversations are their own record",
    "agents.tasks.summarize": "conversations are their own record",
    "agents.tasks.index_document": "derived from the document",
    "agents.tasks.embed_pack": "derived from the documents",
    "agents.tasks.rebuild_vectors": "derived from the documents",
    "agents.tasks.renew_pack": "derived from the documents",
    "agents.tasks.renew_outdated": "derived from the documents",
    "agents.tasks.crawl_source": "a row when a crawl ends, which takes a site to read",
    "agents.tasks.sweep": "sends again; crawls that are due leave a row when they end",
    "agents.tasks.update_agent_stats": "counted from conversations",
    "agents.tasks.mail_budget_notice": "only tells",
    "agents.tasks.mail_inbox_notice": "only tells",
    "widget.tasks.forget_outdated_sessions": "what has run out opens nothing any more",
}


def test_every_task_is_here():
    own = {name for name in app.tasks if name.split(".")[0] in OURS}
    assert TASKS.keys() | TASKS_WITHOUT.keys() == own


@pytest.mark.parametrize("name", TASKS)
def test_what_a_worker_changes_is_in_the_record(name, ada):
    expected, prepare = TASKS[name]
    given = prepare(ada)
    with rows_left() as rows:
        app.tasks[name](*given)
    assert kinds(rows) == expected.split(", ")
    assert (rows[0].actor_type, rows[0].request_path) == ("system", "")
