"""Sums over all agent types of an organization: read, proved and put right.

They are kept by a trigger, in the transaction that changes a scoreboard, so that an
overview costs the same for ten agent types and for ten thousand.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, QuerySet, Sum, Value
from django.db.models.functions import Cast

from accounts.models.organizations import Organization
from metrics.models import AgentMetrics, AgentMetricsQuerySet, MetricsTotal
from metrics.models.totals import ADDED_UP, GROUPED_BY

Sums = Counter[str]
# A row of what is kept or added up: the names of GROUPED_BY, and `xp_sum` and so on.
Group = dict[str, Any]
COUNTED = ("agents", *ADDED_UP)
KEPT, SEEN = 0, 1


def kept(organization: Organization) -> QuerySet:
    """Return the sums over all living agent types, a row for each group of them."""
    return _of_parts(MetricsTotal.objects.filter(organization=organization))


def added_up(boards: AgentMetricsQuerySet) -> QuerySet:
    """Return the same of some scoreboards, each of which is read for it."""
    exact = Cast("learning_score", MetricsTotal._meta.get_field("learning_score"))
    sums = {f"{name}_sum": Sum(name) for name in ADDED_UP}
    sums |= {"agents_sum": Count("pk"), "learning_score_sum": Sum(exact)}
    return _grouped(boards, sums)


def _of_parts(parts: QuerySet) -> QuerySet:
    return _grouped(parts, {f"{name}_sum": Sum(name) for name in COUNTED})


def _grouped(rows: QuerySet, sums: dict[str, Any]) -> QuerySet:
    grouped = rows.order_by().values("organization_id", *GROUPED_BY)
    # In one order: what is compared is laid side by side.
    return grouped.annotate(
        **{name: sums[name] for name in map("{}_sum".format, COUNTED)}
    )


def sums_of(group: Group) -> Sums:
    """Return {column: sum} of one row, whole numbers but for the learning score."""
    whole = {name: int(group[f"{name}_sum"]) for name in COUNTED}
    return Counter(whole | {"learning_score": group["learning_score_sum"]})


def total_of(groups: Iterable[Group]) -> Sums:
    """Return {column: sum} of all rows together."""
    return sum(map(sums_of, groups), Counter())


@dataclass(frozen=True)
class Drift:
    """One group whose kept sums are not those of its scoreboards."""

    organization_id: int
    group: dict[str, Any]
    kept: Sums
    seen: Sums

    @property
    def missing(self) -> MetricsTotal:
        """The part that makes the sums right."""
        sums = {name: self.seen[name] - self.kept[name] for name in COUNTED}
        return MetricsTotal(organization_id=self.organization_id, **self.group, **sums)


def find_drifts(organization: Organization | None = None) -> list[Drift]:
    """Compare the kept sums with their scoreboards."""
    boards, parts = AgentMetrics.objects.current(), MetricsTotal.objects.all()
    if organization is not None:
        boards = boards.for_organization(organization)
        parts = parts.filter(organization=organization)
    # One look at both: whoever writes meanwhile is in both or in neither.
    both = (
        added_up(boards)
        .annotate(side=Value(SEEN))
        .union(_of_parts(parts).annotate(side=Value(KEPT)), all=True)
    )
    sides: dict[tuple, list[Sums]] = defaultdict(lambda: [Counter(), Counter()])
    for row in both:
        place = (row["organization_id"], *(row[name] for name in GROUPED_BY))
        sides[place][row["side"]] = sums_of(row)
    return [
        Drift(place[0], dict(zip(GROUPED_BY, place[1:], strict=True)), *pair)
        for place, pair in sorted(sides.items())
        if pair[KEPT] != pair[SEEN]
    ]


@transaction.atomic
def repair(organization: Organization | None = None) -> list[Drift]:
    """Add what is missing to the kept sums; return what was wrong."""
    with connection.cursor() as cursor:
        # Not twice at once: each of two repairs would add it. Results go on.
        cursor.execute("LOCK agent_metrics_totals IN SHARE UPDATE EXCLUSIVE MODE")
    drifts = find_drifts(organization)
    MetricsTotal.objects.bulk_create(drift.missing for drift in drifts)
    return drifts
