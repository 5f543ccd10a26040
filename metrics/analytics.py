"""What the scoreboards say together and one by one, each page in one call."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import (
    Avg,
    Case,
    CharField,
    Count,
    F,
    IntegerField,
    Q,
    Sum,
    Value,
    When,
)
from django.utils import timezone

from accounts.models.organizations import Organization
from metrics import levels
from metrics.models import (
    AgentMetrics,
    AgentMetricsQuerySet,
    Difficulty,
    MetricEvent,
    MetricEventQuerySet,
    Status,
)
from metrics.scores import RANKED, as_json

TOP_PERFORMERS = 5
RECENT_TESTS = 10
MAX_RECOMMENDATIONS = 20
LOW_PASS_RATE = 0.85
MANY_FAILURES = 2
MANY_SUCCESSES = 5

# In the order of their urgency.
REASONS: dict[str, Q] = {
    "failing": Q(consecutive_failures__gt=MANY_FAILURES),
    "low_pass_rate": Q(total_tests_given__gt=0, pass_rate__lt=LOW_PASS_RATE),
    "untested": Q(total_tests_given=0),
    "ready_for_more": Q(consecutive_successes__gt=MANY_SUCCESSES),
}
ATTENTION = ("failing", "low_pass_rate", "untested")
TOLD = (
    "agent_type",
    "level",
    "xp",
    "custody_level",
    "pass_rate",
    "consecutive_failures",
    "consecutive_successes",
    "current_difficulty",
)


# --- what one caller may see ------------------------------------------------------
def boards_of(
    organization: Organization, bound_agent: UUID | None = None
) -> AgentMetricsQuerySet:
    """Return the rows of living agents."""
    mine = AgentMetrics.objects.for_organization(organization)
    return mine.current().of_agent(bound_agent)


def events_of(
    organization: Organization, bound_agent: UUID | None = None
) -> MetricEventQuerySet:
    """Return the ledger of living agents."""
    events = MetricEvent.objects.for_organization(organization)
    if bound_agent is not None:
        return events.filter(metrics__in=boards_of(organization, bound_agent))
    # The few that are gone are left out: joining all that live costs more than the sum.
    gone = AgentMetrics.objects.for_organization(organization).exclude(retired_at=None)
    return events.exclude(metrics__in=gone)


# --- all agent types together -----------------------------------------------------
def overview(boards: AgentMetricsQuerySet) -> dict[str, Any]:
    """Return the names of all agent types and their sums, in two queries."""
    sums = boards.aggregate(
        learning_score=Sum("learning_score", default=0.0),
        xp=Sum("xp", default=0),
        given=Sum("total_tests_given", default=0),
        passed=Sum("total_tests_passed", default=0),
        level=Avg("level", default=0.0),
    )
    names = list(boards.oldest_first().values_list("agent_type", flat=True))
    return {
        "status": "success",
        "total_agents": len(names),
        "agents": names,
        "summary": {
            "total_learning_score": round(sums["learning_score"], 2),
            "total_xp": sums["xp"],
            "total_tests_given": sums["given"],
            "total_tests_passed": sums["passed"],
            "average_level": round(float(sums["level"]), 2),
        },
    }


def totals(boards: AgentMetricsQuerySet) -> dict[str, Any]:
    """Return sums, averages and both distributions by one aggregate."""
    found = boards.aggregate(
        total_agents=Count("pk"),
        active_agents=Count("pk", filter=Q(is_active=True)),
        total_learning_score=Sum("learning_score", default=0.0),
        average_learning_score=Avg("learning_score", default=0.0),
        total_xp=Sum("xp", default=0),
        average_level=Avg("level", default=0.0),
        total_custody_xp=Sum("custody_xp", default=0),
        average_custody_level=Avg("custody_level", default=0.0),
        total_tests_given=Sum("total_tests_given", default=0),
        total_tests_passed=Sum("total_tests_passed", default=0),
        total_tests_failed=Sum("total_tests_failed", default=0),
        total_adversarial_wins=Sum("adversarial_wins", default=0),
        **_counts("current_difficulty", Difficulty.values),
        **_counts("status", Status.values),
    )
    difficulties = {
        name: found.pop(f"current_difficulty_{name}") for name in Difficulty.values
    }
    statuses = {name: found.pop(f"status_{name}") for name in Status.values}
    summary = {
        name: value if isinstance(value, int) else round(float(value), 2)
        for name, value in found.items()
    }
    rate = levels.pass_rate(found["total_tests_passed"], found["total_tests_given"])
    return {
        "summary": summary | {"overall_pass_rate": rate},
        "difficulty_distribution": difficulties,
        "status_distribution": {name: n for name, n in statuses.items() if n},
    }


def _counts(column: str, values: Iterable[str]) -> dict[str, Count]:
    return {
        f"{column}_{value}": Count("pk", filter=Q(**{column: value}))
        for value in values
    }


def summary(
    organization: Organization, bound_agent: UUID | None = None
) -> dict[str, Any]:
    """Return the whole picture in three queries, however many agent types."""
    boards = boards_of(organization, bound_agent)
    top = _told(boards.best_first()[:TOP_PERFORMERS], "")
    notable = _told(_notable(boards)[:MAX_RECOMMENDATIONS], F("reason"))
    best, worthy = [], []
    for line in top.union(notable, all=True):
        (worthy if line["why"] else best).append(line)
    best.sort(key=lambda line: (-line["level"], -line["xp"], line["agent_type"]))
    worthy.sort(key=lambda line: (list(REASONS).index(line["why"]), line["agent_type"]))
    return {
        "status": "success",
        "timestamp": as_json(timezone.now()),
        **totals(boards),
        "top_performers": [{name: line[name] for name in TOLD[:5]} for line in best],
        "recent_tests": recent_tests(events_of(organization, bound_agent)),
        "recommendations": [ADVICE[line["why"]].format(**line) for line in worthy],
    }


def _notable(
    boards: AgentMetricsQuerySet, reasons: Iterable[str] = tuple(REASONS)
) -> AgentMetricsQuerySet:
    """Return the rows there is something to say about, the most urgent first."""
    reasons = list(reasons)
    whens = [When(REASONS[name], then=Value(name)) for name in reasons]
    ranks = [When(REASONS[name], then=Value(n)) for n, name in enumerate(reasons)]
    condition = Q()
    for name in reasons:
        condition |= REASONS[name]
    return (
        boards.filter(condition)
        .annotate(
            reason=Case(*whens, output_field=CharField()),
            urgency=Case(*ranks, output_field=IntegerField()),
        )
        .order_by("urgency", "pass_rate", "agent_type")
    )


def _told(boards: AgentMetricsQuerySet, why: Any) -> Any:
    return boards.values(*TOLD, why=Value(why) if isinstance(why, str) else why)


ADVICE = {
    "failing": "{agent_type} failed {consecutive_failures} tests in a row: "
    "read what it answered before testing it again.",
    "low_pass_rate": "{agent_type} passes less than 85 % of its tests: "
    "improve its prompt or its knowledge.",
    "untested": "{agent_type} has not been tested yet: run its first custody test.",
    "ready_for_more": "{agent_type} passed {consecutive_successes} tests in a row: "
    "raise the difficulty.",
}


def recent_tests(
    events: MetricEventQuerySet, limit: int = RECENT_TESTS
) -> list[dict[str, Any]]:
    """Return the latest custody tests of all agent types, newest first."""
    rows = (
        events.tests()
        .order_by("-occurred_at", "-sequence")
        .values_list(
            "metrics__agent_type",
            "passed",
            "score",
            "difficulty",
            "xp_change",
            "source",
            "occurred_at",
        )[:limit]
    )
    return [
        {
            "agent_type": agent_type,
            "passed": passed,
            "score": score,
            "difficulty": difficulty,
            "xp_awarded": xp,
            "source": source,
            "timestamp": as_json(occurred_at),
        }
        for agent_type, passed, score, difficulty, xp, source, occurred_at in rows
    ]


def ranking(boards: AgentMetricsQuerySet) -> Any:
    """Select what a line of the leaderboard shows; the caller orders and slices."""
    return boards.values(*RANKED, "created_at", "pk")


def attention(boards: AgentMetricsQuerySet, limit: int = 10) -> list[dict[str, Any]]:
    """Return who needs a look, the most urgent first, each with its reason."""
    rows = _told(_notable(boards, ATTENTION)[:limit], F("reason"))
    return [
        row | {"reason": row["why"], "advice": ADVICE[row["why"]].format(**row)}
        for row in rows
    ]
