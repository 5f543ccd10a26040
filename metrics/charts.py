"""Curves as a page draws them, and as the table below says them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from metrics.trends import INTERVALS, Point

Number = int | float | None


@dataclass(frozen=True)
class Line:
    label: str
    numbers: Sequence[Number]

    @property
    def data(self) -> str:
        """Write the figures for the script; a gap is empty."""
        return ",".join("" if n is None else str(n) for n in self.numbers)


@dataclass(frozen=True)
class Chart:
    """One or two lines over the same days or weeks."""

    name: str
    title: str
    interval: str
    starts: Sequence[date]
    lines: Sequence[Line]
    is_percent: bool = False
    teaches: str = ""

    @property
    def step(self) -> int:
        """Return the days between two figures."""
        return INTERVALS[self.interval].days

    @property
    def is_empty(self) -> bool:
        numbers = [number for line in self.lines for number in line.numbers]
        if self.is_percent:
            # Nothing but failures is a curve at the bottom, not an empty one.
            return all(number is None for number in numbers)
        return not any(numbers)

    @property
    def rows(self) -> list[tuple[date, list[Number]]]:
        """Return the figures of each day or week, newest first."""
        columns = [line.numbers for line in self.lines]
        lines = zip(self.starts, *columns, strict=True)
        return [(start, numbers) for start, *numbers in lines][::-1]


def tests_chart(points: list[Point], interval: str) -> Chart:
    """Draw how many tests passed and failed."""
    passed = Line("Passed", [point.passed for point in points])
    failed = Line("Failed", [point.failed for point in points])
    return Chart(
        name="tests",
        title=f"Custody tests a {interval}",
        interval=interval,
        starts=_starts(points),
        lines=[passed, failed],
        teaches="No test in this time. The curve begins with the first result.",
    )


def rate_chart(points: list[Point], interval: str) -> Chart:
    """Draw the share of tests that passed, with gaps where there was none."""
    rates = [
        None if point.pass_rate is None else round(100 * point.pass_rate, 1)
        for point in points
    ]
    return Chart(
        name="rate",
        title="Pass rate",
        interval=interval,
        starts=_starts(points),
        lines=[Line("Pass rate", rates)],
        is_percent=True,
        teaches="A pass rate needs a test in this time.",
    )


def earned_chart(points: list[Point], interval: str) -> Chart:
    """Draw the points that were earned."""
    return Chart(
        name="xp",
        title=f"XP earned a {interval}",
        interval=interval,
        starts=_starts(points),
        lines=[Line("XP", [point.xp for point in points])],
        teaches="Passed tests and lessons earn XP. There was none in this time.",
    )


def running_chart(points: list[Point], running: list[int], interval: str) -> Chart:
    """Draw the points there were at the end of each day or week."""
    return Chart(
        name="xp",
        title="XP over time",
        interval=interval,
        starts=_starts(points),
        lines=[Line("XP", running)],
        teaches="Its first passed test or lesson starts the curve.",
    )


def _starts(points: list[Point]) -> list[date]:
    return [point.start for point in points]
