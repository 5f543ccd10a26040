"""`migrate_agent_metrics`: default rows, former figures, a report; twice is once."""

import json

import pytest
from django.core.management import CommandError, call_command

from accounts.tests.factories import OrganizationFactory
from metrics import ledger
from metrics.models import AgentMetrics, MetricEvent
from metrics.services import AgentMetricsService

pytestmark = pytest.mark.django_db
FORMER = {
    "imperium": {
        "xp": 500,
        "learning_score": 400.0,
        "total_tests_given": 12,
        "total_tests_passed": 10,
        "custody_xp": 250,
        "last_test_date": None,
        "test_history": [
            {"passed": True, "score": 90, "duration": 4, "timestamp": None}
        ],
        "in_memory_only": 1,
    },
    "Elder": {"agent_id": "elder_code", "level": 7},
}


def migrate(tmp_path, *arguments, former=None):
    report = tmp_path / "report.json"
    arguments = [*arguments, "--report", str(report)]
    if former is not None:
        source = tmp_path / "legacy.json"
        source.write_text(json.dumps(former))
        arguments += ["--from", str(source)]
    try:
        call_command("migrate_agent_metrics", *arguments)
    finally:
        found = json.loads(report.read_text()) if report.exists() else None
    return found


def rows():
    return list(
        AgentMetrics.objects.order_by("pk").values()
    ), MetricEvent.objects.count()


def test_the_default_agent_types_get_their_rows(harbor, tmp_path):
    report = migrate(tmp_path)
    assert set(AgentMetrics.objects.values_list("agent_type", "agent_id")) == {
        (name, f"{name}_agent")
        for name in ("imperium", "guardian", "sandbox", "conquest")
    }
    assert report["migration_status"] == "completed"
    assert report["summary"] == {
        "total_agents": 4,
        "successful_migrations": 4,
        "failed_migrations": 0,
        "warnings": 0,
    }
    assert set(report) == {
        "timestamp",
        "migration_status",
        "summary",
        "detailed_log",
        "recommendations",
        "next_steps",
    }


def test_the_agent_types_can_be_named(harbor, tmp_path):
    migrate(tmp_path, "--types", "one", "two")
    assert AgentMetrics.objects.count() == 2


@pytest.mark.parametrize(
    "former",
    [
        FORMER,
        {"custody_metrics": FORMER},
        [{"agent_type": name} | row for name, row in FORMER.items()],
    ],
)
def test_former_figures_are_taken_over(harbor, tmp_path, former):
    report = migrate(tmp_path, former=former)
    board = AgentMetrics.objects.get(agent_type="imperium")
    assert (board.xp, board.level, board.custody_level) == (500, 3, 3)
    assert (board.total_tests_failed, board.pass_rate) == (2, 0.8333)
    assert board.test_history[0]["score"] == 90
    assert AgentMetrics.objects.get(agent_type="elder").agent_id == "elder_code"
    assert report["summary"]["warnings"] == 1
    assert any("in_memory_only" in line["message"] for line in report["detailed_log"])


def test_a_second_run_changes_nothing_also_after_new_results(harbor, tmp_path):
    migrate(tmp_path, former=FORMER)
    AgentMetricsService(harbor).update_custody_test_result(
        "imperium", {"passed": True, "score": 95}
    )
    before = rows()
    report = migrate(tmp_path, "--self-test", former=FORMER)
    assert rows() == before
    assert report["migration_status"] == "completed"


def test_other_figures_for_what_was_migrated_are_refused(harbor, tmp_path):
    migrate(tmp_path, former={"imperium": {"xp": 1}})
    with pytest.raises(CommandError):
        migrate(tmp_path, former={"imperium": {"xp": 2}})
    assert AgentMetrics.objects.get(agent_type="imperium").xp == 1


def test_one_bad_row_fails_alone_and_is_named(harbor, tmp_path):
    former = {"good": {"xp": 1}, "bad": {"xp": -1}, "leaderboard": {"xp": 1}}
    with pytest.raises(CommandError, match="2 agent types failed"):
        migrate(tmp_path, "--types", "imperium", former=former)
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["migration_status"] == "failed"
    assert report["summary"]["failed_migrations"] == 2
    errors = [line for line in report["detailed_log"] if line["level"] == "error"]
    assert {line["agent_type"] for line in errors} == {"bad", "leaderboard"}
    assert errors[0]["message"].startswith("/xp ")
    types = set(AgentMetrics.objects.values_list("agent_type", flat=True))
    assert types == {"imperium", "good"}


def test_the_row_of_a_deleted_agent_is_not_revived(harbor, tmp_path):
    migrate(tmp_path, "--types", "imperium")
    ledger.retire(organization=harbor, agent_type="imperium")
    with pytest.raises(CommandError):
        migrate(tmp_path, "--types", former={"imperium": {"xp": 2}})
    assert AgentMetrics.objects.get().retired_at


def test_the_self_test_tries_everything_and_keeps_nothing(harbor, tmp_path):
    report = migrate(tmp_path, "--self-test", "--types")
    lines = [line["message"] for line in report["detailed_log"]]
    steps = [line for line in lines if line.startswith("self-test")]
    assert len(steps) == 9
    assert all(line.endswith(": passed") for line in steps)
    assert not AgentMetrics.objects.exists()


def test_a_broken_scoreboard_makes_the_migration_fail(harbor, tmp_path):
    migrate(tmp_path)
    AgentMetrics.objects.filter(agent_type="guardian").update(xp=9)
    with pytest.raises(CommandError):
        migrate(tmp_path)


def test_of_several_organizations_one_must_be_named(harbor, tmp_path):
    other = OrganizationFactory()
    with pytest.raises(CommandError, match="--organization"):
        migrate(tmp_path)
    migrate(tmp_path, "--organization", str(other.pk))
    assert AgentMetrics.objects.filter(organization=other).count() == 4


@pytest.mark.parametrize("text", ["[1", "5", '{"a": 1}', '"x"'])
def test_a_file_that_is_something_else_is_refused(harbor, tmp_path, text):
    source = tmp_path / "legacy.json"
    source.write_text(text)
    with pytest.raises(CommandError, match=r"legacy\.json"):
        call_command("migrate_agent_metrics", "--from", str(source))


def test_without_a_file_the_report_is_printed(harbor, capsys):
    call_command("migrate_agent_metrics")
    assert json.loads(capsys.readouterr().out)["summary"]["total_agents"] == 4
