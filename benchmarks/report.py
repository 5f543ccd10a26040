"""The printed table: figures, ratios against their bars, and the SQL of both."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.load import generator
from benchmarks.peers.flowise import FLOWISE
from benchmarks.processes import machine
from benchmarks.scenarios import CREATE, GET, INTO_LARGE, INTO_SMALL, LIST, Cells
from benchmarks.stacks import CEILING, OURS, REFERENCE
from benchmarks.statements import is_authentication, is_query, shortened

# The bars of 150 and 80 ms were set on a machine where the reference's p99 was 105 ms:
# on a slower one this is what they ask for.
P99_SHARES = (round(150 / 105, 2), round(80 / 105, 2))

NOISY = """\
Much foreign work throughout (~): every absolute figure is stretched, cold start and p99
first of all, and ratios are rough. Run again on a quiet machine."""


@dataclass
class Results:
    """Everything that was found out."""

    cells: Cells
    sql: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    pages: dict[str, float] = field(default_factory=dict)
    race: str = ""
    drift: int = 0
    authentication: tuple[float, int] = (0.0, 0)
    megabytes: dict[str, float] = field(default_factory=dict)
    cold_start: float = 0.0
    agents: int = 0
    body_bytes: int = 0
    postgres: str = ""


@dataclass
class Gate:
    """One bar: a figure, and what it must and should be."""

    name: str
    value: float
    must: float
    goal: float
    unit: str = "x"
    at_most: bool = False

    def meets(self, bar: float) -> bool:
        return self.value <= bar if self.at_most else self.value >= bar

    @property
    def verdict(self) -> str:
        if not self.meets(self.must):
            return "MISSED"
        return "goal reached" if self.meets(self.goal) else "must reached"

    @property
    def line(self) -> str:
        sign = "<=" if self.at_most else ">="
        value = f"{self.value:.2f}{self.unit}"
        return (
            f"{self.name:<58} {value:>10}   {sign} {self.must:g} ({self.goal:g})"
            f"   {self.verdict}"
        )


def gates(results: Results) -> Iterator[Gate]:
    """Compare every figure with its bar; a missed one stays in the table."""
    yield from speed_gates(results.cells)
    yield from growth_gates(results)
    yield Gate(
        "memory of 2 web processes (PSS)",
        results.megabytes[OURS],
        200,
        150,
        " MB",
        at_most=True,
    )
    yield Gate("cold start", results.cold_start, 3, 2, " s", at_most=True)
    cost, queries = results.authentication
    yield Gate("authentication: CPU", cost, 0.5, 0.5, " ms", at_most=True)
    yield Gate("authentication: queries", queries, 1, 0, "", at_most=True)


def speed_gates(cells: Cells) -> Iterator[Gate]:
    """Compare with the ceiling, the reference and a product of the same kind."""

    def cpu(scenario: str, other: str) -> float:
        """How many times ours the other's CPU is."""
        ours = cells[scenario, OURS].median("cpu")
        return cells[scenario, other].median("cpu") / ours

    def rate(scenario: str, name: str = OURS) -> float:
        return cells[scenario, name].median("per_second")

    yield Gate("list 50: CPU, ceiling / ours", cpu(LIST, CEILING), 0.30, 0.50)
    yield Gate("list 50: CPU, FastAPI / ours", cpu(LIST, REFERENCE), 1.5, 2.5)
    yield Gate("get: CPU, FastAPI / ours", cpu(GET, REFERENCE), 1.0, 1.5)
    yield Gate("create: CPU, FastAPI / ours", cpu(CREATE, REFERENCE), 0.9, 1.2)
    share = rate(CREATE) / rate(CREATE, REFERENCE)
    yield Gate("create: req/s at 16 clients, ours / FastAPI", share, 0.9, 1.2)
    p99 = cells[CREATE, OURS].median("p99")
    yield Gate("create: p99 at 16 clients", p99, 150, 80, " ms", at_most=True)
    share = p99 / cells[CREATE, REFERENCE].median("p99")
    yield Gate(
        "create: p99 at 16 clients, ours / FastAPI", share, *P99_SHARES, at_most=True
    )
    if (LIST, FLOWISE) in cells:
        share = rate(LIST) / rate(LIST, FLOWISE)
        yield Gate(f"list: req/s, ours / {FLOWISE}", share, 1.2, 1.8)
        share = rate(CREATE) / rate(CREATE, FLOWISE)
        yield Gate(f"create: req/s, ours / {FLOWISE}", share, 0.8, 1.2)
    share = rate(INTO_LARGE) / rate(INTO_SMALL)
    yield Gate("create: req/s, into 98k agents / into 98", share, 0.8, 0.95)


