"""Measure many agent types and many events: `python -m benchmarks.metrics`.

It starts servers of its own under `.data/benchmarks-metrics` and stops them.
"""

import argparse
import os
import re
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from benchmarks import metrics_data as data
from benchmarks.house import services, superuser_dsn
from benchmarks.processes import machine

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "performance-metrics.md"
API = "/api/agent-metrics/"
PAGE = "/metrics/"
ACTUAL = re.compile(r" \(actual time=[\d.]+\.\.([\d.]+) rows=([\d.]+) loops=(\d+)\)")
# The days of a curve: what a page shows, and the most anybody may ask for.
PAGE_DAYS, MOST_DAYS = 56, 366


@dataclass
class Report:
    """The lines to be printed and kept."""

    lines: list[str] = field(default_factory=list)

    def title(self, text: str) -> None:
        for line in ("", text, "-" * len(text)):
            self.line(line)

    def line(self, text: str = "") -> None:
        self.lines.append(text)
        print(text, flush=True)

    def figure(self, name: str, *cells: str) -> None:
        self.line(f"{name:<64}" + "".join(f"{cell:>12}" for cell in cells))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.metrics")
    parser.add_argument("--write", action="store_true", help=f"keep it in {DOCUMENT}")
    parser.add_argument(
        "--data-dir",
        type=Path,
        default=Path(os.environ.get("DATA_DIR") or ROOT / ".data")
        / "benchmarks-metrics",
    )
    parser.add_argument("--events", type=int, default=data.EVENTS)
    given = parser.parse_args()
    data.EVENTS = given.events
    report = Report()
    os.environ.setdefault("LOG_LEVEL", "warning")
    # Nobody serves static files here.
    warnings.filterwarnings("ignore", message="No directory at")
    with services(given.data_dir.resolve()):
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        dsn = superuser_dsn(given.data_dir.resolve())
        with psycopg.connect(dsn, autocommit=True) as connection:
            measure(report, connection)
    if given.write:
        keep("\n".join(report.lines).strip())
    return 0


def measure(report: Report, connection: psycopg.Connection) -> None:
    version = connection.execute("SHOW server_version").fetchone()[0]
    report.line(f"{datetime.now(UTC):%d %B %Y}, {machine()}, PostgreSQL {version}")
    small, large, ledger = (tenant(name) for name in ("Small", "Large", "Ledger"))
    data.make_neighbours(connection, tenant("Elsewhere").organization.pk)
    data.make_boards(connection, small.organization.pk, data.SMALL)
    data.make_boards(connection, large.organization.pk, data.LARGE)
    data.make_boards(connection, ledger.organization.pk, data.TYPES)
    connection.execute("VACUUM ANALYZE agent_metrics")
    many_types(report, connection, small, large)
    seconds = data.copy_events(connection, ledger.organization.pk)
    many_events(report, connection, ledger, seconds)
    other_ways(report, connection, ledger)
    writing(report, ledger)


@dataclass
class Tenant:
    """An organization, a client with its key, and a browser of its owner."""

    organization: Any
    client: Any
    browser: Any

    def get(self, path: str) -> Callable[[], bytes]:
        client = self.browser if path == PAGE else self.client

        def send() -> bytes:
            response = client.get(path)
            if response.status_code != 200:
                raise RuntimeError(f"{path}: {response.status_code}")
            return response.getvalue()

        return send


def tenant(name: str) -> Tenant:
    from django.conf import settings
    from django.test import Client
    from rest_framework.test import APIClient

    from accounts.access.api_keys import create_api_key
    from accounts.models import Membership, Organization, Scope, User

    organization = Organization.objects.create(name=name, plan="enterprise")
    owner = User.objects.create(email=f"{name}@example.org", name=name)
    Membership.objects.create(organization=organization, user=owner, role="owner")
    scopes = [Scope.METRICS_READ, Scope.METRICS_WRITE]
    _, raw = create_api_key(
        user=owner,
        organization=organization,
        name="Benchmark",
        scopes=scopes,
        rate_limit_tier="enterprise",
    )
    browser = Client(headers={"Host": "localhost"})
    browser.force_login(owner, settings.AUTHENTICATION_BACKENDS[0])
    return Tenant(
        organization,
        APIClient(headers={"X-API-Key": raw, "Host": "localhost"}),
        browser,
    )


