"""The scoreboard (a row an agent type) and the ledger it is computed from."""

from django.contrib.postgres.functions import RandomUUID
from django.core.validators import RegexValidator
from django.db import connections, models, router
from django.db.models import F, Q, Value
from django.db.models.functions import Now

from accounts.models.lifecycle import new_id
from accounts.models.organizations import Organization

# What an INTEGER column holds at most.
MAX_COUNT = 2_147_483_647
# Names of agent types that are paths of the API.
RESERVED_TYPES = frozenset({"analytics", "bulk-update", "leaderboard"})

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

    def of_agent(self, agent_id):
        """Rows of the one agent a key is bound to; None stands for no bound."""
        return self if agent_id is None else self.filter(agent_id=str(agent_id))

    def oldest_first(self):
        return self.order_by("created_at", "id")

    def best_first(self):
        return self.order_by("-level", "-xp", "agent_type")

    def without_lists(self):
        """Leave the long JSON columns where they are."""
        return self.defer(
            "test_history",
            "learning_patterns",
            "improvement_suggestions",
            "capabilities",
            "config",
        )

    def locked(self):
        """Lock in one order for everyone, so that no two wait for each other."""
        return self.select_for_update(no_key=True).order_by("agent_type")

    def open(self, organization, agents):
        """Insert the missing rows of {agent_type: agent_id}; return their types.

        The database fills in the defaults, and alone knows who came first.
        """
        types = sorted(agents)
        with connections[router.db_for_write(self.model)].cursor() as cursor:
            cursor.execute(
                "INSERT INTO agent_metrics (organization_id, agent_type, agent_id) "
                "SELECT %s, * FROM unnest(%s::text[], %s::text[]) "
                "ON CONFLICT (organization_id, agent_type) DO NOTHING "
                "RETURNING agent_type",
                [organization.pk, types, [agents[name] for name in types]],
            )
            return {row[0] for row in cursor.fetchall()}


class AgentMetrics(models.Model):
    """What one agent type has achieved; a projection of the ledger."""

    id = models.UUIDField(primary_key=True, db_default=RandomUUID(), editable=False)
    # The unique constraint's index begins with it.
    organization = models.ForeignKey(
        Organization,
        on_delete=models.CASCADE,
        related_name="agent_metrics",
        db_index=False,
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
        indexes = [
            # The leaderboard's first page, however many agent types there are.
            models.Index(
                fields=["organization", "-level", "-xp", "agent_type"],
                condition=Q(retired_at=None),
                name="ix_agent_metrics_ranking",
            ),
            # Rows are wide with their test histories. What overviews add up and
            # rankings show is in the index itself, so that it alone is read.
            models.Index(
                fields=["organization", "created_at", "id"],
                include=[
                    "agent_type",
                    "agent_id",
                    "level",
                    "xp",
                    "prestige",
                    "custody_level",
                    "custody_xp",
                    "current_difficulty",
                    "total_tests_given",
                    "total_tests_passed",
                    "total_tests_failed",
                    "pass_rate",
                    "learning_score",
                    "adversarial_wins",
                    "consecutive_successes",
                    "consecutive_failures",
                    "status",
                    "priority",
                    "is_active",
                    "last_test_date",
                ],
                condition=Q(retired_at=None),
                name="ix_agent_metrics_shown",
            ),
        ]
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


class Source(models.TextChoices):
    """Who recorded an event. Only the platform's own runs count for the badge."""

    API = "api"
    DASHBOARD = "dashboard"
    CUSTODY_RUN = "custody_run"
    OPTIMIZER = "optimizer"
    MIGRATION = "migration"
    DEMO = "demo"


class MetricEventQuerySet(models.QuerySet):
    def for_organization(self, organization):
        return self.filter(organization=organization)

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
