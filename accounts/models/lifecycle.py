"""What many rows share: times, soft delete, idempotent creation, leased work."""

import hashlib
import json
from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone
from uuid_utils.compat import uuid7

from accounts.errors import KeyReused


def new_id():
    """Return a time-ordered id (UUIDv7)."""
    return uuid7()


class OfOrganization(models.QuerySet):
    def for_organization(self, organization):
        return self.filter(organization=organization)


class TimeStamped(models.Model):
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True


class SoftDeleteQuerySet(models.QuerySet):
    def alive(self):
        return self.filter(deleted_at=None)

    def deleted(self):
        return self.exclude(deleted_at=None)

    def to_be_erased(self):
        """Rows deleted so long ago that nobody may have them back."""
        days = settings.ERASE_AFTER_DAYS
        if days < 0:
            return self.none()
        return self.filter(deleted_at__lte=timezone.now() - timedelta(days=days))


class AliveManager(models.Manager.from_queryset(SoftDeleteQuerySet)):
    """Hide deleted rows; `all_objects` shows them."""

    def get_queryset(self):
        return super().get_queryset().filter(deleted_at=None)


class SoftDeleted(models.Model):
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = AliveManager()
    all_objects = SoftDeleteQuerySet.as_manager()

    class Meta:
        abstract = True
        base_manager_name = "all_objects"

    @property
    def is_deleted(self) -> bool:
        return self.deleted_at is not None

    @property
    def kept_until(self) -> datetime | None:
        """When a deleted person or organization is erased; None for never."""
        if self.deleted_at is None or settings.ERASE_AFTER_DAYS < 0:
            return None
        return self.deleted_at + timedelta(days=settings.ERASE_AFTER_DAYS)

    def soft_delete(self) -> None:
        """Hide the row; a second call keeps the first moment."""
        if self.deleted_at is None:
            self.deleted_at = timezone.now()
            self.save(update_fields=["deleted_at"])

    def restore(self) -> None:
        """Show the row again. Limits are rechecked by the domain function above it."""
        self.deleted_at = None
        self.save(update_fields=["deleted_at"])


def request_fingerprint(body: object) -> str:
    """Return the SHA-256 (64 hex digits) of a request body in canonical form."""
    canonical = json.dumps(
        body, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str
    )
    return hashlib.sha256(canonical.encode()).hexdigest()


class Idempotent(models.Model):
    """A row that a repeated key finds again.

    The unique constraint's scope differs from model to model, so each model
    states its own in `Meta.constraints` (which replaces an inherited list).
    """

    idempotency_key = models.CharField(
        max_length=255, null=True, blank=True, editable=False
    )
    request_fingerprint = models.CharField(
        max_length=64, default="", blank=True, editable=False
    )

    class Meta:
        abstract = True

    def check_same_request(self, fingerprint: str) -> None:
        """Raise KeyReused if this row came from another body."""
        if self.request_fingerprint != fingerprint:
            raise KeyReused


class WorkStatus(models.TextChoices):
    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


def unfinished(name: str) -> models.Index:
    """Return the index of leased work that finds what is still to be done."""
    is_unfinished = models.Q(status__in=["pending", "running"])
    return models.Index(fields=["run_after"], condition=is_unfinished, name=name)


class LeasedWork(models.Model):
    """A job whose row is the truth; a queued task is only a nudge to look at it."""

    # The task that does it, and the queue of that task.
    task: str
    queue: str
    # How many of an organization's are done at once, of those that `is_heavy` selects;
    # None for as many as there are places.
    most_at_once: int | None = None
    is_heavy = models.Q()
    # Whether it is due a while after it was made, and nobody sends it before.
    begins_later = False
    # How a query comes from a row to its organization, whose deletion lets it wait.
    organization_path: str

    status = models.CharField(
        max_length=10, choices=WorkStatus, default=WorkStatus.PENDING
    )
    attempt = models.PositiveIntegerField(default=0)
    # How often it was taken since an attempt last ended as it should.
    claims = models.PositiveSmallIntegerField(default=0, db_default=0)
    run_after = models.DateTimeField(default=timezone.now)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(default="", blank=True)

    class Meta:
        abstract = True

    @property
    def is_finished(self) -> bool:
        return self.status in (WorkStatus.DONE, WorkStatus.FAILED)

    @property
    def is_held(self) -> bool:
        """Whether an attempt is at it whose lease has not run out."""
        is_running = self.status == WorkStatus.RUNNING
        return is_running and self.lease_expires_at > timezone.now()
