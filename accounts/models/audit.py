"""The audit log: append-only, chained by hash, one chain per organization."""

import hashlib
import json

from django.db import models
from django.utils import timezone

from accounts.models.lifecycle import new_id

# The chain of what belongs to no organization (sign-ins, operators' work).
PLATFORM = 0
# What a row is about that names the rows whose details were erased.
ERASURE = "audit_details"


class AuditAction(models.TextChoices):
    CREATE = "CREATE"
    READ = "READ"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    EXECUTE = "EXECUTE"
    LOGIN = "LOGIN"
    LOGOUT = "LOGOUT"
    FAILED_AUTH = "FAILED_AUTH"


class AuditHead(models.Model):
    """The end of one chain; locked by whoever appends."""

    organization_id = models.BigIntegerField(primary_key=True)
    sequence = models.BigIntegerField(default=0)
    previous_hash = models.CharField(max_length=64, default="")
    hash = models.CharField(max_length=64, default="")

    class Meta:
        db_table = "audit_heads"

    def __str__(self) -> str:
        return f"{self.organization_id}: {self.sequence}"


class AuditAnchor(models.Model):
    """What the anchor file must hold: so many bytes, and their digest. One row."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    size = models.BigIntegerField(default=0)
    digest = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        db_table = "audit_anchors"

    def __str__(self) -> str:
        return f"{self.size} bytes"

    def take_in(self, line: bytes) -> None:
        """Count a line of the file."""
        self.size += len(line)
        self.digest = hashlib.sha256(self.digest.encode() + line).hexdigest()


class AuditLogQuerySet(models.QuerySet):
    def for_organization(self, organization_id: int):
        return self.filter(organization_id=organization_id)

    def with_details(self):
        """Everything one row of the audit page shows, in one query."""
        return self.select_related("detail", "user")

    def newest_first(self):
        return self.order_by("-sequence")


class AuditLog(models.Model):
    """Who did what to which thing. Triggers refuse any later change.

    Actor and organization are plain ids: the record outlives both.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization_id = models.BigIntegerField(default=PLATFORM)
    sequence = models.BigIntegerField()
    timestamp = models.DateTimeField(default=timezone.now)
    user = models.ForeignKey(
        "accounts.User",
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    api_key_id = models.UUIDField(null=True)
    actor_type = models.CharField(max_length=20, default="system")
    action = models.CharField(max_length=20, choices=AuditAction)
    resource_type = models.CharField(max_length=100)
    resource_id = models.CharField(max_length=255, blank=True)
    request_id = models.UUIDField(null=True)
    request_path = models.CharField(max_length=500, blank=True)
    request_method = models.CharField(max_length=10, blank=True)
    response_status = models.PositiveSmallIntegerField(null=True)
    details_digest = models.CharField(max_length=64)
    previous_hash = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64)

    objects = AuditLogQuerySet.as_manager()

    class Meta:
        db_table = "audit_logs"
        ordering = ["-timestamp", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization_id", "sequence"], name="uq_audit_logs_chain"
            )
        ]
        indexes = [
            models.Index(fields=["timestamp"], name="ix_audit_timestamp"),
            models.Index(fields=["user"], name="ix_audit_user_id"),
            models.Index(fields=["action"], name="ix_audit_action"),
            models.Index(fields=["resource_type"], name="ix_audit_resource_type"),
            models.Index(fields=["request_id"], name="ix_audit_request_id"),
            models.Index(fields=["user", "action"], name="ix_audit_user_action"),
            models.Index(
                fields=["resource_type", "resource_id"], name="ix_audit_resource"
            ),
            models.Index(fields=["timestamp", "action"], name="ix_audit_time_action"),
            models.Index(fields=["timestamp", "user"], name="ix_audit_time_user"),
            models.Index(
                fields=["timestamp", "resource_type"], name="ix_audit_time_resource"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.resource_type} {self.resource_id}"


class AuditDetail(models.Model):
    """What of an audit row may name a person; erasable, as the chain holds a digest."""

    audit_log = models.OneToOneField(
        AuditLog,
        primary_key=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="detail",
    )
    ip_address = models.CharField(max_length=45, blank=True)
    user_agent = models.CharField(max_length=500, blank=True)
    request_body = models.JSONField(null=True)
    changes = models.JSONField(default=dict)
    metadata = models.JSONField(default=dict)

    class Meta:
        db_table = "audit_details"

    def __str__(self) -> str:
        return str(self.audit_log_id)

    @property
    def sent(self) -> list[tuple[str, str]]:
        """Name what the request's body held: texts as they are, the rest as JSON."""
        body = self.request_body
        if body in (None, "", {}):
            return []
        parts = body.items() if isinstance(body, dict) else [("body", body)]
        return [
            (
                name,
                part if isinstance(part, str) else json.dumps(part, ensure_ascii=False),
            )
            for name, part in parts
        ]
