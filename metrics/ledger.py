"""Record what agents achieve: an event in the ledger and its effect on the scoreboard.

Both are written in one transaction under the row's lock; `metrics.replay`
replays the former and must arrive at the latter.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.errors import Invalid, KeyReused, NotFound
from accounts.insertion import Beside
from accounts.models.organizations import Organization
from metrics import projection
from metrics.models import AgentMetrics, EventKind, MetricEvent, Source
from metrics.projection import Payload

Boards = dict[str, AgentMetrics]


# --- the rows -------------------------------------------------------------------
def open_scoreboard(
    *, organization: Organization, agent_id: str, agent_type: str
) -> None:
    """Create the row an agent keeps score in, or give it the one its type has."""
    if not AgentMetrics.objects.open(organization, {agent_type: agent_id}):
        adopt_scoreboard(
            organization=organization, agent_id=agent_id, agent_type=agent_type
        )


def adopt_scoreboard(
    *, organization: Organization, agent_id: str, agent_type: str
) -> None:
    """Give an agent the row its type has: results that came before are its own."""
    AgentMetrics.objects.filter(
        organization=organization,
        agent_type=agent_type,
        agent_id=usual_agent_id(agent_type),
    ).update(agent_id=agent_id)


def opening(*, organization: Organization, agent_id: str, agent_type: str) -> Beside:
    """Create the row a new agent keeps score in, beside its own; it may be there."""
    return AgentMetrics.objects.opening(organization, agent_type, agent_id)


def usual_agent_id(agent_type: str) -> str:
    """Return what stands for the agent of a type that has none."""
    return f"{agent_type}_agent"


@transaction.atomic
def retire(*, organization: Organization, agent_type: str) -> None:
    """Leave a deleted agent's row out of the overviews."""
    AgentMetrics.objects.filter(
        organization=organization, agent_type=agent_type, retired_at=None
    ).update(retired_at=timezone.now())


@transaction.atomic
def revive(*, organization: Organization, agent_type: str) -> None:
    """Show a restored agent's row again."""
    AgentMetrics.objects.filter(
        organization=organization, agent_type=agent_type
    ).update(retired_at=None)


# --- recording ------------------------------------------------------------------
@dataclass(frozen=True)
class Entry:
    """What is to be recorded of one agent type."""

    kind: EventKind
    payload: Payload
    source: Source = Source.API
    occurred_at: datetime | None = None
    # Where the payload stands in the request, for refusals.
    pointer: str = ""


@dataclass(frozen=True)
class Request:
    """How a repetition of the same request is known; without a key it is not."""

    key: str | None = None
    fingerprint: str = ""


@dataclass(frozen=True)
class Reach:
    """Which rows a request may move: deleted agents' never, new ones if it may."""

    bound_agent: UUID | None = None
    may_open: bool = True


@dataclass(frozen=True)
class Recorded:
    """What came of it: the rows as they are now and what the caller is answered."""

    answer: Payload
    boards: Boards
    before: dict[str, dict[str, Any]]
    opened: frozenset[str] = frozenset()
    is_replay: bool = False


Answer = Callable[[Boards, frozenset[str]], Payload]


def record(
    *,
    organization: Organization,
    entries: dict[str, Entry],
    answer: Answer,
    request: Request | None = None,
    reach: Reach | None = None,
) -> Recorded:
    """Record an entry for each agent type, all or none; rows that miss are opened.

    A repeated key is answered what its first request was, and records nothing.
    Raises Invalid, KeyReused, and NotFound for what is out of reach.
    """
    request = request or Request()
    arguments = (organization, entries, answer, request, reach or Reach())
    try:
        with transaction.atomic():
            return _record(*arguments)
    except IntegrityError:
        # Meanwhile the key was used for other agent types, whose rows are others.
        twin = _repeated(organization, request)
        if twin is None:
            raise
        return twin


