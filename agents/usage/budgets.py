"""Hold tokens and messages before a model is called, and settle what it took.

One conditional UPDATE a row is the guard: PostgreSQL compares with the row as it
is at that moment, so that no number of requests at once gets past a cap. What
cannot be held is refused, and without the database nothing is held.
"""

from datetime import UTC, date, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Greatest
from django.utils import timezone

from accounts.audit import log as audit
from accounts.errors import DomainError, Invalid
from accounts.models.audit import AuditAction
from accounts.models.lifecycle import WorkStatus
from accounts.models.organizations import UNLIMITED, Organization
from accounts.models.users import User
from agents.llm import prompt
from agents.llm.prompt import MAX_CONTEXT_TOKENS
from agents.models.agents import Agent
from agents.models.replies import Reply
from agents.models.usage import (
    AgentBudget,
    Reservation,
    UsageDay,
    UsageKind,
    UsageMonth,
    resets_at,
    this_month,
)
from agents.models.versions import AgentVersion
from agents.usage import notifications

# What is said to people; figures are for programs and members.
POLITE = "This agent has answered all it may this month. Please come back later."
# Long enough for the slowest answer of a living worker.
HOLD_SECONDS = 900
LARGEST_CAP = 10**12


class BudgetExceeded(DomainError):
    """The month's tokens or messages are used up; nothing was asked of a model."""

    status = 403
    code = "budget-exceeded"
    detail = POLITE

    def __init__(
        self, organization: Organization, row: UsageMonth, caps: tuple[int, int]
    ) -> None:
        messages_used = row.messages + row.reserved_messages
        tokens_used = row.tokens + row.reserved_tokens
        by_messages = caps[0] != UNLIMITED and messages_used >= caps[0]
        self.organization = organization
        super().__init__(
            budget="messages" if by_messages else "tokens",
            of="agent" if row.agent_id else "organization",
            limit=caps[0] if by_messages else caps[1],
            used=messages_used if by_messages else tokens_used,
            resets_at=resets_at(row.month).isoformat().replace("+00:00", "Z"),
        )


def tokens_needed(version: AgentVersion | None, question: str) -> int:
    """Bound what one answer can cost, from above."""
    config = version.config if version else {}
    longest = config.get("max_tokens", 1000)
    return MAX_CONTEXT_TOKENS + longest + prompt.question_tokens(question)


@transaction.atomic
def reserve(
    *,
    agent: Agent,
    kind: UsageKind,
    tokens: int,
    messages: int = 1,
    reply: Reply | None = None,
) -> Reservation:
    """Hold messages and tokens of this month. Raises BudgetExceeded."""
    month = this_month()
    # Custody tests cost tokens; the messages are the visitors'.
    counted = 0 if kind == UsageKind.CUSTODY else messages
    organization = Organization.objects.get(pk=agent.organization_id)
    _hold_twice(organization, agent, month, counted, tokens)
    return Reservation.objects.create(
        organization=organization,
        agent=agent,
        reply=reply,
        month=month,
        kind=kind,
        messages=messages,
        tokens=tokens,
        expires_at=timezone.now() + timedelta(seconds=HOLD_SECONDS),
    )


def reserve_for_reply(reply: Reply, agent: Agent, question: str) -> Reservation:
    """Hold what the answer to a question may cost. Raises BudgetExceeded."""
    tokens = tokens_needed(agent.live_version, question)
    return reserve(agent=agent, kind=UsageKind.CONVERSATION, tokens=tokens, reply=reply)


def hold_more(reply: Reply, *, spent: int) -> None:
    """Hold for another attempt as much as the one that failed took.

    Raises BudgetExceeded.
    """
    if not spent:
        return
    with transaction.atomic():
        held = Reservation.objects.select_related("agent", "organization")
        if reservation := held.filter(reply=reply).first():
            whose = (reservation.organization, reservation.agent, reservation.month)
            _hold_twice(*whose, 0, spent)
            Reservation.objects.filter(pk=reservation.pk).update(
                spent=F("spent") + spent, tokens=F("tokens") + spent
            )


def caps_of(holder: Organization | AgentBudget | None) -> tuple[int, int]:
    """Return the most messages and tokens a month."""
    if holder is None:
        return UNLIMITED, UNLIMITED
    return holder.max_messages_per_month, holder.max_tokens_per_month


def _hold_twice(
    organization: Organization, agent: Agent, month: date, messages: int, tokens: int
) -> None:
    """Hold in the organization's month and in the agent's, in this order."""
    own = caps_of(AgentBudget.objects.filter(pk=agent.pk).first())
    for owner, caps in ((None, caps_of(organization)), (agent, own)):
        _hold(organization, owner, month, caps, messages, tokens)


