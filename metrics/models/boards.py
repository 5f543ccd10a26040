"""The scoreboard: a row an agent type, computed from the ledger."""

from django.contrib.postgres.functions import RandomUUID
from django.core.validators import RegexValidator
from django.db import connections, models, router
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Now

from accounts.insertion import Beside
from accounts.models.lifecycle import OfOrganization
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


LOW_PASS_RATE = 0.85
MANY_FAILURES = 2
MANY_SUCCESSES = 5
# What overviews add up and rankings show.
IN_OVERVIEWS = (
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
)
# Why there is something to say about an agent type, in the order of urgency.
REASONS: dict[str, Q] = {
    "failing": Q(consecutive_failures__gt=MANY_FAILURES),
    "low_pass_rate": Q(total_tests_given__gt=0, pass_rate__lt=LOW_PASS_RATE),
    "untested": Q(total_tests_given=0),
    "ready_for_more": Q(consecutive_successes__gt=MANY_SUCCESSES),
}


class AgentMetricsQuerySet(OfOrganization):
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

    def most_urgent_first(self):
        """Those there is something to say about, the worst first."""
        notable = self.filter(urgency__isnull=False)
        return notable.order_by("urgency", "pass_rate", "agent_type")

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

    def opening(self, organization, agent_type, agent_id):
        """Insert one row unless its type has one, beside other rows."""
        return Beside(
            "INSERT INTO agent_metrics (organization_id, agent_type, agent_id)"
            " VALUES (%s, %s, %s)"
            " ON CONFLICT (organization_id, agent_type) DO NOTHING RETURNING id",
            (organization.pk, agent_type, agent_id),
        )


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
    # The place of its reason in REASONS, or null: the database works it out.
    urgency = models.GeneratedField(
        expression=Case(
            *(When(reason, then=place) for place, reason in enumerate(REASONS.values()))
        ),
        output_field=models.SmallIntegerField(null=True),
        db_persist=True,
    )
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
            models.Index(
                fields=["organization", "urgency", "pass_rate", "agent_type"],
                condition=Q(retired_at=None, urgency__isnull=False),
                name="ix_agent_metrics_urgency",
            ),
            # Rows are wide with their test histories. What overviews add up and
            # rankings show is in the index itself, so that it alone is read.
            models.Index(
                fields=["organization", "created_at", "id"],
                include=IN_OVERVIEWS,
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
