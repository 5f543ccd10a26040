from django.db import models
from django.db.models import Q

from accounts.models.lifecycle import TimeStamped
from accounts.models.organizations import Organization

LONGEST_DAYS = 3650


class RetentionPolicy(TimeStamped):
    """How long an organization keeps its conversations; without days, for good."""

    organization = models.OneToOneField(
        Organization,
        on_delete=models.CASCADE,
        related_name="retention",
        primary_key=True,
    )
    days = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        db_table = "retention_policies"
        constraints = [
            models.CheckConstraint(
                condition=Q(days=None) | Q(days__gte=1, days__lte=LONGEST_DAYS),
                name="ck_retention_days",
            )
        ]

    def __str__(self) -> str:
        return f"{self.organization_id}: {self.days or 'for good'}"