def growth_gates(results: Results) -> Iterator[Gate]:
    """Compare small with large, alone with many at once."""
    for page in ("first page", "last page"):
        ratio = results.pages[f"{page}, 98k"] / results.pages[f"{page}, 98"]
        name = f"{page} by cursor: time, 98k agents / 98"
        yield Gate(name, ratio, 1.5, 1.2, at_most=True)
    ours = results.sql[OURS]
    lengths = [queries_of(ours[name]) for name in (LIST, "list 5", "list 50 of 98")]
    # A count that grows with the list is missed, however small.
    most = max(lengths) if len(set(lengths)) == 1 else float("inf")
    name = "list: queries without authentication, at any length"
    yield Gate(name, most, 3, 2, "", at_most=True)
    exact = float(results.race.startswith("exact") and not results.drift)
    yield Gate("64 creates race for 10 places: exact", exact, 1, 1, "")


def queries_of(statements: list[str]) -> int:
    """Count queries, leaving out authentication and transactions."""
    return sum(is_query(one) and not is_authentication(one) for one in statements)


def render(results: Results) -> str:
    """Write the whole report as text."""
    return "\n".join(
        [
            *heading(results),
            "",
            *table(results),
            "",
            f"{'bar':<58} {'measured':>10}   must (goal)",
            *(gate.line for gate in gates(results)),
            "",
            *others(results),
            "",
            *sql_lists(results),
        ]
    )


def heading(results: Results) -> Iterator[str]:
    yield f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {machine()}"
    yield (
        f"Python {sys.version.split()[0]}, {results.postgres}, {results.agents:,}"
        f" agents; granian, 2 processes each; load by {generator()}, 16 connections"
    )
    yield (
        "CPU is milliseconds of application and PostgreSQL a request; medians of bursts"
        " with at most 20 % foreign work (~: every burst had more)."
    )
    yield f"A list of 50 is {results.body_bytes / 1024:.0f} KB."
    if any(cell.is_noisy for cell in results.cells.values()):
        yield NOISY


def table(results: Results) -> Iterator[str]:
    yield (
        f"{'scenario':<18} {'stack':<18} {'CPU ms':>8} {'req/s':>7} {'p50 ms':>7}"
        f" {'p99 ms':>7} {'queries':>8} {'bursts':>7} {'failed':>7}"
    )
    for (scenario, name), cell in results.cells.items():
        # A peer's SQL is its own affair.
        known = results.sql.get(name, {})
        statements = known.get(scenario) or known.get(CREATE)
        count = sum(map(is_query, statements)) if statements else "-"
        noisy = "~" if cell.is_noisy else ""
        yield (
            f"{scenario:<18} {name:<18} {noisy + format(cell.median('cpu'), '.2f'):>8}"
            f" {cell.median('per_second'):>7.0f} {cell.median('p50'):>7.1f}"
            f" {cell.median('p99'):>7.1f} {count:>8} {len(cell.counted):>7}"
            f" {cell.failed:>7}"
        )


def others(results: Results) -> Iterator[str]:
    yield f"Race of 64 creates for 10 places: {results.race}."
    yield f"Organizations whose counter differs from their agents: {results.drift}."
    for name, value in results.pages.items():
        yield f"{name}: {value:.1f} ms (median, one client)"
    for name, value in results.megabytes.items():
        yield f"PSS of {name}: {value:.0f} MB"


def sql_lists(results: Results) -> Iterator[str]:
    for name, endpoints in results.sql.items():
        for endpoint in (LIST, GET, CREATE):
            yield f"SQL of {endpoint}, {name}:"
            for number, statement in enumerate(endpoints[endpoint], start=1):
                yield f"  {number:>2}. {shortened(statement)}"


def write(text: str, path: Path) -> None:
    """Keep the report between the marks in the document."""
    begin, end = "<!-- begin: measured -->\n", "<!-- end: measured -->"
    document = path.read_text()
    before, _, rest = document.partition(begin)
    _, _, after = rest.partition(end)
    path.write_text(f"{before}{begin}```text\n{text}\n```\n{end}{after}")
