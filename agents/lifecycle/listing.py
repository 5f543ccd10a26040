"""What the dashboard's pages show of agents, in a fixed number of queries."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, F, Q, QuerySet
from django.db.models.functions import TruncDate
from django.utils import timezone

from accounts.models.organizations import Organization
from agents.models.agents import Agent, OptimizationStatus
from agents.models.feedback import Rating, RatingValue
from agents.models.sessions import Message, MessageRole, Session
from agents.models.versions import OptimizationRun
from metrics.models import AgentMetrics

PERIOD = timedelta(days=28)
IMPROVING = (OptimizationStatus.PENDING, OptimizationStatus.RUNNING)
STATES = {
    "answering": Q(is_active=True),
    "paused": Q(is_active=False),
    "improving": Q(optimization_status__in=IMPROVING),
}
ORDERS = {
    "newest": ("-created_at", "-id"),
    "changed": ("-updated_at", "-id"),
    "name": ("name", "id"),
    "used": (F("stats__recent_conversations").desc(nulls_last=True), "-id"),
}


@dataclass
class Row:
    """One line of the agent list."""

    agent: Agent
    metrics: AgentMetrics | None
    conversations: int

    @property
    def level(self) -> int:
        return self.metrics.level if self.metrics else 1

    @property
    def level_share(self) -> float:
        return level_share(self.metrics)


def level_share(metrics: AgentMetrics | None) -> float:
    """Say how much of the way to the next level is done."""
    if metrics is None:
        return 0.0
    step = settings.METRICS_XP_PER_LEVEL
    return metrics.xp % step / step


def state_counts(organization: Organization) -> dict[str, int]:
    """Count the living agents, in all and by state."""
    agents = Agent.objects.for_organization(organization)
    return agents.aggregate(
        all=Count("pk"),
        **{name: Count("pk", filter=condition) for name, condition in STATES.items()},
    )


def find_agents(
    organization: Organization,
    *,
    words: str = "",
    state: str = "",
    persona: str = "",
    order: str = "",
) -> QuerySet[Agent]:
    """Find agents by name or id, state and persona."""
    agents = Agent.objects.for_organization(organization).with_details()
    if words:
        agents = agents.filter(name__icontains=words) | agents.filter(
            public_id__in=_as_ids(words)
        )
    if state in STATES:
        agents = agents.filter(STATES[state])
    if persona:
        agents = agents.filter(persona__key=persona)
    return agents.order_by(*ORDERS.get(order, ORDERS["newest"]))


def _as_ids(words: str) -> list[str]:
    digits = words.replace("-", "").lower()
    is_id = len(digits) == 32 and set(digits) <= set("0123456789abcdef")
    return [digits] if is_id else []


def rows(organization: Organization, agents: Iterable[Agent]) -> list[Row]:
    """Put the figures beside the agents of one page."""
    agents = list(agents)
    boards = AgentMetrics.objects.for_organization(organization).filter(
        agent_type__in=[agent.slug for agent in agents]
    )
    metrics = {board.agent_type: board for board in boards}
    counted = (
        Session.objects.filter(
            agent_ref__in=[agent.pk for agent in agents],
            created_at__gte=timezone.now() - PERIOD,
        )
        .order_by()
        .values("agent_ref")
        .annotate(number=Count("pk"))
    )
    conversations = {line["agent_ref"]: line["number"] for line in counted}
    return [
        Row(agent, metrics.get(agent.slug), conversations.get(agent.pk, 0))
        for agent in agents
    ]


def conversations_per_day(agent: Agent) -> list[tuple[date, int]]:
    """Count the conversations of each of the last 28 days, today included."""
    today = timezone.now().date()
    first = today - PERIOD + timedelta(days=1)
    start = datetime.combine(first, time.min, tzinfo=UTC)
    counted = (
        Session.objects.filter(agent_ref=agent, created_at__gte=start)
        .order_by()
        .annotate(day=TruncDate("created_at"))
        .values_list("day")
        .annotate(number=Count("pk"))
    )
    numbers = dict(counted)
    days = [first + timedelta(days=n) for n in range(PERIOD.days)]
    return [(day, numbers.get(day, 0)) for day in days]


def achievements(agent: Agent) -> dict[str, Any]:
    """Return the figures at the head of an agent's page."""
    board = (
        AgentMetrics.objects.for_organization(agent.organization_id)
        .filter(agent_type=agent.slug)
        .first()
    )
    answers = answers_with_source(agent)
    return {
        "metrics": board,
        "level_share": level_share(board),
        "pass_percent": round(100 * board.pass_rate, 1) if board else 0,
        "answers": answers,
        "ratings": ratings_of(agent),
        "cited_percent": round(100 * answers["cited"] / (answers["answers"] or 1)),
    }


def latest_run(agent: Agent) -> OptimizationRun | None:
    """Return the last improvement of an agent's prompt, finished or not."""
    return agent.optimization_runs.select_related("result_version").first()


def answers_with_source(agent: Agent) -> dict[str, int]:
    """Count the answers of the period, and those that cite a document."""
    return Message.objects.filter(
        session__agent_ref=agent,
        session__deleted_at=None,
        role=MessageRole.ASSISTANT,
        is_superseded=False,
        created_at__gte=timezone.now() - PERIOD,
    ).aggregate(answers=Count("pk"), cited=Count("pk", filter=~Q(citations=[])))


def ratings_of(agent: Agent) -> dict[str, int]:
    """Count what people thought of the answers of the period."""
    counted = {
        value: Count("pk", filter=Q(value=value)) for value in RatingValue.values
    }
    return Rating.objects.filter(
        session__agent_ref=agent,
        session__deleted_at=None,
        updated_at__gte=timezone.now() - PERIOD,
    ).aggregate(**counted)
