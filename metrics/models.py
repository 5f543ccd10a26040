"""The scoreboard (a row an agent type) and the ledger it is computed from."""

from django.contrib.postgres.functions import RandomUUID
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Now

from accounts.models.lifecycle import new_id
from accounts.models.organizations import Organization

AGENT_TYPE = RegexValidator(
    r"\A[a-z0-9][a-z0-9_-]{0,49}\Z",
    "Use 1 to 50 lower-case letters, digits, - and _, starting with a letter or digit.",
)


class Difficulty(models.TextChoices):
    BASIC = "basic"
    INTERMEDIATE = "intermediate"
    ADVANCED = "advanced"
    EXPERT = "expert"
    MASTER = "master"
    LEGENDARY = "legendary"


class Status(models.TextChoices):
    IDLE = "idle"
    LEARNING = "learning"
    TESTING = "testing"
    SUCCESS = "success"
    FAILED = "failed"
    PAUSED = "paused"


class Priority(models.TextChoices):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


def _number(default: float, field=models.IntegerField):
    return field(default=default, db_default=default)


def _json_list():
    return models.JSONField(
        default=list, db_default=Value([], models.JSONField()), blank=True
    )


class AgentMetricsQuerySet(models.QuerySet):
    def for_organization(self, organization):
        return self.filter(organization=organization)

    def current(self):
        """Rows of living agents."""
        return self.filter(retired_at=None)


class AgentMetrics(models.Model):
    """What one agent type has achieved; a projection of the ledger."""

    id = models.UUIDField(primary_key=True, db_default=RandomUUID(), editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="agent_metrics"
    )
    agent_id = models.CharField(max_length=100)
    agent_type = models.CharField(max_length=50, validators=[AGENT_TYPE])

    learning_score = _number(0.0, models.FloatField)
    success_rate = _number(0.0, models.FloatField)
    failure_rate = _number(0.0, models.FloatField)
    pass_rate = _number(0.0, models.FloatField)
    total_learning_cycles = _number(0)

    xp = _number(0)
    level = _number(1)
    prestige = _number(0)

    current_difficulty = models.CharField(
        max_length=20,
        choices=Difficulty,
        default=Difficulty.BASIC,
        db_default=Difficulty.BASIC,
    )
    total_tests_given = _number(0)
    total_tests_passed = _number(0)
    total_tests_failed = _number(0)
    consecutive_successes = _number(0)
    consecutive_failures = _number(0)
    last_test_date = models.DateTimeField(null=True, blank=True)
    test_history = _json_list()
    custody_level = _number(1)
    custody_xp = _number(0)
    adversarial_wins = _number(0)

    learning_patterns = _json_list()
    improvement_suggestions = _json_list()

    status = models.CharField(
        max_length=20, choices=Status, default=Status.IDLE, db_default=Status.IDLE
    )
    is_active = models.BooleanField(default=True, db_default=True)
    priority = models.CharField(
        max_length=20,
        choices=Priority,
        default=Priority.MEDIUM,
        db_default=Priority.MEDIUM,
    )
    capabilities = models.JSONField(null=True, blank=True)
    config = models.JSONField(null=True, blank=True)

    created_at = models.DateTimeField(auto_now_add=True, db_default=Now())
    updated_at = models.DateTimeField(auto_now=True, db_default=Now())
    retired_at = models.DateTimeField(null=True, blank=True, editable=False)
    # The number of ledger events this row already contains.
    events = models.BigIntegerField(default=0, db_default=0, editable=False)

    objects = AgentMetricsQuerySet.as_manager()

    class Meta:
        db_table = "agent_metrics"
        verbose_name_plural = "agent metrics"
        ordering = ["created_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "agent_type"], name="uq_agent_metrics_type"
            ),
            models.CheckConstraint(
                condition=Q(
                    total_tests_given=F("total_tests_passed") + F("total_tests_failed")
                ),
                name="ck_agent_metrics_counts_add_up",
            ),
            models.CheckConstraint(
                condition=Q(
                    success_rate__range=(0, 1),
                    failure_rate__range=(0, 1),
                    pass_rate__range=(0, 1),
                ),
                name="ck_agent_metrics_rates",
            ),
            models.CheckConstraint(
                condition=Q(
                    learning_score__gte=0,
                    total_learning_cycles__gte=0,
                    xp__gte=0,
                    level__gte=1,
                    prestige__gte=0,
                    total_tests_passed__gte=0,
                    total_tests_failed__gte=0,
                    consecutive_successes__gte=0,
                    consecutive_failures__gte=0,
                    custody_level__gte=1,
                    custody_xp__gte=0,
                    adversarial_wins__gte=0,
                ),
                name="ck_agent_metrics_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return self.agent_type


class EventKind(models.TextChoices):
    CUSTODY_TEST = "custody_test"
    LEARNING = "learning"
    PUT = "put"
    BULK_UPDATE = "bulk_update"
    RESET = "reset"


class MetricEvent(models.Model):
    """One append-only ledger entry; replaying them in order gives the scoreboard."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="metric_events"
    )
    metrics = models.ForeignKey(
        AgentMetrics, on_delete=models.CASCADE, related_name="ledger", db_index=False
    )
    sequence = models.BigIntegerField()
    kind = models.CharField(max_length=20, choices=EventKind)
    source = models.CharField(max_length=20, default="api")
    payload = models.JSONField(default=dict)
    occurred_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True, db_default=Now())
    idempotency_key = models.CharField(max_length=255, null=True, blank=True)
    request_fingerprint = models.CharField(max_length=64, default="", blank=True)
    # What the first request was answered, for its repetitions.
    response = models.JSONField(null=True, blank=True)

    class Meta:
        db_table = "metric_events"
        constraints = [
            models.UniqueConstraint(
                fields=["metrics", "sequence"], name="uq_metric_events_sequence"
            ),
            models.UniqueConstraint(
                fields=["organization", "idempotency_key"],
                condition=Q(idempotency_key__isnull=False),
                name="uq_metric_events_idempotency_key",
            ),
        ]
        indexes = [
            models.Index(
                fields=["organization", "occurred_at"], name="ix_metric_events_time"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.sequence}"
