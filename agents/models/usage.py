"""What answers cost: per month with a cap, per day for the chart, and what is held."""

from datetime import UTC, date, datetime

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models.lifecycle import TimeStamped, new_id
from accounts.models.organizations import UNLIMITED, Organization
from agents.models.agents import Agent
from agents.models.replies import Reply


class UsageKind(models.TextChoices):
    CONVERSATION = "conversation", "Conversations"
    COMPLETION = "completion", "Completions"
    CUSTODY = "custody", "Custody tests"


def this_month() -> date:
    """Return the first day of the month, by UTC as all days here."""
    return timezone.now().astimezone(UTC).date().replace(day=1)


def month_after(month: date) -> date:
    return (
        month.replace(year=month.year + 1, month=1)
        if month.month == 12
        else month.replace(month=month.month + 1)
    )


def resets_at(month: date) -> datetime:
    """Return the moment a month's figures begin anew."""
    return datetime.combine(month_after(month), datetime.min.time(), tzinfo=UTC)


class AgentBudget(TimeStamped):
    """An agent's own caps, below its organization's; -1 is none of its own."""

    agent = models.OneToOneField(
        Agent, on_delete=models.CASCADE, related_name="budget", primary_key=True
    )
    max_messages_per_month = models.IntegerField(default=UNLIMITED)
    max_tokens_per_month = models.BigIntegerField(default=UNLIMITED)

    class Meta:
        db_table = "agent_budgets"
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    max_messages_per_month__gte=UNLIMITED,
                    max_tokens_per_month__gte=UNLIMITED,
                ),
                name="ck_agent_budgets_caps",
            )
        ]

    def __str__(self) -> str:
        return f"Budget of {self.agent_id}"


class UsageMonthQuerySet(models.QuerySet):
    def with_room(self, *, messages: int, tokens: int, caps: "tuple[int, int]"):
        """Keep the rows that can take so much more; the database compares."""
        most_messages, most_tokens = caps
        rows = self
        if messages and most_messages != UNLIMITED:
            rows = rows.filter(
                messages__lte=most_messages - messages - F("reserved_messages")
            )
        if most_tokens != UNLIMITED:
            rows = rows.filter(tokens__lte=most_tokens - tokens - F("reserved_tokens"))
        return rows


class UsageMonth(models.Model):
    """One month of an agent, or of the whole organization where there is no agent."""

    id = models.BigAutoField(primary_key=True)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    agent = models.ForeignKey(
        Agent, null=True, on_delete=models.CASCADE, related_name="usage_months"
    )
    month = models.DateField()
    messages = models.PositiveIntegerField(default=0)
    tokens = models.PositiveBigIntegerField(default=0)
    # Held for answers that are still to come.
    reserved_messages = models.PositiveIntegerField(default=0)
    reserved_tokens = models.PositiveBigIntegerField(default=0)
    # When the owners were told that most of it is used.
    warned_at = models.DateTimeField(null=True)

    objects = UsageMonthQuerySet.as_manager()

    class Meta:
        db_table = "usage_months"
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "agent", "month"],
                nulls_distinct=False,
                name="uq_usage_months_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m} of {self.agent_id or self.organization_id}"


class UsageDay(models.Model):
    """What one agent used on one day, by what it was used for."""

    id = models.BigAutoField(primary_key=True)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="+")
    day = models.DateField()
    kind = models.CharField(max_length=12, choices=UsageKind)
    messages = models.PositiveIntegerField(default=0)
    tokens = models.PositiveBigIntegerField(default=0)

    class Meta:
        db_table = "usage_days"
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "day", "agent", "kind"],
                name="uq_usage_days_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.day} of {self.agent_id}: {self.kind}"


class Reservation(models.Model):
    """What is held for one answer until it is known what it cost."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="+"
    )
    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="+")
    # A reply that is still to be produced keeps its reservation, however long.
    reply = models.OneToOneField(
        Reply, null=True, on_delete=models.SET_NULL, related_name="reservation"
    )
    month = models.DateField()
    kind = models.CharField(max_length=12, choices=UsageKind)
    messages = models.PositiveIntegerField()
    tokens = models.PositiveBigIntegerField()
    # What attempts that failed have taken already.
    spent = models.PositiveBigIntegerField(default=0, db_default=0)
    expires_at = models.DateTimeField()

    class Meta:
        db_table = "usage_reservations"
        indexes = [models.Index(fields=["expires_at"], name="ix_reservations_expire")]

    def __str__(self) -> str:
        return f"{self.tokens} tokens for {self.agent_id}"
