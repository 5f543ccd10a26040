"""What the pages of metrics show, each in one call and a fixed number of queries."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from accounts.models.organizations import Organization
from metrics import analytics, levels, projection, trends
from metrics.models import AgentMetrics, MetricEvent, MetricEventQuerySet
from metrics.trends import DEFAULT_DAYS, Point

LEADERS = 20
LAST_RESULTS = 50


@dataclass(frozen=True)
class Overview:
    """All agent types of an organization together."""

    totals: dict[str, Any]
    points: list[Point]
    leaderboard: list[AgentMetrics]
    attention: list[dict[str, Any]]
    recent_tests: list[dict[str, Any]]

    @property
    def is_empty(self) -> bool:
        return not self.totals["summary"]["total_agents"]


@dataclass(frozen=True)
class Leader:
    """A line of the leaderboard."""

    place: int
    board: AgentMetrics
    progress: levels.Progress


@dataclass(frozen=True)
class Portrait:
    """One agent type: where it stands and how it came there."""

    board: AgentMetrics
    progress: levels.Progress
    custody_progress: levels.Progress
    points: list[Point]
    running_xp: list[int]
    difficulties: list[dict[str, Any]]
    streaks: dict[str, int]
    badge: dict[str, int]
    results: list[MetricEvent]


def overview(
    organization: Organization,
    *,
    interval: str = "day",
    days: int = DEFAULT_DAYS,
    bound_agent: UUID | None = None,
    leaders: int = LEADERS,
) -> Overview:
    """Return the overview page: five queries, however many agent types.

    A page that ranks them itself asks for no leaders, which saves one.
    """
    boards = analytics.boards_of(organization, bound_agent)
    events = analytics.events_of(organization, bound_agent)
    return Overview(
        totals=analytics.sums_and_distributions(
            analytics.groups_of(organization, bound_agent)
        ),
        points=trends.curve(events, interval=interval, days=days),
        leaderboard=list(boards.best_first().without_lists()[:leaders]),
        attention=analytics.attention(boards),
        recent_tests=analytics.recent_tests(events),
    )


def ranked(boards: Iterable[AgentMetrics], first: int = 1) -> list[Leader]:
    """Number the lines of a page of the leaderboard, the first as told."""
    per_level = projection.current_rules().xp_per_level
    return [
        Leader(place, board, levels.progress(board.level, board.xp, per_level))
        for place, board in enumerate(boards, first)
    ]


def portrait(
    organization: Organization,
    agent_type: str,
    *,
    interval: str = "day",
    days: int = DEFAULT_DAYS,
) -> Portrait | None:
    """Return the page of one agent type, or None if there is no such row."""
    board = analytics.boards_of(organization).filter(agent_type=agent_type).first()
    if board is None:
        return None
    rules = projection.current_rules()
    events = MetricEvent.objects.filter(metrics=board)
    points = trends.curve(events, interval=interval, days=days)
    return Portrait(
        board=board,
        progress=levels.progress(board.level, board.xp, rules.xp_per_level),
        custody_progress=levels.progress(
            board.custody_level, board.custody_xp, rules.custody_xp_per_level
        ),
        points=points,
        running_xp=trends.running_xp(points, board.xp),
        difficulties=trends.by_difficulty(trends.since_reset(board)),
        streaks=trends.streaks(board),
        badge=trends.badge(board),
        results=last_results(events),
    )


def last_results(events: MetricEventQuerySet) -> list[MetricEvent]:
    """Return the last tests of one agent type, newest first, with their payloads."""
    return list(events.tests().newest_first()[:LAST_RESULTS])
