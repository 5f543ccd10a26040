"""What an organization's agent types come to together."""

from django.db import models

from accounts.models.organizations import Organization
from metrics.models.boards import Difficulty, Status

# The columns of the scoreboards that are added up, by their own names.
ADDED_UP = (
    "learning_score",
    "xp",
    "level",
    "custody_xp",
    "custody_level",
    "total_tests_given",
    "total_tests_passed",
    "total_tests_failed",
    "adversarial_wins",
)
# And for which groups of them.
GROUPED_BY = ("current_difficulty", "status", "is_active")


class MetricsTotal(models.Model):
    """A part of the sums over an organization's living agent types.

    Kept by a trigger on the scoreboards (migration 0006): each transaction adds what
    it changed to a part that no other one holds at that moment, so that no result
    waits for another's. A part alone means nothing and may be negative; together
    they are exact.
    """

    # The database deletes the parts with their organization, after its scoreboards.
    organization = models.ForeignKey(
        Organization,
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    current_difficulty = models.CharField(max_length=20, choices=Difficulty)
    status = models.CharField(max_length=20, choices=Status)
    is_active = models.BooleanField()
    agents = models.BigIntegerField()
    # Decimal: what was added and taken away again must leave nothing.
    learning_score = models.DecimalField(max_digits=60, decimal_places=10)
    xp = models.BigIntegerField()
    level = models.BigIntegerField()
    custody_xp = models.BigIntegerField()
    custody_level = models.BigIntegerField()
    total_tests_given = models.BigIntegerField()
    total_tests_passed = models.BigIntegerField()
    total_tests_failed = models.BigIntegerField()
    adversarial_wins = models.BigIntegerField()

    class Meta:
        db_table = "agent_metrics_totals"
        ordering = ["id"]
        indexes = [
            models.Index(
                fields=["organization", *GROUPED_BY],
                name="ix_agent_metrics_totals_group",
            )
        ]

    def __str__(self) -> str:
        return f"{self.current_difficulty}, {self.status}: {self.agents}"
