"""What the metrics are measured on: three organizations and five million events."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg

EVENTS, TYPES, HOT_SHARE = 5_000_000, 1_000, 5
SMALL, LARGE, ELSEWHERE = 10, 10_000, 100_000
SPAN = timedelta(days=730)
# Secondary indexes and constraints are made after the rows, as a restore would.
COLUMNS = (
    "id, organization_id, metrics_id, sequence, kind, source, payload, passed, score, "
    "difficulty, xp_change, occurred_at, created_at, idempotency_key, "
    "request_fingerprint, response"
)
BOARDS = """
INSERT INTO agent_metrics (organization_id, agent_id, agent_type, learning_score, xp,
  level, custody_xp, custody_level, total_tests_given, total_tests_passed,
  total_tests_failed, pass_rate, consecutive_successes, consecutive_failures,
  test_history, created_at)
SELECT %(organization)s, 'agent-' || n, 'agent-' || n, n %% 400, n * 37 %% 90000,
  1 + n * 37 %% 90000 / 250, n * 11 %% 4000, 1 + n * 11 %% 4000 / 100,
  100, 80 + n %% 20, 20 - n %% 20, (80 + n %% 20) / 100.0, n %% 9, 0, history.entries,
  now() - n * interval '1 minute'
FROM generate_series(0, %(count)s - 1) n
CROSS JOIN (SELECT jsonb_agg(jsonb_build_object('score', 50 + e, 'passed', true,
  'duration', e * 1.5, 'timestamp', '2026-01-01T10:00:00Z', 'xp_awarded', 25,
  'difficulty', 'basic')) AS entries FROM generate_series(1, 50) e) history
"""


def make_boards(connection: psycopg.Connection, organization: int, count: int) -> None:
    """Insert agent types that have their whole test history behind them."""
    connection.execute(BOARDS, {"organization": organization, "count": count})


def make_neighbours(connection: psycopg.Connection, organization: int) -> None:
    """Insert agent types of others, or the largest organization were the table."""
    connection.execute(
        "INSERT INTO agent_metrics (organization_id, agent_id, agent_type, xp, level) "
        "SELECT %s, 'other-' || n, 'other-' || n, n %% 5000, 1 + n %% 5000 / 250 "
        "FROM generate_series(1, %s) n",
        [organization, ELSEWHERE],
    )


def lines(organization: int, boards: list[UUID]) -> Iterator[str]:
    """Tell events in the order they arrive: a fifth of them is one agent type's."""
    start, step = datetime.now(UTC) - SPAN, SPAN / EVENTS
    sequences = [0] * len(boards)
    for number in range(EVENTS):
        place = 0 if number % HOT_SHARE == 0 else number * 7919 % len(boards)
        sequences[place] += 1
        at = (start + number * step).isoformat()
        passed = number % 10 < 8
        word, xp, score = ("true", 25, 90) if passed else ("false", 0, 40)
        yield (
            f"01900000-0000-7000-8000-{number:012x}\t{organization}\t{boards[place]}\t"
            f"{sequences[place]}\tcustody_test\tapi\t"
            f'{{"passed": {word}, "score": {score}, "duration": 12.5, '
            f'"timestamp": "{at}", "xp_awarded": {xp}}}\t'
            f"{word}\t{score}\tbasic\t{xp}\t{at}\t{at}\t\\N\t\t\n"
        )


def copy_events(connection: psycopg.Connection, organization: int) -> float:
    """Load the ledger with COPY; return the seconds it took, indexes included."""
    boards = [
        row[0]
        for row in connection.execute(
            "SELECT id FROM agent_metrics WHERE organization_id = %s "
            "ORDER BY created_at DESC",
            [organization],
        )
    ]
    begun = time.monotonic()
    with (
        without_indexes(connection),
        connection.cursor().copy(f"COPY metric_events ({COLUMNS}) FROM STDIN") as copy,
    ):
        block: list[str] = []
        for line in lines(organization, boards):
            block.append(line)
            if len(block) == 5000:
                copy.write("".join(block))
                block.clear()
        copy.write("".join(block))
    connection.execute(
        "UPDATE agent_metrics SET events = counted.n FROM (SELECT metrics_id, "
        "count(*) AS n FROM metric_events GROUP BY 1) counted "
        "WHERE counted.metrics_id = agent_metrics.id"
    )
    seconds = time.monotonic() - begun
    connection.execute("VACUUM ANALYZE metric_events, agent_metrics")
    return seconds


@contextmanager
def without_indexes(connection: psycopg.Connection) -> Iterator[None]:
    """Drop all indexes but the primary key, and build them again."""
    definitions = connection.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'metric_events' "
        "AND indexname <> 'metric_events_pkey'"
    ).fetchall()
    connection.execute(
        "ALTER TABLE metric_events DROP CONSTRAINT uq_metric_events_sequence"
    )
    for name, _ in definitions:
        connection.execute(f'DROP INDEX IF EXISTS "{name}"')
    # Foreign keys of rows that were made to fit need no look-up each.
    connection.execute("SET session_replication_role = replica")
    connection.execute("SET maintenance_work_mem = '512MB'")
    try:
        yield
    finally:
        connection.execute("SET session_replication_role = origin")
        for _, definition in definitions:
            connection.execute(definition)


def size(connection: psycopg.Connection, relation: str) -> float:
    """Return the megabytes of a table or an index."""
    query = "SELECT pg_total_relation_size(%s::regclass)"
    return connection.execute(query, [relation]).fetchone()[0] / 2**20


# --- other ways to keep the same rows ------------------------------------------------
NARROW = "organization_id, metrics_id, occurred_at, passed, xp_change"


def make_brin(connection: psycopg.Connection) -> None:
    """The same columns in the same order on disk, found by a BRIN of their time."""
    connection.execute(
        f"CREATE UNLOGGED TABLE by_brin AS SELECT {NARROW}, payload FROM metric_events "
        "ORDER BY occurred_at"
    )
    connection.execute("CREATE INDEX by_brin_time ON by_brin USING brin (occurred_at)")
    connection.execute("VACUUM ANALYZE by_brin")


def make_partitions(connection: psycopg.Connection) -> None:
    """The same rows in a partition a month, each with the index the one table has."""
    connection.execute(
        "CREATE TABLE by_month (LIKE metric_events) PARTITION BY RANGE (occurred_at)"
    )
    month = (datetime.now(UTC) - SPAN).replace(day=1).date()
    while month <= datetime.now(UTC).date():
        following = (month + timedelta(days=32)).replace(day=1)
        connection.execute(
            f"CREATE UNLOGGED TABLE by_month_{month:%Y%m} PARTITION OF by_month "
            f"FOR VALUES FROM ('{month}') TO ('{following}')"
        )
        month = following
    connection.execute("INSERT INTO by_month SELECT * FROM metric_events")
    connection.execute(
        "CREATE INDEX ON by_month (organization_id, occurred_at) "
        "INCLUDE (metrics_id, passed, xp_change)"
    )
    connection.execute("VACUUM ANALYZE by_month")


def timed(work: Callable[[], object], times: int = 9) -> list[float]:
    """Return the sorted milliseconds of some calls, after one to warm up."""
    work()
    found = []
    for _ in range(times):
        begun = time.perf_counter()
        work()
        found.append((time.perf_counter() - begun) * 1000)
    return sorted(found)
