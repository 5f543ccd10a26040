"""The ledger: everything scoreboards are computed from."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models.lifecycle import OfOrganization, new_id
from accounts.models.organizations import Organization
from metrics.models.boards import AgentMetrics


class EventKind(models.TextChoices):
    CUSTODY_TEST = "custody_test"
    LEARNING = "learning"
    PUT = "put"
    BULK_UPDATE = "bulk_update"
    RESET = "reset"


class Source(models.TextChoices):
    """Who recorded an event. Only the platform's own runs count for the badge."""

    API = "api"
    DASHBOARD = "dashboard"
    CUSTODY_RUN = "custody_run"
    OPTIMIZER = "optimizer"
    MIGRATION = "migration"
    DEMO = "demo"


class MetricEventQuerySet(OfOrganization):
    def tests(self):
        return self.filter(passed__isnull=False)

    def newest_first(self):
        """Order one agent type's events; dense numbers make any page cheap."""
        return self.order_by("-sequence")


class MetricEvent(models.Model):
    """One append-only ledger entry; replaying them in order gives the scoreboard.

    The payload alone is replayed. The columns beside it are what it came to, for
    questions about many events; a replay checks them too.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey(
        Organization,
        on_delete=models.CASCADE,
        related_name="metric_events",
        db_index=False,
    )
    metrics = models.ForeignKey(
        AgentMetrics, on_delete=models.CASCADE, related_name="ledger", db_index=False
    )
    sequence = models.BigIntegerField()
    kind = models.CharField(max_length=20, choices=EventKind)
    source = models.CharField(max_length=20, choices=Source, default=Source.API)
    payload = models.JSONField(default=dict)
    passed = models.BooleanField(null=True)
    score = models.FloatField(null=True)
    difficulty = models.CharField(max_length=20, default="", blank=True)
    xp_change = models.IntegerField(default=0)
    occurred_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True, db_default=Now())
    idempotency_key = models.CharField(max_length=255, null=True, blank=True)
    request_fingerprint = models.CharField(max_length=64, default="", blank=True)
    # What the first request was answered, for its repetitions; as text, because
    # JSONB does not keep the order of keys.
    response = models.TextField(default="", blank=True)

    objects = MetricEventQuerySet.as_manager()

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
            # What the curves add up is in the index itself.
            models.Index(
                fields=["organization", "occurred_at"],
                include=["metrics", "passed", "xp_change"],
                name="ix_metric_events_time",
            ),
            models.Index(
                fields=["metrics", "occurred_at"],
                include=["passed", "xp_change"],
                name="ix_metric_events_agent_time",
            ),
            models.Index(
                fields=["metrics", "sequence"],
                condition=Q(kind="reset"),
                name="ix_metric_events_resets",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.sequence}"
