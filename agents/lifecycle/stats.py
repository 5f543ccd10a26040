"""What agents have done in all: counted when asked, and kept for lists."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max, Q, Sum
from django.utils import timezone

from agents.models.agents import Agent
from agents.models.feedback import Rating, RatingValue
from agents.models.sessions import Session
from agents.models.stats import AgentStats

RECENT = timedelta(days=28)
# Counted again while they are used, and once a day for what grows old.
USED = timedelta(minutes=10)
OLD = timedelta(days=1)
BATCH = 500
MOST = 5_000
FIELDS = (
    "total_conversations",
    "total_messages",
    "total_documents",
    "recent_conversations",
    "last_used_at",
)


def get_agent_stats(agent: Agent) -> dict[str, Any]:
    """Count what an agent has done until now, in three queries.

    Recent conversations are those begun within 28 days; ratings are all there are.
    """
    (row,) = _count([agent.pk], timezone.now())
    counted = {name: getattr(row, name) for name in FIELDS}
    rated = Rating.objects.filter(session__agent_ref=agent, session__deleted_at=None)
    ratings = rated.aggregate(
        ratings_up=Count("pk", filter=Q(value=RatingValue.UP)),
        ratings_down=Count("pk", filter=Q(value=RatingValue.DOWN)),
    )
    return {"agent_id": agent.public_id} | counted | ratings


def update_agent_stats_batch(agent_ids: Iterable[int]) -> int:
    """Count many agents and keep the result, in three queries; return how many.

    Agents that do not exist are left out. May run twice, or beside another.
    """
    rows = _count(sorted(set(agent_ids)), timezone.now())
    AgentStats.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["agent"],
        update_fields=[*FIELDS, "counted_at"],
    )
    return len(rows)


def update_outdated_stats() -> int:
    """Count again the agents that were used lately or counted long ago."""
    agents = _outdated(timezone.now())
    return sum(
        update_agent_stats_batch(agents[start : start + BATCH])
        for start in range(0, len(agents), BATCH)
    )


def _count(agent_ids: list[int], now: datetime) -> list[AgentStats]:
    conversations = (
        Session.objects.filter(agent_ref__in=agent_ids)
        .order_by()
        .values("agent_ref")
        .annotate(
            number=Count("pk"),
            messages=Sum("total_messages"),
            recent=Count("pk", filter=Q(created_at__gte=now - RECENT)),
            last=Max("last_activity_at"),
        )
    )
    held = {line["agent_ref"]: line for line in conversations}
    nothing = {"number": 0, "messages": 0, "recent": 0, "last": None}
    documents = (
        Agent.all_objects.filter(pk__in=agent_ids)
        .order_by("pk")
        .values_list("pk")
        .annotate(number=Count("knowledge_pack__documents"))
    )
    rows = []
    for pk, number in documents:
        line = held.get(pk, nothing)
        rows.append(
            AgentStats(
                agent_id=pk,
                total_conversations=line["number"],
                total_messages=line["messages"],
                total_documents=number,
                recent_conversations=line["recent"],
                last_used_at=line["last"],
                counted_at=now,
            )
        )
    return rows


def _outdated(now: datetime) -> list[int]:
    used = Session.objects.filter(
        last_activity_at__gte=now - USED, agent_ref__isnull=False
    )
    old = Agent.objects.filter(
        Q(stats=None) | Q(stats__counted_at__lt=now - OLD)
    ).order_by("stats__counted_at", "pk")
    found = list(used.order_by().values_list("agent_ref", flat=True).distinct()[:MOST])
    return sorted({*found, *old.values_list("pk", flat=True)[: MOST - len(found)]})
