"""What the pages show of tests and runs, in a fixed number of queries."""

from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from django.db.models import QuerySet

from agents.custody import attacks
from agents.models.agents import Agent
from agents.models.custody import CustodyResult, CustodyRun, CustodyTest


@dataclass
class Line:
    """One case of a run, with what became of it so far."""

    case: dict[str, Any]
    result: CustodyResult | None

    @property
    def reasons(self) -> list[str]:
        """Why it failed."""
        grades = self.result.grades if self.result else []
        return [grade["reason"] for grade in grades if not grade["passed"]]


@dataclass
class Pack:
    """The cases of one kind, counted."""

    name: str
    lines: list[Line] = field(default_factory=list)

    @property
    def passed(self) -> int:
        return sum(bool(line.result and line.result.passed) for line in self.lines)

    @property
    def failed(self) -> list[Line]:
        return [line for line in self.lines if line.result and not line.result.passed]


def tests_of(agent: Agent) -> QuerySet[CustodyTest]:
    return agent.custody_tests.order_by("created_at", "id")


def runs_of(agent: Agent) -> QuerySet[CustodyRun]:
    """Return the runs, newest first, without the cases they were made from."""
    rows = agent.custody_runs.select_related("version", "started_by_user")
    return rows.defer("cases")


def attack_packs() -> list[tuple[str, int]]:
    """Return each attack pack with the number of its attacks."""
    return [(name, len(pack)) for name, pack in attacks.PACKS.items()]


def packs_of(run: CustodyRun) -> list[Pack]:
    """Return a run's cases by pack, in their order."""
    results = {result.position: result for result in run.results.all()}
    lines = [Line(case, results.get(n)) for n, case in enumerate(run.cases)]
    grouped = groupby(lines, key=lambda line: line.case["pack"])
    return [Pack(name, list(group)) for name, group in grouped]