# --- many agent types ----------------------------------------------------------------
def many_types(
    report: Report, connection: psycopg.Connection, small: Tenant, large: Tenant
) -> None:
    report.title(f"{data.SMALL} and {data.LARGE:,} agent types in one organization")
    report.figure("", f"{data.SMALL}", f"{data.LARGE:,}", "queries", "database")
    for path in (
        PAGE,
        f"{API}analytics/summary",
        f"{API}leaderboard?limit=50",
        f"{API}leaderboard?limit=50&ordering=-pass_rate",
        f"{API}agent-7",
        API,
    ):
        times = [data.timed(each.get(path))[4] for each in (small, large)]
        queries = [captured(each.get(path)) for each in (small, large)]
        if len(queries[0]) != len(queries[1]):
            raise RuntimeError(f"{path}: the number of queries grows.")
        inside = sum(execution_time(connection, sql) for sql in queries[1])
        report.figure(
            f"GET {path}",
            *(f"{ms:.1f} ms" for ms in times),
            str(len(queries[1])),
            f"{inside:.1f} ms",
        )
    report.line()
    report.line(f"Plans at {data.LARGE:,} agent types:")
    for path in (PAGE, f"{API}analytics/summary", f"{API}leaderboard?limit=50", API):
        report.line(f"  GET {path}")
        for sql in captured(large.get(path)):
            if "agent_metrics" in sql or "metric_events" in sql:
                show_plan(report, connection, sql)


def captured(work: Callable[[], object]) -> list[str]:
    """Return the queries of a call, the key's look-up first."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        work()
    return [query["sql"] for query in queries]


def explained(
    connection: psycopg.Connection, sql: str, options: str = "ANALYZE, COSTS OFF"
) -> list[str]:
    explain = f"EXPLAIN ({options}) {sql}"
    return [row[0] for row in connection.execute(explain.replace("%", "%%"), [])]


def execution_time(connection: psycopg.Connection, sql: str) -> float:
    """Return the median milliseconds, without a clock at every row."""
    found = [
        float(line.split()[2])
        for _ in range(3)
        for line in explained(connection, sql, "ANALYZE, TIMING OFF")
        if line.startswith("Execution Time")
    ]
    return sorted(found)[1]


def show_plan(report: Report, connection: psycopg.Connection, sql: str) -> None:
    for line in explained(connection, sql):
        if ACTUAL.search(line) or "never executed" in line:
            text = ACTUAL.sub(r"  [\1 ms, \2 rows, x\3]", line)
            report.line(f"      {text[:120]}")


# --- many events ---------------------------------------------------------------------
def many_events(
    report: Report, connection: psycopg.Connection, tenant: Tenant, seconds: float
) -> None:
    report.title(
        f"A ledger of {data.EVENTS:,} events, a fifth of them of one agent type"
    )
    report.line(
        f"Loaded by COPY in {seconds:.0f} s with all indexes; "
        f"{data.size(connection, 'metric_events'):,.0f} MB."
    )
    for name in index_names(connection):
        report.line(f"  {name}: {data.size(connection, name):,.0f} MB")
    report.figure("", "median", "", "database")
    paths = {
        "history, first page": "agent-0/history",
        "history, page in the middle": deep_page(),
        "curve of one type, 56 days": f"agent-0/series?days={PAGE_DAYS}",
        "curve of one type, 366 days": f"agent-0/series?days={MOST_DAYS}",
        "curve of a quiet type, 56 days": f"agent-500/series?days={PAGE_DAYS}",
        "curve of all, 56 days": f"analytics/series?days={PAGE_DAYS}",
        "curve of all, 52 weeks": f"analytics/series?days={MOST_DAYS}&interval=week",
        "summary": "analytics/summary",
    }
    paths = {name: API + path for name, path in paths.items()}
    paths["the overview page"] = PAGE
    for name, path in paths.items():
        times = data.timed(tenant.get(path), 5)
        queries = captured(tenant.get(path))
        inside = sum(execution_time(connection, sql) for sql in queries[1:])
        report.figure(name, f"{times[2]:.1f} ms", "", f"{inside:.1f} ms")
    report.line()
    report.line("Plans:")
    for name in (
        "history, page in the middle",
        "curve of one type, 56 days",
        "curve of all, 56 days",
    ):
        report.line(f"  {name}")
        show_plan(report, connection, captured(tenant.get(paths[name]))[-1])


def index_names(connection: psycopg.Connection) -> list[str]:
    rows = connection.execute(
        "SELECT indexname FROM pg_indexes WHERE tablename = 'metric_events' ORDER BY 1"
    )
    return [row[0] for row in rows]


def deep_page() -> str:
    from urllib.parse import urlencode

    from django.core import signing

    from metrics.pagination import SALT

    return "agent-0/history?" + urlencode(
        {"cursor": signing.dumps(data.EVENTS // 10, salt=SALT)}
    )


# --- other ways ----------------------------------------------------------------------
CURVE = """
SELECT date_trunc('day', occurred_at AT TIME ZONE 'UTC'), count(passed),
  count(passed) FILTER (WHERE passed), sum(xp_change)
