"""Recompute scoreboards and their sums, compare, and put right what differs."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts.audit import log as audit
from accounts.errors import Invalid
from accounts.models.audit import AuditAction
from accounts.models.organizations import Organization
from metrics import projection, totals
from metrics.levels import Rules
from metrics.models import AgentMetrics, MetricEvent
from metrics.totals import COUNTED, Drift

BATCH = 200
EVENT = (
    "metrics_id",
    "sequence",
    "kind",
    "payload",
    "passed",
    "score",
    "xp_change",
)


@dataclass(frozen=True)
class Difference:
    """One thing a scoreboard, or the ledger itself, has otherwise than it should."""

    organization_id: int
    agent_type: str
    column: str
    stored: Any
    replayed: Any

    def __str__(self) -> str:
        where = f"organization {self.organization_id}, {self.agent_type}"
        return f"{where}: {self.column} is {self.stored}, replayed {self.replayed}"


@dataclass
class Report:
    """What a verification read and found."""

    rows: int = 0
    events: int = 0
    repaired: int = 0
    differences: list[Difference] = field(default_factory=list)


@dataclass
class Replay:
    """A scoreboard as the ledger gives it, and which events are not right."""

    board: AgentMetrics
    wrong: list[tuple[str, Any, Any]] = field(default_factory=list)
    read: int = 0
    has_newer: bool = False


def verify(*, organization: Organization | None = None, repair: bool = False) -> Report:
    """Replay all scoreboards and add them up; with `repair`, put right what differs."""
    report, rules = Report(), projection.current_rules()
    for boards in _batches(organization):
        report.rows += len(boards)
        suspects = []
        for board, events in _with_events(boards):
            # Rows were read before events: what is newer than a row is not in it.
            replayed = replay(events, rules, last=board.events)
            report.events += replayed.read
            if replayed.has_newer or _differences(board, replayed):
                suspects.append(board)
        for board in suspects:
            found = _settle(board.pk, rules, repair)
            report.differences += found
            report.repaired += bool(found) and repair
    drifts = (totals.repair if repair else totals.find_drifts)(organization)
    for drift in drifts:
        report.differences += _sums_that_differ(drift)
    return report


def _sums_that_differ(drift: Drift) -> list[Difference]:
    group = drift.group
    where = f"{group['current_difficulty']}, {group['status']}"
    where += "" if group["is_active"] else ", not active"
    return [
        Difference(
            drift.organization_id,
            f"all agent types ({where})",
            name,
            drift.kept[name],
            drift.seen[name],
        )
        for name in COUNTED
        if drift.kept[name] != drift.seen[name]
    ]


def _batches(organization: Organization | None) -> Iterator[list[AgentMetrics]]:
    """Read the rows in the order of their ids, some at a time."""
    rows = AgentMetrics.objects.order_by("pk")
    if organization is not None:
        rows = rows.for_organization(organization)
    batch = list(rows[:BATCH])
    while batch:
        yield batch
        batch = list(rows.filter(pk__gt=batch[-1].pk)[:BATCH])


def _with_events(
    boards: list[AgentMetrics],
) -> Iterator[tuple[AgentMetrics, Iterable[tuple]]]:
    waiting = {board.pk: board for board in boards}
    for pk, events in groupby(_events(metrics__in=boards), key=itemgetter(0)):
        yield waiting.pop(pk), events
    for board in waiting.values():
        yield board, ()


def _events(**which: Any) -> Iterator[tuple]:
    return (
        MetricEvent.objects.filter(**which)
        .order_by("metrics_id", "sequence")
        .values_list(*EVENT)
        .iterator(chunk_size=5000)
    )


@transaction.atomic
def _settle(pk: UUID, rules: Rules, repair: bool) -> list[Difference]:
    """Compare once more under the lock, where nobody writes; then repair."""
    board = AgentMetrics.objects.select_for_update(no_key=True).get(pk=pk)
    replayed = replay(_events(metrics=board), rules)
    found = _differences(board, replayed)
    if found and repair:
        columns = (*projection.COLUMNS, "events")
        for column in columns:
            setattr(board, column, getattr(replayed.board, column))
        board.save(update_fields=[*columns, "updated_at"])
        audit.record(
            action=AuditAction.UPDATE,
            resource_type="agent_metrics",
            resource_id=board.agent_type,
            organization_id=board.organization_id,
            changes={
                each.column: {"old": each.stored, "new": each.replayed}
                for each in found
            },
            metadata={"repaired_by": "replay"},
        )
    return found


def replay(events: Iterable[tuple], rules: Rules, *, last: int | None = None) -> Replay:
    """Move a fresh scoreboard by all events, or by those up to the `last`."""
    result = Replay(AgentMetrics())
    for event in events:
        if last is not None and event[1] > last:
            result.has_newer = True
            continue
        result.read += 1
        result.wrong += _step(result.board, event, rules)
    return result


def _step(
    board: AgentMetrics, event: tuple, rules: Rules
) -> Iterator[tuple[str, Any, Any]]:
    """Apply one event; name what is wrong with it."""
    _, sequence, kind, payload, *outcome = event
    if sequence != board.events + 1:
        yield f"event {board.events + 1}", "missing", "recorded"
    board.events, xp = sequence, board.xp
    try:
        projection.apply(board, kind, payload, rules)
    except (Invalid, LookupError, TypeError, ValueError) as error:
        yield f"event {sequence}", type(error).__name__, "applicable"
        return
    expected = [payload.get("passed"), payload.get("score"), board.xp - xp]
    if outcome != expected:
        yield f"event {sequence}", outcome, expected


def _differences(board: AgentMetrics, replayed: Replay) -> list[Difference]:
    pairs = [
        (column, getattr(board, column), getattr(replayed.board, column))
        for column in (*projection.COLUMNS, "events")
    ]
    found = [pair for pair in pairs if pair[1] != pair[2]]
    return [
        Difference(board.organization_id, board.agent_type, *each)
        for each in [*found, *replayed.wrong]
    ]