def _record(
    organization: Organization,
    entries: dict[str, Entry],
    answer: Answer,
    request: Request,
    reach: Reach,
) -> Recorded:
    boards, opened = _locked_boards(organization, entries, reach)
    # Under the lock: the first of two equal requests is then visible or to come.
    if twin := _repeated(organization, request):
        return twin
    before = {name: projection.state_of(board) for name, board in boards.items()}
    events = [
        event
        for name, board in boards.items()
        for event in append(board, [entries[name]])
    ]
    answered = answer(boards, opened)
    if request.key is not None:
        events[0].idempotency_key = request.key
        events[0].request_fingerprint = request.fingerprint
        events[0].response = json.dumps(answered)
    save(boards.values(), events, _changed(boards, before))
    return Recorded(answered, boards, before, opened)


def _changed(boards: Boards, before: dict[str, dict[str, Any]]) -> set[str]:
    return {
        column
        for name, board in boards.items()
        for column, value in before[name].items()
        if getattr(board, column) != value
    }


def _repeated(organization: Organization, request: Request) -> Recorded | None:
    if request.key is None:
        return None
    first = (
        MetricEvent.objects.for_organization(organization)
        .filter(idempotency_key=request.key)
        .first()
    )
    if first is None:
        return None
    if first.request_fingerprint != request.fingerprint:
        raise KeyReused
    return Recorded(json.loads(first.response), {}, {}, is_replay=True)


def _locked_boards(
    organization: Organization, names: Iterable[str], reach: Reach
) -> tuple[Boards, frozenset[str]]:
    """Lock the rows of these agent types, opening those that are not there.

    All inserts come before all locks, and both in one order for everyone: so
    whoever waits for an insert holds no lock another could wait for.
    """
    names = sorted(names)
    mine = AgentMetrics.objects.for_organization(organization)
    rows = mine.filter(agent_type__in=names)
    known = set(rows.order_by().values_list("agent_type", flat=True))
    opened = frozenset()
    if missing := set(names) - known:
        if reach.bound_agent is not None or not reach.may_open:
            raise NotFound
        agents = {name: usual_agent_id(name) for name in missing}
        opened = frozenset(mine.open(organization, agents))
    boards = {row.agent_type: row for row in rows.locked()}
    bound = reach.bound_agent and str(reach.bound_agent)
    if any(
        row.retired_at or bound not in (None, row.agent_id) for row in boards.values()
    ):
        raise NotFound
    return {name: boards[name] for name in names}, opened


def append(board: AgentMetrics, entries: Iterable[Entry]) -> list[MetricEvent]:
    """Move a locked scoreboard by these entries; return the events to be saved."""
    rules, now, events = projection.current_rules(), timezone.now(), []
    for entry in entries:
        xp, difficulty = board.xp, board.current_difficulty
        try:
            projection.apply(board, entry.kind, entry.payload, rules)
        except Invalid as refusal:
            pointer = entry.pointer + (refusal.pointer or "")
            raise Invalid(refusal.detail, pointer=pointer) from None
        board.events += 1
        is_test = entry.kind == EventKind.CUSTODY_TEST
        events.append(
            MetricEvent(
                organization_id=board.organization_id,
                metrics=board,
                sequence=board.events,
                kind=entry.kind,
                source=entry.source,
                payload=entry.payload,
                passed=entry.payload["passed"] if is_test else None,
                score=entry.payload["score"] if is_test else None,
                difficulty=difficulty if is_test else "",
                xp_change=board.xp - xp,
                occurred_at=entry.occurred_at or now,
            )
        )
    board.updated_at = now
    return events


def save(
    boards: Iterable[AgentMetrics],
    events: list[MetricEvent],
    columns: Iterable[str] = projection.COLUMNS,
) -> None:
    """Store locked scoreboards and the events that moved them there."""
    boards, columns = list(boards), [*columns, "events", "updated_at"]
    if len(boards) == 1:
        # No save(): it would set another moment than the caller is answered.
        values = {name: getattr(boards[0], name) for name in columns}
        AgentMetrics.objects.filter(pk=boards[0].pk).update(**values)
    else:
        AgentMetrics.objects.bulk_update(boards, columns)
    MetricEvent.objects.bulk_create(events, batch_size=1000)
