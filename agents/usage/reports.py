"""What an organization's answers took this month, and what that comes to."""

import calendar
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db.models import Sum
from django.utils import timezone

from accounts.models.organizations import UNLIMITED, Organization
from agents.models.agents import Agent
from agents.models.usage import AgentBudget, UsageDay, UsageMonth, resets_at, this_month
from metrics.charts import Chart, Line
from metrics.exports import csv_lines

# Agents one report names; the file has them all.
MOST_AGENTS = 100
CSV_HEADER = ("day", "agent", "name", "kind", "messages", "tokens")


@dataclass(frozen=True)
class Measure:
    """Messages or tokens: what is used and held, the cap, where the month ends."""

    used: int
    reserved: int
    limit: int
    projected: int

    @property
    def has_limit(self) -> bool:
        return self.limit != UNLIMITED

    @property
    def percent(self) -> int:
        if not self.has_limit or not self.limit:
            return 100 if self.has_limit else 0
        return min(100, round(100 * (self.used + self.reserved) / self.limit))

    @property
    def is_short(self) -> bool:
        """Say whether the month will end before the budget does, or not."""
        return self.has_limit and self.projected > self.limit

    def as_dict(self) -> dict[str, int | None]:
        return {
            "used": self.used,
            "reserved": self.reserved,
            "limit": self.limit if self.has_limit else None,
            "projected": self.projected,
        }


@dataclass(frozen=True)
class AgentUsage:
    """One agent's month."""

    agent: Agent
    messages: Measure
    tokens: Measure

    def as_dict(self) -> dict[str, Any]:
        return {
            "agent": str(self.agent.public_id),
            "name": self.agent.name,
            "is_deleted": self.agent.is_deleted,
            "messages": self.messages.as_dict(),
            "tokens": self.tokens.as_dict(),
        }


@dataclass(frozen=True)
class Report:
    """An organization's month."""

    month: date
    messages: Measure
    tokens: Measure
    agents: list[AgentUsage]
    agents_total: int
    days: list[dict[str, Any]]

    def as_dict(self) -> dict[str, Any]:
        return {
            "month": f"{self.month:%Y-%m}",
            "resets_at": resets_at(self.month),
            "messages": self.messages.as_dict(),
            "tokens": self.tokens.as_dict(),
            "agents_total": self.agents_total,
            "agents": [each.as_dict() for each in self.agents],
            "days": self.days,
        }

    @property
    def charts(self) -> list[Chart]:
        """Draw messages and tokens a day, the days of the month so far."""
        last = min(timezone.now().astimezone(UTC).date(), _last_day(self.month))
        days = [self.month + timedelta(days=n) for n in range(last.day)]
        return [_chart(name, days, self.days) for name in ("messages", "tokens")]


def _chart(name: str, days: list[date], rows: list[dict[str, Any]]) -> Chart:
    visitors: dict[date, int] = defaultdict(int)
    custody: dict[date, int] = defaultdict(int)
    for row in rows:
        (custody if row["kind"] == "custody" else visitors)[row["day"]] += row[name]
    lines = [Line("Answers", [visitors[day] for day in days])]
    if any(custody.values()):
        lines.append(Line("Custody tests", [custody[day] for day in days]))
    return Chart(
        name=name,
        title=f"{name.capitalize()} a day",
        interval="day",
        starts=days,
        lines=lines,
        teaches="Nothing was answered yet this month.",
    )


def report(organization: Organization, month: date | None = None) -> Report:
    """Gather a month in a fixed number of queries."""
    month = month or this_month()
    whole = UsageMonth.objects.filter(
        organization=organization, agent=None, month=month
    ).first()
    rows = (
        UsageMonth.objects.filter(
            organization=organization, month=month, agent__isnull=False
        )
        .select_related("agent")
        .order_by("-tokens", "-messages", "agent_id")
    )
    shown = list(rows[:MOST_AGENTS])
    total = len(shown) if len(shown) < MOST_AGENTS else rows.count()
    budgets = AgentBudget.objects.in_bulk([row.agent_id for row in shown])
    days = (
        UsageDay.objects.filter(
            organization=organization, day__gte=month, day__lte=_last_day(month)
        )
        .order_by("day", "kind")
        .values("day", "kind")
        .annotate(messages=Sum("messages"), tokens=Sum("tokens"))
    )
    return Report(
        month=month,
        **measures(whole, organization, month),
        agents=[
            AgentUsage(row.agent, **measures(row, budgets.get(row.agent_id), month))
            for row in shown
        ],
        agents_total=total,
        days=list(days),
    )


def measures(
    row: UsageMonth | None, holder: Organization | AgentBudget | None, month: date
) -> dict[str, Measure]:
    """Put a row's figures beside the caps of whom it is about."""
    return {
        name: Measure(
            used=getattr(row, name, 0),
            reserved=getattr(row, f"reserved_{name}", 0),
            limit=getattr(holder, f"max_{name}_per_month", UNLIMITED),
            projected=projection(getattr(row, name, 0), month),
        )
        for name in ("messages", "tokens")
    }


def projection(used: int, month: date, now: datetime | None = None) -> int:
    """Go on to the month's end at the pace so far; a past month has ended."""
    now = (now or timezone.now()).astimezone(UTC)
    days = calendar.monthrange(month.year, month.month)[1]
    if now.date() > _last_day(month):
        return used
    begin = datetime.combine(month, time.min, tzinfo=UTC)
    elapsed = (now - begin) / timedelta(days=1)
    # One busy hour on the first says little about a month: a day at least.
    return max(used, round(used * days / max(elapsed, 1.0)))


def _last_day(month: date) -> date:
    return month.replace(day=calendar.monthrange(month.year, month.month)[1])


def as_csv(organization: Organization, month: date) -> Iterator[str]:
    """Write every day of every agent, safe for spreadsheets."""
    rows = (
        UsageDay.objects.filter(
            organization=organization, day__gte=month, day__lte=_last_day(month)
        )
        .order_by("day", "agent__name", "kind")
        .values_list(
            "day", "agent__public_id", "agent__name", "kind", "messages", "tokens"
        )
    )
    # Read at once: no cursor stays open while a client takes its time.
    return csv_lines(CSV_HEADER, list(rows))
