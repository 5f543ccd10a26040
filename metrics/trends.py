"""Questions to the ledger: curves over time, difficulty, streaks, last results."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, Max, Q, Sum
from django.db.models.functions import Trunc
from django.utils import timezone

from metrics import levels
from metrics.models import (
    AgentMetrics,
    Difficulty,
    EventKind,
    MetricEvent,
    MetricEventQuerySet,
    Source,
)

MAX_DAYS = 366
DEFAULT_DAYS = 56
# How many of an agent type's tests the longest runs are looked for in.
MAX_TESTS_IN_RUNS = 10_000
INTERVALS = {"day": timedelta(days=1), "week": timedelta(days=7)}


@dataclass(frozen=True)
class Point:
    """One day or week of a curve."""

    start: date
    tests: int = 0
    passed: int = 0
    xp: int = 0

    @property
    def failed(self) -> int:
        return self.tests - self.passed

    @property
    def pass_rate(self) -> float | None:
        return levels.pass_rate(self.passed, self.tests) if self.tests else None

    def as_dict(self) -> dict[str, Any]:
        return {
            "start": self.start.isoformat(),
            "tests": self.tests,
            "passed": self.passed,
            "failed": self.failed,
            "pass_rate": self.pass_rate,
            "xp": self.xp,
        }


def first_day(interval: str, days: int) -> date:
    """Return where a curve of so many days begins; weeks begin on Monday."""
    first = timezone.now().date() - timedelta(days=days - 1)
    return first - timedelta(days=first.weekday()) if interval == "week" else first


def curve(
    events: MetricEventQuerySet, *, interval: str = "day", days: int = DEFAULT_DAYS
) -> list[Point]:
    """Add up tests and points for each day or week, empty ones included."""
    first = first_day(interval, days)
    start = datetime.combine(first, time.min, tzinfo=UTC)
    found = (
        events.filter(occurred_at__gte=start)
        .order_by()
        .annotate(start=Trunc("occurred_at", interval, tzinfo=UTC))
        .values_list("start")
        .annotate(
            tests=Count("passed"),
            passed=Count("passed", filter=Q(passed=True)),
            xp=Sum("xp_change"),
        )
    )
    points = {row[0].date(): Point(row[0].date(), *row[1:]) for row in found}
    step, last = INTERVALS[interval], max([timezone.now().date(), *points])
    starts = [first + step * n for n in range((last - first) // step + 1)]
    return [points.get(start, Point(start)) for start in starts]


def running_xp(points: list[Point], xp_now: int) -> list[int]:
    """Return the points an agent had at the end of each day or week of a curve."""
    totals = [xp_now]
    for point in reversed(points[1:]):
        totals.append(totals[-1] - point.xp)
    return totals[::-1]


def since_reset(board: AgentMetrics) -> MetricEventQuerySet:
    """Return an agent type's events after its last reset."""
    events = MetricEvent.objects.filter(metrics=board)
    last = events.filter(kind=EventKind.RESET).aggregate(last=Max("sequence"))["last"]
    return events if last is None else events.filter(sequence__gt=last)


def by_difficulty(events: MetricEventQuerySet) -> list[dict[str, Any]]:
    """Count tests and passes at each difficulty, easiest first."""
    found = (
        events.tests()
        .order_by()
        .values_list("difficulty")
        .annotate(tests=Count("pk"), passed=Count("pk", filter=Q(passed=True)))
    )
    counted = {name: (tests, passed) for name, tests, passed in found}
    lines = []
    for name in Difficulty.values:
        tests, passed = counted.get(name, (0, 0))
        rate = levels.pass_rate(passed, tests) if tests else None
        lines.append(
            {"difficulty": name, "tests": tests, "passed": passed, "pass_rate": rate}
        )
    return lines


RUNS = """
WITH tests AS (
    SELECT sequence, passed FROM metric_events
    WHERE metrics_id = %s AND passed IS NOT NULL
        AND sequence > COALESCE((
            SELECT max(sequence) FROM metric_events
            WHERE metrics_id = %s AND kind = 'reset'
        ), 0)
    ORDER BY sequence DESC LIMIT %s
), islands AS (
    SELECT passed,
        row_number() OVER (ORDER BY sequence)
        - row_number() OVER (PARTITION BY passed ORDER BY sequence) AS island
    FROM tests
), runs AS (
    SELECT passed, count(*) AS length FROM islands GROUP BY passed, island
)
SELECT
    COALESCE(max(length) FILTER (WHERE passed), 0),
    COALESCE(max(length) FILTER (WHERE NOT passed), 0)
FROM runs
"""


def streaks(board: AgentMetrics) -> dict[str, int]:
    """Return the current runs and the longest ones since the last reset."""
    with connection.cursor() as cursor:
        cursor.execute(RUNS, [board.pk, board.pk, MAX_TESTS_IN_RUNS])
        best, worst = cursor.fetchone()
    return {
        "consecutive_successes": board.consecutive_successes,
        "consecutive_failures": board.consecutive_failures,
        "longest_successes": max(best, board.consecutive_successes),
        "longest_failures": max(worst, board.consecutive_failures),
    }


def badge(board: AgentMetrics) -> dict[str, int]:
    """Count what may be shown in public: the platform's own tests, nobody's word."""
    return (
        since_reset(board)
        .tests()
        .filter(source=Source.CUSTODY_RUN)
        .aggregate(tests=Count("pk"), passed=Count("pk", filter=Q(passed=True)))
    )
