"""Sums over all agent types are kept beside them, and are always theirs."""

from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from metrics import ledger, totals
from metrics.models import AgentMetrics, MetricsTotal
from metrics.replay import verify
from metrics.services import AgentMetricsService

pytestmark = pytest.mark.django_db
TEST = {"passed": True, "score": 95}


@pytest.fixture
def service(harbor):
    return AgentMetricsService(harbor)


def total(organization):
    return totals.total_of(totals.kept(organization))


def raw_insert(service):
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO agent_metrics (organization_id, agent_id, agent_type, xp) "
            "SELECT %s, 'agent', 'raw-' || n, n FROM generate_series(1, 9) n",
            [service.organization.pk],
        )


CHANGES = {
    "a test": lambda service: service.update_custody_test_result("imperium", TEST),
    "a failed test": lambda service: service.update_custody_test_result(
        "imperium", TEST | {"passed": False}
    ),
    "a new type": lambda service: service.put("newcomer", {"xp": 7}),
    "another group": lambda service: service.put(
        "imperium", {"status": "paused", "custody_level": 25, "is_active": False}
    ),
    "a score": lambda service: service.put("imperium", {"learning_score": 1e12}),
    "many": lambda service: service.bulk_update_metrics(
        {"imperium": {"xp": 1}, "guardian": {"xp": 2}, "sandbox": {"status": "failed"}}
    ),
    "a reset": lambda service: service.reset_agent_metrics("imperium"),
    "no change": lambda service: service.put("imperium", {"config": {"a": 1}}),
    "retired": lambda service: ledger.retire(
        organization=service.organization, agent_type="imperium"
    ),
    "rows of others": raw_insert,
    "deleted": lambda service: AgentMetrics.objects.filter(
        agent_type="guardian"
    ).update(retired_at="2025-01-01T00:00Z"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_sums_follow_every_change(service, change):
    service.put("imperium", {"xp": 400, "learning_score": 0.1})
    service.put("guardian", {"xp": 90, "learning_score": 0.2})
    change(service)
    assert totals.find_drifts() == []


def test_sums_are_those_of_living_agent_types_alone(service, harbor, cy):
    AgentMetricsService(cy.organization).put("elsewhere", {"xp": 1000})
    service.put("imperium", {"xp": 400})
    service.put("guardian", {"xp": 90})
    ledger.retire(organization=harbor, agent_type="guardian")
    assert (total(harbor)["agents"], total(harbor)["xp"]) == (1, 400)
    ledger.revive(organization=harbor, agent_type="guardian")
    assert (total(harbor)["agents"], total(harbor)["xp"]) == (2, 490)


def test_what_was_added_and_taken_away_leaves_nothing(service, harbor):
    for score in (0.1, 1e12, 0.2, 123.456, 0):
        service.put("imperium", {"learning_score": score})
    assert total(harbor)["learning_score"] == Decimal(0)


def test_changes_of_one_transaction_take_one_row(service, harbor):
    for number in range(5):
        service.put(f"agent-{number}", {})
        service.update_custody_test_result(f"agent-{number}", TEST)
    assert MetricsTotal.objects.filter(organization=harbor).count() == 1


def test_sums_that_are_wrong_are_found_and_put_right(service, harbor):
    service.put("imperium", {"xp": 400})
    MetricsTotal.objects.update(xp=1)
    (found,) = verify(organization=harbor).differences
    assert (found.agent_type, found.column) == ("all agent types (basic, idle)", "xp")
    assert (found.stored, found.replayed) == (1, 400)
    with pytest.raises(CommandError):
        call_command("verify_metrics")
    call_command("verify_metrics", repair=True)
    assert total(harbor)["xp"] == 400
    assert verify().differences == []


def test_sums_that_are_missing_are_found_and_made(service, harbor):
    service.put("imperium", {"xp": 400})
    service.put("guardian", {"status": "paused"})
    MetricsTotal.objects.all().delete()
    assert len(totals.repair()) == 2
    assert (total(harbor)["agents"], total(harbor)["xp"]) == (2, 400)


def test_repairing_what_is_right_changes_nothing(service):
    service.put("imperium", {"xp": 400})
    before = list(MetricsTotal.objects.values())
    assert totals.repair() == []
    assert list(MetricsTotal.objects.values()) == before


def test_an_organization_that_goes_takes_its_sums_along(service, harbor):
    raw_insert(service)
    harbor.delete()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert not MetricsTotal.objects.exists()
