"""Bring agent types and their former figures into the ledger, any number of times."""

from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.errors import DomainError, KeyReused
from accounts.models.lifecycle import request_fingerprint
from accounts.models.organizations import Organization
from metrics import replay
from metrics.bodies import MetricsUpdate, read_type
from metrics.ledger import Request, usual_agent_id
from metrics.models import AgentMetrics, Source
from metrics.scores import as_json
from metrics.services import AgentMetricsService

NULLABLE = {"last_test_date", "capabilities", "config"}
LISTS = {"test_history": 50, "learning_patterns": 100, "improvement_suggestions": 50}
WRAPPERS = ("agents", "agent_metrics", "custody_metrics", "metrics")
SELF_TEST_TYPE = "self-test"


@dataclass
class Log:
    """What was done, line by line."""

    lines: list[dict[str, str]] = field(default_factory=list)

    def add(self, level: str, agent_type: str, message: str) -> None:
        self.lines.append(
            {
                "timestamp": as_json(timezone.now()),
                "level": level,
                "agent_type": agent_type,
                "message": message,
            }
        )

    def count(self, level: str) -> int:
        return sum(line["level"] == level for line in self.lines)


def adopt(
    *,
    organization: Organization,
    types: list[str],
    former: dict[str, dict[str, Any]] | None = None,
    with_self_test: bool = False,
) -> dict[str, Any]:
    """Open the rows that miss, take over former figures once, check, and report."""
    log, former = Log(), former or {}
    names = list(dict.fromkeys([*types, *former]))
    failed = {
        name
        for name in names
        if not _adopt_one(organization, name, former.get(name), log)
    }
    if with_self_test:
        _self_test(organization, log)
    verified = replay.verify(organization=organization)
    for difference in verified.differences:
        log.add("error", difference.agent_type, str(difference))
    log.add("info", "", f"{verified.rows} rows verified, {verified.events} events")
    return _report(names, failed, log)


def _adopt_one(
    organization: Organization, name: str, row: dict[str, Any] | None, log: Log
) -> bool:
    service = AgentMetricsService(organization, source=Source.MIGRATION)
    agent_id = (row or {}).get("agent_id")
    agent_id = agent_id[:100] if isinstance(agent_id, str) and agent_id else ""
    try:
        with transaction.atomic():
            name = read_type(name)
            opened = AgentMetrics.objects.open(
                organization, {name: agent_id or usual_agent_id(name)}
            )
            log.add("info", name, "created" if opened else "already there")
            if row is not None:
                _take_over(service, name, row, log)
    except KeyReused:
        log.add("error", name, "was migrated before with other figures")
        return False
    except DomainError as refusal:
        for error in refusal.members()["errors"] or [{"detail": refusal.detail}]:
            where = error.get("pointer", "")
            log.add("error", name, f"{where} {error['detail']}".strip())
        return False
    return True


def _take_over(
    service: AgentMetricsService, name: str, row: dict[str, Any], log: Log
) -> None:
    columns, ignored = known_columns(row)
    if ignored:
        log.add("warning", name, f"ignored: {', '.join(ignored)}")
    # The key makes a second run of the same file change nothing.
    request = Request(f"migration:{name}", request_fingerprint(columns))
    recorded = service.put(name, columns, request)
    log.add("info", name, "unchanged" if recorded.is_replay else "figures taken over")


def known_columns(row: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return what a scoreboard has a column for, and the names of the rest."""
    columns = {
        name: value
        for name, value in row.items()
        if name in MetricsUpdate.model_fields
        and (value is not None or name in NULLABLE)
    }
    for name, size in LISTS.items():
        if isinstance(columns.get(name), list):
            columns[name] = columns[name][-size:]
    named = {"agent_id", "agent_type", "id", "created_at", "updated_at"}
    ignored = sorted(set(map(str, row)) - set(MetricsUpdate.model_fields) - named)
    return columns, ignored


def former_figures(value: Any) -> dict[str, dict[str, Any]]:
    """Find {agent_type: figures} in a file of the former storage; raise ValueError.

    An object by agent type, the same under one name, or a list of rows.
    """
    if isinstance(value, dict):
        for name in WRAPPERS:
            if isinstance(value.get(name), dict | list):
                return former_figures(value[name])
    if isinstance(value, list):
        value = {
            str(row.get("agent_type", "")): row
            for row in value
            if isinstance(row, dict)
        }
    if not isinstance(value, dict) or not all(
        isinstance(row, dict) for row in value.values()
    ):
        raise ValueError("Expected an object of figures by agent type.")
    return {str(name).lower(): row for name, row in value.items()}


def _self_test(organization: Organization, log: Log) -> None:
    """Try every operation on a row that is gone afterwards."""
    service = AgentMetricsService(organization, source=Source.MIGRATION)
    name = SELF_TEST_TYPE
    with transaction.atomic():
        steps = {
            "create": lambda: service.create_or_update_agent_metrics(name, {"xp": 250}),
            "read": lambda: service.get_agent_metrics(name)["level"] == 2,
            "read all": lambda: name in service.get_all_agent_metrics(),
            "custody test": lambda: service.update_custody_test_result(
                name, {"passed": True, "score": 95, "duration": 120}
            ),
            "custody metrics": lambda: (
                service.get_custody_metrics(name)["total_tests_given"] == 1
            ),
            "learning": lambda: service.update_learning_metrics(
                name, {"learning_score": 1}
            ),
            "bulk update": lambda: service.bulk_update_metrics({name: {"xp": 0}}),
            "reset": lambda: service.reset_agent_metrics(name),
            "replay": lambda: (
                not any(
                    found.agent_type == name
                    for found in replay.verify(organization=organization).differences
                )
            ),
        }
        for step, does in steps.items():
            level, word = ("info", "passed") if does() else ("error", "failed")
            log.add(level, name, f"self-test, {step}: {word}")
        transaction.set_rollback(True)


def _report(names: list[str], failed: set[str], log: Log) -> dict[str, Any]:
    errors, warnings = log.count("error"), log.count("warning")
    recommendations, next_steps = [], ["Read GET /api/agent-metrics/analytics/summary."]
    if failed:
        recommendations.append("Correct the figures named in the log and run it again.")
    if errors > len(failed):
        recommendations.append("Run manage.py verify_metrics and read its differences.")
    if warnings:
        recommendations.append("Look at the columns that were ignored.")
    if not errors:
        next_steps.append("Record the first custody test of each agent type.")
    return {
        "timestamp": as_json(timezone.now()),
        "migration_status": "failed" if errors else "completed",
        "summary": {
            "total_agents": len(names),
            "successful_migrations": len(names) - len(failed),
            "failed_migrations": len(failed),
            "warnings": warnings,
        },
        "detailed_log": log.lines,
        "recommendations": recommendations,
        "next_steps": next_steps,
    }
