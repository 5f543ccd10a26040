"""What the scoreboards say together and one by one, each page in one call."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import F, SmallIntegerField, Value
from django.utils import timezone

from accounts.models.organizations import Organization
from metrics import levels, totals
from metrics.models import (
    AgentMetrics,
    AgentMetricsQuerySet,
    Difficulty,
    MetricEvent,
    MetricEventQuerySet,
    Status,
)
from metrics.models.boards import REASONS
from metrics.scores import RANKED, as_json
from metrics.totals import Group, Sums

TOP_PERFORMERS = 5
RECENT_TESTS = 10
MAX_RECOMMENDATIONS = 20
# The reasons by their urgency; the last one is good news.
URGENT = list(REASONS)
READY = URGENT.index("ready_for_more")
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
def groups_of(
    organization: Organization, bound_agent: UUID | None = None
) -> list[Group]:
    """Return the sums of a caller's agent types: as kept, unless it is bound to one."""
    if bound_agent is None:
        return list(totals.kept(organization))
    return list(totals.added_up(boards_of(organization, bound_agent)))


def overview(
    boards: AgentMetricsQuerySet, *, all_of: Organization | None = None
) -> dict[str, Any]:
    """Return the names of some agent types and their sums, in two queries.

    `all_of` is the organization when they are all it has: its sums are kept.
    """
    groups = totals.kept(all_of) if all_of else totals.added_up(boards)
    sums = totals.total_of(groups)
    names = ArrayAgg("agent_type", order_by=("created_at", "id"), default=[])
    agents = boards.aggregate(names=names)["names"]
    return {
        "status": "success",
        "total_agents": len(agents),
        "agents": agents,
        "summary": {
            "total_learning_score": round(float(sums["learning_score"]), 2),
            "total_xp": sums["xp"],
            "total_tests_given": sums["total_tests_given"],
            "total_tests_passed": sums["total_tests_passed"],
            "average_level": _average(sums, "level"),
        },
    }


def sums_and_distributions(groups: list[Group]) -> dict[str, Any]:
    """Return sums, averages and both distributions of some groups."""
    sums = totals.total_of(groups)
    active = totals.total_of(group for group in groups if group["is_active"])
    given, passed = sums["total_tests_given"], sums["total_tests_passed"]
    difficulties = _counted(groups, "current_difficulty", Difficulty.values)
    statuses = _counted(groups, "status", Status.values)
    return {
        "summary": {
            "total_agents": sums["agents"],
            "active_agents": active["agents"],
            "total_learning_score": round(float(sums["learning_score"]), 2),
            "average_learning_score": _average(sums, "learning_score"),
            "total_xp": sums["xp"],
            "average_level": _average(sums, "level"),
            "total_custody_xp": sums["custody_xp"],
            "average_custody_level": _average(sums, "custody_level"),
            "total_tests_given": given,
            "total_tests_passed": passed,
            "total_tests_failed": sums["total_tests_failed"],
            "overall_pass_rate": levels.pass_rate(passed, given),
            "total_adversarial_wins": sums["adversarial_wins"],
        },
        "difficulty_distribution": difficulties,
        "status_distribution": {name: n for name, n in statuses.items() if n},
    }


def _average(sums: Sums, name: str) -> float:
    return round(float(sums[name] / (sums["agents"] or 1)), 2)


def _counted(groups: list[Group], column: str, values: Iterable[str]) -> dict[str, int]:
    counts = dict.fromkeys(values, 0)
    for group in groups:
        if group[column] in counts:
            counts[group[column]] += group["agents_sum"]
    return counts


def summary(
    organization: Organization, bound_agent: UUID | None = None
) -> dict[str, Any]:
    """Return the whole picture in three queries, however many agent types."""
    boards = boards_of(organization, bound_agent)
    nobody = Value(None, SmallIntegerField())
    top = boards.best_first()[:TOP_PERFORMERS].values(*TOLD, reason=nobody)
    notable = _told(boards.most_urgent_first()[:MAX_RECOMMENDATIONS])
    best, worthy = [], []
    for line in top.union(notable, all=True):
        (best if line["reason"] is None else worthy).append(line)
    best.sort(key=lambda line: (-line["level"], -line["xp"], line["agent_type"]))
    worthy.sort(key=lambda line: (line["reason"], line["agent_type"]))
    return {
        "status": "success",
        "timestamp": as_json(timezone.now()),
        **sums_and_distributions(groups_of(organization, bound_agent)),
        "top_performers": [{name: line[name] for name in TOLD[:5]} for line in best],
        "recent_tests": recent_tests(events_of(organization, bound_agent)),
        "recommendations": [_advice(line) for line in worthy],
    }


def _told(boards: AgentMetricsQuerySet) -> Any:
    return boards.values(*TOLD, reason=F("urgency"))


def _advice(line: dict[str, Any]) -> str:
    return ADVICE[URGENT[line["reason"]]].format(**line)


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


def count_of_all(organization: Organization) -> int:
    """Return how many living agent types an organization has."""
    return totals.total_of(totals.kept(organization))["agents"]


def ranking(boards: AgentMetricsQuerySet) -> Any:
    """Select what a line of the leaderboard shows; the caller orders and slices."""
    return boards.values(*RANKED, "created_at", "pk")


def attention(boards: AgentMetricsQuerySet, limit: int = 10) -> list[dict[str, Any]]:
    """Return who needs a look, the most urgent first, each with its reason."""
    rows = _told(boards.most_urgent_first().filter(urgency__lt=READY)[:limit])
    return [
        row | {"reason": URGENT[row["reason"]], "advice": _advice(row)} for row in rows
    ]
