"""The scoreboard is what its ledger says; whatever differs is found and put right."""

import random

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metrics import replay
from metrics.models import AgentMetrics, MetricEvent
from metrics.services import AgentMetricsService
from metrics.tests.factories import AgentMetricsFactory

pytestmark = pytest.mark.django_db
TEST = {"passed": True, "score": 95}


@pytest.fixture
def service(harbor):
    return AgentMetricsService(harbor)


@pytest.fixture
def lived(service):
    """Three agent types with a bit of everything behind them."""
    chance = random.Random(7)  # noqa: S311
    for name in ("imperium", "guardian", "sandbox"):
        service.put(name, {"xp": 400, "test_history": [{"score": 1, "passed": True}]})
        for _ in range(8):
            passed = chance.random() < 0.6
            service.update_custody_test_result(name, TEST | {"passed": passed})
            service.update_learning_metrics(
                name,
                {"success_rate": chance.random(), "learning_patterns": [{"a": 1.5}]},
            )
        service.put(name, {"level": 30, "last_test_date": "2025-01-25T10:00:00.5Z"})
    service.reset_agent_metrics("sandbox")
    service.bulk_update_metrics({"sandbox": {"xp": 9}, "newcomer": {"xp": 1}})


def tamper(sql, *parameters):
    """Change the ledger behind the product's back."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE metric_events DISABLE TRIGGER USER")
        cursor.execute(sql, parameters)
        cursor.execute("ALTER TABLE metric_events ENABLE TRIGGER USER")


def test_a_replay_finds_no_difference(lived):
    report = replay.verify()
    assert report.differences == []
    assert report.rows == 4
    assert report.events == MetricEvent.objects.count() == 57


def test_a_changed_scoreboard_is_found_and_rebuilt(lived, harbor):
    AgentMetrics.objects.filter(agent_type="guardian").update(xp=1, status="failed")
    found = replay.verify(organization=harbor).differences
    assert {(each.agent_type, each.column) for each in found} == {
        ("guardian", "xp"),
        ("guardian", "status"),
    }
    assert replay.verify(repair=True).repaired == 1
    assert replay.verify().differences == []


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM metric_events WHERE sequence = 3",
        "DELETE FROM metric_events WHERE sequence = 18",
        "UPDATE metric_events SET xp_change = 9 WHERE sequence = 3",
        "UPDATE metric_events SET passed = NULL WHERE sequence = 2",
        "UPDATE metric_events SET payload = '{}' WHERE sequence = 2",
        "UPDATE metric_events SET sequence = 77 WHERE sequence = 18",
    ],
)
def test_a_changed_ledger_is_found(lived, change):
    guardian = AgentMetrics.objects.get(agent_type="guardian")
    tamper(f"{change} AND metrics_id = %s", guardian.pk)
    found = replay.verify().differences
    assert found
    assert {each.agent_type for each in found} == {"guardian"}


def test_a_row_without_events_must_be_fresh(harbor):
    AgentMetrics.objects.open(harbor, {"imperium": "imperium_agent"})
    assert replay.verify().differences == []
    AgentMetrics.objects.update(xp=5)
    assert len(replay.verify().differences) == 1


def test_many_rows_are_read_in_batches(service, monkeypatch):
    monkeypatch.setattr(replay, "BATCH", 3)
    service.bulk_update_metrics({f"agent-{n}": {"xp": n} for n in range(10)})
    report = replay.verify()
    assert (report.rows, report.events, report.differences) == (10, 10, [])


def test_changed_rules_are_applied_by_a_repair(service, settings):
    service.update_custody_test_result("guardian", TEST | {"xp_awarded": 250})
    settings.METRICS_XP_PER_LEVEL = 50
    assert [each.column for each in replay.verify().differences] == ["level"]
    replay.verify(repair=True)
    assert AgentMetrics.objects.get().level == 6


TESTS = st.fixed_dictionaries(
    {"passed": st.booleans(), "score": st.integers(0, 100)},
    optional={"xp_awarded": st.integers(0, 10_000), "is_winner": st.booleans()},
)
LESSONS = st.fixed_dictionaries(
    {"learning_score": st.floats(0, 1000)},
    optional={"success_rate": st.floats(0, 1), "xp_awarded": st.integers(0, 500)},
)
EDITS = st.fixed_dictionaries(
    {},
    optional={
        "xp": st.integers(0, 10**6),
        "level": st.integers(1, 90),
        "custody_xp": st.integers(0, 10**4),
        "consecutive_failures": st.integers(0, 5),
        "pass_rate": st.floats(0, 1),
    },
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("update_custody_test_result"), TESTS),
        st.tuples(st.just("update_learning_metrics"), LESSONS),
        st.tuples(st.just("create_or_update_agent_metrics"), EDITS),
        st.tuples(st.just("reset_agent_metrics"), st.none()),
    ),
    min_size=1,
    max_size=12,
)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=STEPS)
def test_whatever_happens_the_replay_arrives_at_the_same(harbor, steps):
    board = AgentMetricsFactory(organization=harbor)
    service = AgentMetricsService(harbor)
    for method, body in steps:
        arguments = [] if body is None else [body]
        getattr(service, method)(board.agent_type, *arguments)
    board.refresh_from_db()
    assert replay.verify(organization=harbor).differences == []
    assert board.events == len(steps) + 1


# --- the command ------------------------------------------------------------------
def test_the_command_says_how_much_it_read_and_found(lived, capsys):
    call_command("verify_metrics")
    line = "Rows checked: 4. Events replayed: 57. Differences: 0.\n"
    assert capsys.readouterr().out == line


def test_the_command_fails_on_a_difference_and_repairs_on_request(lived, capsys):
    AgentMetrics.objects.filter(agent_type="guardian").update(xp=1)
    with pytest.raises(CommandError, match="not what the ledger says"):
        call_command("verify_metrics")
    assert "guardian: xp is 1, replayed" in capsys.readouterr().out
    call_command("verify_metrics", repair=True)
    assert "Rows rebuilt: 1." in capsys.readouterr().out
    call_command("verify_metrics")


def test_the_command_can_look_at_one_organization(lived, harbor, capsys):
    AgentMetricsFactory()
    call_command("verify_metrics", organization=harbor.pk)
    assert "Rows checked: 4." in capsys.readouterr().out
    with pytest.raises(CommandError, match="no organization 0"):
        call_command("verify_metrics", organization=0)
