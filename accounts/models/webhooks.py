"""Webhooks: where an organization wants to be told, what, and how that went."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.encryption import decrypt
from accounts.models.lifecycle import (
    AliveManager,
    Idempotent,
    LeasedWork,
    SoftDeleted,
    SoftDeleteQuerySet,
    TimeStamped,
    WorkStatus,
    new_id,
    unfinished,
)
from accounts.models.organizations import Organization


class WebhookEvent(models.TextChoices):
    AGENT_CREATED = "agent.created", "An agent was created"
    AGENT_UPDATED = "agent.updated", "An agent was changed"
    AGENT_DELETED = "agent.deleted", "An agent was deleted"
    AGENT_RESTORED = "agent.restored", "A deleted agent came back"
    VERSION_RELEASED = "version.released", "A version went live"
    VERSION_ROLLED_BACK = "version.rolled_back", "An older version was restored"
    OPTIMIZATION_COMPLETED = "optimization.completed", "An optimization ended"
    CUSTODY_COMPLETED = "custody.completed", "A custody run ended"
    CONVERSATION_STARTED = "conversation.started", "A conversation began"
    CONVERSATION_HANDED_OVER = (
        "conversation.handed_over",
        "A person was asked for, took over or handed back",
    )
    CONVERSATION_CLOSED = "conversation.closed", "A conversation ended"
    DOCUMENT_INDEXED = "document.indexed", "A document became searchable"
    LIMIT_REACHED = "limit.reached", "A limit of the organization was reached"


# Sent on request only, to any endpoint.
TEST_EVENT = "webhook.test"


class WebhookEndpointQuerySet(SoftDeleteQuerySet):
    def listening(self, organization_id: int, event: str):
        """Endpoints that want to hear of an event."""
        return self.filter(
            organization_id=organization_id,
            is_active=True,
            deleted_at=None,
            events__contains=[event],
        )


class WebhookEndpointManager(
    models.Manager.from_queryset(WebhookEndpointQuerySet), AliveManager
):
    pass


class WebhookEndpoint(TimeStamped, SoftDeleted, Idempotent):
    """A URL that is told of events. Its secrets are encrypted, not hashed: we sign."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="webhook_endpoints"
    )
    url = models.CharField(max_length=2048)
    description = models.CharField(max_length=200, blank=True, default="")
    events = ArrayField(models.CharField(max_length=50))
    is_active = models.BooleanField(default=True)
    # Why we stopped, in words; blank when somebody paused it or it is active.
    disabled_reason = models.CharField(max_length=200, blank=True, default="")
    encrypted_secret = models.TextField(editable=False)
    encrypted_previous_secret = models.TextField(blank=True, default="", editable=False)
    previous_secret_expires_at = models.DateTimeField(null=True, blank=True)

    objects = WebhookEndpointManager()
    all_objects = WebhookEndpointQuerySet.as_manager()

    class Meta(SoftDeleted.Meta):
        abstract = False
        db_table = "webhook_endpoints"
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "idempotency_key"],
                condition=Q(idempotency_key__isnull=False),
                name="uq_webhook_endpoints_idempotency_key",
            ),
        ]

    def __str__(self) -> str:
        return self.url

    @property
    def secrets(self) -> list[str]:
        """The secrets to sign with: during a rotation, the former one too."""
        tokens = [self.encrypted_secret]
        ends_at = self.previous_secret_expires_at
        if ends_at is not None and ends_at > timezone.now():
            tokens.append(self.encrypted_previous_secret)
        return [decrypt(token) for token in tokens]


class WebhookDeliveryQuerySet(models.QuerySet):
    def running(self):
        """Deliveries a worker is busy with."""
        return self.filter(
            status=WorkStatus.RUNNING, lease_expires_at__gt=timezone.now()
        )

    def newest_first(self):
        return self.order_by("-created_at", "-id")


class WebhookDelivery(LeasedWork):
    """One event for one endpoint; its id and body stay the same however often sent."""

    task, queue = "accounts.tasks.deliver_webhook", "io"
    # A slow receiver holds up deliveries of its own organization alone.
    most_at_once = 2
    organization_path = "organization"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    endpoint = models.ForeignKey(
        WebhookEndpoint,
        on_delete=models.CASCADE,
        related_name="deliveries",
        db_index=False,
    )
    event = models.CharField(max_length=50)
    # The text as it is signed and sent; JSONB would change it.
    body = models.TextField()
    # Attempts before the last replay: each replay begins the schedule anew.
    attempts_before = models.PositiveIntegerField(default=0)
    response_status = models.PositiveSmallIntegerField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)

    objects = WebhookDeliveryQuerySet.as_manager()

    class Meta:
        db_table = "webhook_deliveries"
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(
                fields=["endpoint", "-created_at", "-id"],
                name="ix_webhook_deliveries_log",
            ),
            unfinished("ix_webhook_deliveries_open"),
            models.Index(
                fields=["organization", "status"],
                condition=Q(status__in=["pending", "running"]),
                name="ix_webhook_deliveries_busy",
            ),
            models.Index(fields=["finished_at"], name="ix_webhook_deliveries_finished"),
        ]

    def __str__(self) -> str:
        return f"{self.event} to {self.endpoint_id}"

    @property
    def message_id(self) -> str:
        """What the receiver tells repetitions by."""
        return f"msg_{self.pk.hex}"

    @property
    def is_test(self) -> bool:
        return self.event == TEST_EVENT

    @property
    def tries(self) -> int:
        """How often this was sent since it was created or last replayed."""
        return self.attempt - self.attempts_before


class WebhookAttempt(models.Model):
    """One request of a delivery, and what came back."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    delivery = models.ForeignKey(
        WebhookDelivery,
        on_delete=models.CASCADE,
        related_name="attempts",
        db_index=False,
    )
    number = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    duration_ms = models.PositiveIntegerField()
    response_status = models.PositiveSmallIntegerField(null=True)
    # The first 2 KB, as text.
    response_body = models.TextField(blank=True, default="")
    error = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        db_table = "webhook_attempts"
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(
                fields=["delivery", "number"], name="uq_webhook_attempts_number"
            )
        ]

    def __str__(self) -> str:
        return f"Attempt {self.number} of {self.delivery_id}"
