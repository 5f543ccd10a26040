"""Delete conversations an organization no longer wants to keep, for good."""

import time
from collections.abc import Iterator
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from accounts.audit import log as audit
from accounts.errors import Invalid
from accounts.models.audit import AuditAction
from accounts.models.organizations import Organization
from accounts.models.users import User
from agents.models.retention import LONGEST_DAYS, RetentionPolicy
from agents.models.sessions import Session

# So many conversations go in one transaction, which locks nothing others wait for.
BATCH = 500
MOST_SECONDS = 120


def days_kept(organization: Organization) -> int | None:
    """Return for how many days conversations are kept; None is for good."""
    policy = RetentionPolicy.objects.filter(organization=organization).first()
    return policy.days if policy else None


@transaction.atomic
def set_retention(
    *, organization: Organization, days: int | None, actor: User | None
) -> RetentionPolicy:
    """Set for how many days conversations are kept. Raises Invalid."""
    if days is not None and not 1 <= days <= LONGEST_DAYS:
        raise Invalid(f"1 to {LONGEST_DAYS:,} days.", pointer="/days")
    RetentionPolicy.objects.get_or_create(organization=organization)
    policy = RetentionPolicy.objects.select_for_update(no_key=True).get(
        organization=organization
    )
    before, policy.days = policy.days, days
    policy.save(update_fields=["days", "updated_at"])
    audit.record(
        action=AuditAction.UPDATE,
        resource_type="retention",
        resource_id=organization.pk,
        organization_id=organization.pk,
        actor=actor,
        changes=audit.difference({"days": before}, {"days": days}),
    )
    return policy


def apply_all(seconds: float = MOST_SECONDS) -> int:
    """Delete what is past its time, in every organization; return how many.

    What is left over when the time is up waits for the next run.
    """
    end = time.monotonic() + seconds
    deleted = 0
    policies = RetentionPolicy.objects.filter(days__isnull=False).order_by("pk")
    for policy in list(policies):
        for number in _batches(policy):
            deleted += number
            if time.monotonic() >= end:
                return deleted
    return deleted


def _batches(policy: RetentionPolicy) -> Iterator[int]:
    while number := _delete_batch(policy):
        yield number


@transaction.atomic
def _delete_batch(policy: RetentionPolicy) -> int:
    """Delete the oldest conversations and all that hangs on them."""
    before = timezone.now() - timedelta(days=policy.days)
    outdated = Session.all_objects.filter(
        organization=policy.organization_id, last_activity_at__lt=before
    )
    ids = list(
        outdated.select_for_update(skip_locked=True)
        .order_by("last_activity_at")
        .values_list("pk", flat=True)[:BATCH]
    )
    if not ids:
        return 0
    _, counted = Session.all_objects.filter(pk__in=ids).delete()
    audit.record(
        action=AuditAction.DELETE,
        resource_type="session",
        resource_id="retention",
        organization_id=policy.organization_id,
        metadata={
            "kept_days": policy.days,
            "before": before.isoformat(),
            "deleted": {name.rpartition(".")[2]: n for name, n in counted.items()},
        },
    )
    return len(ids)
