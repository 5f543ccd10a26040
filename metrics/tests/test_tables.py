"""The two tables themselves: defaults, constraints, and a ledger that only grows."""

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from metrics.models import AgentMetrics, MetricEvent
from metrics.tests.factories import AgentMetricsFactory

pytestmark = pytest.mark.django_db
DEFAULTS = {
    "id": "gen_random_uuid()",
    "learning_score": "0.0",
    "success_rate": "0.0",
    "failure_rate": "0.0",
    "pass_rate": "0.0",
    "total_learning_cycles": "0",
    "xp": "0",
    "level": "1",
    "prestige": "0",
    "current_difficulty": "'basic'",
    "total_tests_given": "0",
    "total_tests_passed": "0",
    "total_tests_failed": "0",
    "consecutive_successes": "0",
    "consecutive_failures": "0",
    "last_test_date": None,
    "test_history": "'[]'::jsonb",
    "custody_level": "1",
    "custody_xp": "0",
    "adversarial_wins": "0",
    "learning_patterns": "'[]'::jsonb",
    "improvement_suggestions": "'[]'::jsonb",
    "status": "'idle'",
    "is_active": "true",
    "priority": "'medium'",
    "capabilities": None,
    "config": None,
    "created_at": "statement_timestamp()",
    "updated_at": "statement_timestamp()",
}


def run(sql, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall() if cursor.description else None


def columns():
    rows = run(
        "SELECT column_name, data_type, character_maximum_length, is_nullable, "
        "column_default FROM information_schema.columns "
        "WHERE table_name = 'agent_metrics'"
    )
    return {row[0]: row[1:] for row in rows}


@pytest.mark.parametrize(("name", "default"), DEFAULTS.items())
def test_the_database_itself_has_the_default(name, default):
    found = columns()[name][3]
    if default is None:
        assert found is None
    else:
        assert found.lower().startswith(default.lower())


@pytest.mark.parametrize(
    ("name", "kind", "length"),
    [
        ("id", "uuid", None),
        ("agent_id", "character varying", 100),
        ("agent_type", "character varying", 50),
        ("learning_score", "double precision", None),
        ("xp", "integer", None),
        ("current_difficulty", "character varying", 20),
        ("test_history", "jsonb", None),
        ("last_test_date", "timestamp with time zone", None),
        ("is_active", "boolean", None),
    ],
)
def test_columns_have_their_types(name, kind, length):
    assert columns()[name][:2] == (kind, length)


def test_a_plain_insert_gets_all_defaults(harbor):
    run(
        "INSERT INTO agent_metrics (organization_id, agent_id, agent_type) "
        "VALUES (%s, 'code_agent', 'imperium')",
        harbor.pk,
    )
    board = AgentMetrics.objects.get()
    fresh = AgentMetrics()
    assert board.pk
    assert board.created_at
    for name in DEFAULTS.keys() - {"id", "created_at", "updated_at"}:
        assert getattr(board, name) == getattr(fresh, name)


def test_the_documented_statements_work(harbor):
    AgentMetricsFactory(organization=harbor, agent_type="imperium", xp=500)
    rows = run("SELECT agent_type, learning_score, level FROM agent_metrics")
    assert rows == [("imperium", 0.0, 3)]
    assert not run(
        "SELECT agent_type, test_history FROM agent_metrics WHERE test_history != '[]'"
    )


@pytest.mark.parametrize(
    "change",
    [
        {"total_tests_given": 1},
        {"pass_rate": 1.5},
        {"success_rate": -0.1},
        {"xp": -1},
        {"level": 0},
    ],
)
def test_the_database_refuses_what_cannot_be(harbor, change):
    AgentMetricsFactory(organization=harbor)
    with pytest.raises(IntegrityError), transaction.atomic():
        AgentMetrics.objects.update(**change)


def test_one_organization_has_an_agent_type_once(harbor):
    board = AgentMetricsFactory(organization=harbor)
    with pytest.raises(IntegrityError), transaction.atomic():
        AgentMetrics.objects.create(organization=harbor, agent_type=board.agent_type)


def test_an_event_can_neither_be_changed_nor_deleted(harbor):
    AgentMetricsFactory(organization=harbor)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        MetricEvent.objects.update(xp_change=5)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        MetricEvent.objects.all().delete()


def test_a_key_is_taken_once_in_an_organization(harbor):
    board = AgentMetricsFactory(organization=harbor)
    twins = [
        MetricEvent(
            organization=harbor,
            metrics=board,
            sequence=sequence,
            kind="reset",
            occurred_at=board.created_at,
            idempotency_key="once",
        )
        for sequence in (2, 3)
    ]
    with pytest.raises(IntegrityError, match="idempotency_key"):
        MetricEvent.objects.bulk_create(twins)