FROM {table} WHERE organization_id = {organization} AND occurred_at >= '{start}'
GROUP BY 1
"""


def other_ways(report: Report, connection: psycopg.Connection, tenant: Tenant) -> None:
    report.title("The curve of all agent types by other ways to keep the events")
    data.make_brin(connection)
    data.make_partitions(connection)
    report.figure("", "56 days", "366 days", "index")
    ways = {
        "one table, B-tree that covers the curve (chosen)": (
            "metric_events",
            "ix_metric_events_time",
        ),
        "one table, BRIN of the time": ("by_brin", "by_brin_time"),
        "a partition a month, the same B-tree in each": ("by_month", None),
    }
    for name, (table, index) in ways.items():
        cells = []
        for days in (PAGE_DAYS, MOST_DAYS):
            start = (datetime.now(UTC) - timedelta(days=days)).date()
            sql = CURVE.format(
                table=table, organization=tenant.organization.pk, start=start
            )
            cells.append(f"{execution_time(connection, sql):.0f} ms")
        megabytes = f"{data.size(connection, index):,.1f} MB" if index else "the same"
        report.figure(name, *cells, megabytes)


# --- writing -------------------------------------------------------------------------
def writing(report: Report, tenant: Tenant) -> None:
    from metrics import replay
    from metrics.services import AgentMetricsService

    report.title("Writing and verifying")
    service = AgentMetricsService(tenant.organization)
    test = {"passed": True, "score": 95}
    for name, agent_type in (
        ("a new agent type", "newcomer"),
        ("the type of a million events", "agent-0"),
    ):
        times = data.timed(
            lambda agent_type=agent_type: service.record_custody_test(agent_type, test),
            50,
        )
        report.figure(f"record a test of {name}", f"{times[25]:.2f} ms")
    entries = {f"bulk-{n}": {"xp": n, "status": "idle"} for n in range(100)}
    times = data.timed(lambda: service.put_many(entries), 5)
    report.figure("bulk update of 100 agent types", f"{times[2]:.1f} ms")
    from metrics.demo import load_history

    lived = tenant_of_history()
    begun = time.monotonic()
    events = load_history(lived, [f"lived-{n}" for n in range(200)])
    written = time.monotonic() - begun
    begun = time.monotonic()
    found = replay.verify(organization=lived)
    seconds = time.monotonic() - begun
    report.figure("write history through the ledger", f"{events / written:,.0f} /s")
    report.figure("verify it by replay", f"{found.events / seconds:,.0f} /s")
    report.line(
        f"Rows checked: {found.rows}. Events replayed: {found.events}. "
        f"Differences: {len(found.differences)}."
    )


def tenant_of_history() -> Any:
    from accounts.models import Organization

    return Organization.objects.create(name="Lived", plan="enterprise")


def keep(text: str) -> None:
    """Put the report between the marks of the document."""
    begin, end = "<!-- begin: measured -->\n", "<!-- end: measured -->"
    before, _, rest = DOCUMENT.read_text().partition(begin)
    after = rest.partition(end)[2]
    DOCUMENT.write_text(f"{before}{begin}```text\n{text}\n```\n{end}{after}")


if __name__ == "__main__":
    sys.exit(main())
