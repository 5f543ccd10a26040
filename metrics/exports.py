"""Scoreboards and ledgers as CSV that no spreadsheet takes for formulas."""

import csv
from collections.abc import Iterable, Iterator
from typing import Any

from metrics.models import AgentMetrics, AgentMetricsQuerySet, MetricEvent
from metrics.scores import as_json

CHUNK = 1000
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\x00")
SCOREBOARD = (
    "agent_type",
    "agent_id",
    "status",
    "priority",
    "is_active",
    "level",
    "xp",
    "prestige",
    "custody_level",
    "custody_xp",
    "current_difficulty",
    "total_tests_given",
    "total_tests_passed",
    "total_tests_failed",
    "pass_rate",
    "failure_rate",
    "success_rate",
    "learning_score",
    "total_learning_cycles",
    "consecutive_successes",
    "consecutive_failures",
    "adversarial_wins",
    "last_test_date",
    "created_at",
    "updated_at",
)
LEDGER = (
    "sequence",
    "occurred_at",
    "kind",
    "source",
    "passed",
    "score",
    "difficulty",
    "xp_change",
    "duration",
    "created_at",
)


class Line:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text


def cell(value: Any) -> Any:
    """Write a value so that it stays a value."""
    if isinstance(value, bool):
        return "true" if value else "false"
    value = as_json(value)
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return value


def csv_lines(header: tuple[str, ...], rows: Iterable[Iterable[Any]]) -> Iterator[str]:
    write = csv.writer(Line()).writerow
    yield write(header)
    for row in rows:
        yield write([cell(value) for value in row])


def scoreboard(boards: AgentMetricsQuerySet) -> Iterator[str]:
    """Return a line for each agent type, by name."""
    return csv_lines(SCOREBOARD, _scoreboard_rows(boards.order_by("agent_type")))


def _scoreboard_rows(boards: AgentMetricsQuerySet) -> Iterator[tuple]:
    found = list(boards.values_list(*SCOREBOARD)[:CHUNK])
    yield from found
    while len(found) == CHUNK:
        after = boards.filter(agent_type__gt=found[-1][0])
        found = list(after.values_list(*SCOREBOARD)[:CHUNK])
        yield from found


def ledger(board: AgentMetrics) -> Iterator[str]:
    """Return a line for each event of one agent type, oldest first."""
    return csv_lines(LEDGER, _ledger_rows(board))


def _ledger_rows(board: AgentMetrics) -> Iterator[list[Any]]:
    """Read in pieces: no cursor stays open while a client takes its time."""
    events = MetricEvent.objects.filter(metrics=board).order_by("sequence")
    found, last = None, 0
    while found is None or len(found) == CHUNK:
        found = list(events.filter(sequence__gt=last)[:CHUNK])
        for event in found:
            duration = event.payload.get("duration")
            yield [
                duration if name == "duration" else getattr(event, name)
                for name in LEDGER
            ]
            last = event.sequence