def _hold(
    organization: Organization,
    agent: Agent | None,
    month: date,
    caps: tuple[int, int],
    messages: int,
    tokens: int,
) -> None:
    rows = UsageMonth.objects.filter(
        organization=organization, agent=agent, month=month
    )
    with_room = rows.with_room(messages=messages, tokens=tokens, caps=caps)
    more = {
        "reserved_messages": F("reserved_messages") + messages,
        "reserved_tokens": F("reserved_tokens") + tokens,
    }
    if with_room.update(**more):
        return
    first = UsageMonth(organization=organization, agent=agent, month=month)
    UsageMonth.objects.bulk_create([first], ignore_conflicts=True)
    if not with_room.update(**more):
        raise BudgetExceeded(organization, rows.get(), caps)


@transaction.atomic
def settle(
    reservation: Reservation, *, tokens: int, messages: int | None = None
) -> bool:
    """Count what an answer really took; False when that was done already.

    Without a number of messages those that were held are counted.
    """
    messages = reservation.messages if messages is None else messages
    if not _let_go(reservation, messages=messages, tokens=tokens):
        return False
    day = timezone.now().astimezone(UTC).date()
    UsageDay.objects.bulk_create(
        [
            UsageDay(
                organization_id=reservation.organization_id,
                agent_id=reservation.agent_id,
                day=day,
                kind=reservation.kind,
            )
        ],
        ignore_conflicts=True,
    )
    UsageDay.objects.filter(
        organization=reservation.organization_id,
        agent=reservation.agent_id,
        day=day,
        kind=reservation.kind,
    ).update(messages=F("messages") + messages, tokens=F("tokens") + tokens)
    notifications.warn_early(reservation)
    return True


@transaction.atomic
def release(reservation: Reservation) -> bool:
    """Give back what was held for an answer that never came."""
    return _let_go(reservation, messages=0, tokens=0)


def _let_go(reservation: Reservation, *, messages: int, tokens: int) -> bool:
    # Deleting comes first: whoever deletes the row is the one who counts.
    if not Reservation.objects.filter(pk=reservation.pk).delete()[0]:
        return False
    is_custody = reservation.kind == UsageKind.CUSTODY
    held = 0 if is_custody else reservation.messages
    changes = {
        "messages": F("messages") + (0 if is_custody else messages),
        "tokens": F("tokens") + tokens,
        "reserved_messages": Greatest(F("reserved_messages") - held, 0),
        "reserved_tokens": Greatest(F("reserved_tokens") - reservation.tokens, 0),
    }
    month = UsageMonth.objects.filter(
        organization=reservation.organization_id, month=reservation.month
    )
    # In the order in which they were locked to hold them.
    month.filter(agent=None).update(**changes)
    month.filter(agent=reservation.agent_id).update(**changes)
    return True


def settle_reply(reply: Reply, *, tokens: int | None) -> None:
    """Settle what a reply held, or release it where there was no answer."""
    reservation = Reservation.objects.filter(reply=reply).first()
    if reservation is None:
        return
    if tokens is None:
        give_up_reply(reply)
    else:
        # What failed attempts took before was spent all the same.
        settle(reservation, tokens=reservation.spent + tokens)


def give_up_reply(reply: Reply, *, tokens: int = 0) -> None:
    """Count what a reply without an answer took, and release the rest."""
    reservation = Reservation.objects.filter(reply=reply).first()
    if reservation is None:
        return
    if spent := reservation.spent + tokens:
        settle(reservation, tokens=spent, messages=0)
    else:
        release(reservation)


def release_overdue(limit: int = 200) -> int:
    """Release what dead workers left held; return how many."""
    unfinished = Reply.objects.filter(
        pk=OuterRef("reply"), status__in=[WorkStatus.PENDING, WorkStatus.RUNNING]
    )
    overdue = Reservation.objects.filter(
        Q(reply=None) | ~Exists(unfinished), expires_at__lt=timezone.now()
    )
    return sum(release(each) for each in overdue.order_by("expires_at")[:limit])


@transaction.atomic
def set_caps(
    *,
    agent: Agent,
    actor: User | None,
    max_messages_per_month: int | None = None,
    max_tokens_per_month: int | None = None,
) -> AgentBudget:
    """Set an agent's own caps; -1 is none. Raises Invalid."""
    asked: dict[str, Any] = {
        "max_messages_per_month": max_messages_per_month,
        "max_tokens_per_month": max_tokens_per_month,
    }
    wanted = {name: cap for name, cap in asked.items() if cap is not None}
    for name, cap in wanted.items():
        most = 2**31 - 1 if name.startswith("max_messages") else LARGEST_CAP
        if not UNLIMITED <= cap <= most:
            raise Invalid(f"-1, or 0 to {most:,}.", pointer=f"/{name}")
    AgentBudget.objects.get_or_create(agent=agent)
    budget = AgentBudget.objects.select_for_update(no_key=True).get(pk=agent.pk)
    before = {name: getattr(budget, name) for name in asked}
    for name, cap in wanted.items():
        setattr(budget, name, cap)
    budget.save(update_fields=[*wanted, "updated_at"])
    audit.record(
        action=AuditAction.UPDATE,
        resource_type="agent_budget",
        resource_id=agent.public_id,
        organization_id=agent.organization_id,
        actor=actor,
        changes=audit.difference(before, before | wanted),
    )
    return budget
