from typing import Any

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import models, transaction
from django.db.models import F, FilteredRelation, Q
from django.utils import timezone

from accounts.errors import DomainError
from accounts.models.lifecycle import (
    AliveManager,
    Idempotent,
    OfOrganization,
    SoftDeleted,
    SoftDeleteQuerySet,
    TimeStamped,
    new_id,
)
from accounts.models.organizations import Organization
from accounts.models.users import User
from agents.models.agents import Agent

# How texts of any language are split into words for the search.
SEARCHED_AS = "simple"


class SessionStatus(models.TextChoices):
    ACTIVE = "active"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Channel(models.TextChoices):
    API = "api", "API"
    DASHBOARD = "dashboard", "Dashboard"
    WIDGET = "widget", "Widget"


class SessionIsOver(DomainError):
    """The conversation already ended; it takes no second end and no message."""

    status = 422
    code = "session-over"
    detail = "This conversation has ended. Start a new one."


class SessionQuerySet(OfOrganization, SoftDeleteQuerySet):
    def with_agent(self, agent):
        """Conversations with one agent, each with the person it was led with."""
        return self.filter(agent_ref=agent).select_related("user")

    def one(self, session_id):
        """Keep one conversation, to be read as lists are."""
        return self.filter(pk=session_id)

    def latest_first(self):
        return self.order_by("-last_activity_at", "-id")

    def overdue(self):
        """Conversations that are to end and have not."""
        return self.filter(status=SessionStatus.ACTIVE, expires_at__lte=timezone.now())


class SessionManager(models.Manager.from_queryset(SessionQuerySet), AliveManager):
    pass


class Session(TimeStamped, SoftDeleted, Idempotent):
    """A conversation with an agent, by a user or by a site's visitor."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey(
        Organization,
        null=True,
        on_delete=models.CASCADE,
        related_name="sessions",
        db_index=False,
    )
    user = models.ForeignKey(
        User,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="sessions",
        db_index=False,
    )
    visitor_id = models.CharField(max_length=255, blank=True)
    agent_id = models.CharField(max_length=255)
    agent_ref = models.ForeignKey(
        Agent, null=True, blank=True, on_delete=models.SET_NULL, related_name="sessions"
    )
    channel = models.CharField(max_length=10, choices=Channel, default=Channel.API)
    title = models.CharField(max_length=500, blank=True)
    status = models.CharField(
        max_length=10, choices=SessionStatus, default=SessionStatus.ACTIVE
    )
    context = models.JSONField(default=dict, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    total_messages = models.IntegerField(default=0)
    total_tokens = models.IntegerField(null=True, blank=True)
    last_activity_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True)

    objects = SessionManager()
    all_objects = SessionQuerySet.as_manager()

    class Meta(SoftDeleted.Meta):
        abstract = False
        db_table = "sessions"
        indexes = [
            models.Index(fields=["user"], name="ix_sessions_user_id"),
            models.Index(fields=["agent_id"], name="ix_sessions_agent_id"),
            models.Index(fields=["status"], name="ix_sessions_status"),
            models.Index(fields=["last_activity_at"], name="ix_sessions_last_activity"),
            models.Index(fields=["expires_at"], name="ix_sessions_expires_at"),
            models.Index(fields=["user", "status"], name="ix_sessions_user_status"),
            models.Index(
                fields=["user", "last_activity_at"], name="ix_sessions_user_activity"
            ),
            models.Index(
                fields=["agent_id", "status"], name="ix_sessions_agent_status"
            ),
            models.Index(
                fields=["status", "deleted_at"], name="ix_sessions_status_deleted"
            ),
            # The order of every list of conversations.
            models.Index(
                "organization",
                F("last_activity_at").desc(),
                F("id").desc(),
                condition=Q(deleted_at=None),
                name="ix_sessions_latest",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(user__isnull=False) | ~Q(visitor_id=""),
                name="ck_sessions_has_a_person",
            ),
            models.UniqueConstraint(
                fields=["agent_ref", "visitor_id", "user", "idempotency_key"],
                condition=Q(idempotency_key__isnull=False),
                nulls_distinct=False,
                name="uq_sessions_idempotency_key",
            ),
        ]

    def __str__(self) -> str:
        return self.title or str(self.id)

    @property
    def is_active(self) -> bool:
        return self.status == SessionStatus.ACTIVE and not self.is_deleted

    @property
    def is_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The conversation as a list of plain messages, oldest first."""
        return [row.as_dict() for row in self.message_rows.all()]

    @transaction.atomic
    def add_message(self, role: str, content: str, **kwargs: Any) -> "Message":
        """Append a message; the row's lock keeps sequence and counters exact.

        `tokens` counts towards `total_tokens`; what is no column of Message
        is kept in its metadata.
        """
        if self._state.adding:
            self.save()
        locked = Session.all_objects.select_for_update(no_key=True).get(pk=self.pk)
        if not locked.is_active:
            raise SessionIsOver
        columns = {name: kwargs.pop(name) for name in MESSAGE_COLUMNS & kwargs.keys()}
        message = Message(
            session_id=self.pk,
            sequence=locked.total_messages + 1,
            role=role,
            content=content,
            metadata=columns.pop("metadata", {}) | kwargs,
            **columns,
        )
        message.full_clean(
            exclude=["session"], validate_unique=False, validate_constraints=False
        )
        message.save(force_insert=True)
        tokens = message.tokens
        self.total_messages = message.sequence
        self.total_tokens = locked.total_tokens
        if tokens is not None:
            self.total_tokens = (locked.total_tokens or 0) + tokens
        self.last_activity_at = timezone.now()
        self.save(
            update_fields=[
                "total_messages",
                "total_tokens",
                "last_activity_at",
                "updated_at",
            ]
        )
        return message

    def update_context(self, **kwargs: Any) -> None:
        self._merge("context", kwargs)

    def update_metadata(self, **kwargs: Any) -> None:
        self._merge("metadata", kwargs)

    @transaction.atomic
    def _merge(self, field: str, values: dict[str, Any]) -> None:
        locked = Session.all_objects.select_for_update(no_key=True).get(pk=self.pk)
        setattr(self, field, getattr(locked, field) | values)
        self.save(update_fields=[field, "updated_at"])

    def mark_completed(self) -> None:
        self._end(SessionStatus.COMPLETED)

    def mark_failed(self, error: str) -> None:
        self._end(SessionStatus.FAILED, error=error)

    def mark_cancelled(self, reason: str = "") -> None:
        self._end(SessionStatus.CANCELLED, cancellation_reason=reason)

    @transaction.atomic
    def _end(self, status: SessionStatus, **facts: str) -> None:
        locked = Session.all_objects.select_for_update(no_key=True).get(pk=self.pk)
        if locked.status != SessionStatus.ACTIVE:
            raise SessionIsOver
        self.status = status
        self.metadata = locked.metadata | facts
        self.last_activity_at = timezone.now()
        self.save(
            update_fields=["status", "metadata", "last_activity_at", "updated_at"]
        )


class MessageRole(models.TextChoices):
    USER = "user"
    ASSISTANT = "assistant"
    SYSTEM = "system"
    TOOL = "tool"


MESSAGE_COLUMNS = {
    "author",
    "citations",
    "tokens",
    "metadata",
    "is_stopped",
    "idempotency_key",
    "request_fingerprint",
}


class MessageQuerySet(models.QuerySet):
    def with_reply(self):
        """Each question's `reply_status` and `reply_events_after`: of the reply
        that counts, null for what is no question."""
        current = FilteredRelation(
            "replies", condition=Q(replies__superseded_at__isnull=True)
        )
        return self.annotate(
            current_reply=current,
            reply_status=F("current_reply__status"),
            reply_events_after=F("current_reply__events_after"),
        )

    def standing(self):
        """Leave out the answers others stand in the place of."""
        return self.filter(is_superseded=False)


class Message(Idempotent):
    """One turn; `sequence` counts from 1 without gaps."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    session = models.ForeignKey(
        Session, on_delete=models.CASCADE, related_name="message_rows", db_index=False
    )
    sequence = models.PositiveIntegerField()
    role = models.CharField(max_length=10, choices=MessageRole)
    # The member who answered in the agent's stead.
    author = models.ForeignKey(
        User,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
    )
    content = models.TextField(blank=True)
    citations = models.JSONField(default=list, blank=True)
    tokens = models.PositiveIntegerField(null=True, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    # Somebody had heard enough before the answer was complete.
    is_stopped = models.BooleanField(default=False, db_default=False)
    # Another answer to the same question stands in its place.
    is_superseded = models.BooleanField(default=False, db_default=False)
    created_at = models.DateTimeField(default=timezone.now)

    objects = MessageQuerySet.as_manager()

    class Meta:
        db_table = "messages"
        ordering = ["sequence"]
        indexes = [
            GinIndex(
                SearchVector("content", config=SEARCHED_AS), name="ix_messages_search"
            ),
            models.Index(
                fields=["author"],
                condition=Q(author__isnull=False),
                name="ix_messages_author",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["session", "sequence"], name="uq_messages_sequence"
            ),
            models.UniqueConstraint(
                fields=["session", "idempotency_key"],
                condition=Q(idempotency_key__isnull=False),
                name="uq_messages_idempotency_key",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role}: {self.content[:60]}"

    def as_dict(self) -> dict[str, Any]:
        """Return {role, content, timestamp} and whatever was stored with it."""
        known = {
            "id": str(self.id),
            "sequence": self.sequence,
            "role": self.role,
            "content": self.content,
            "timestamp": self.created_at.isoformat().replace("+00:00", "Z"),
            "citations": self.citations,
            "tokens": self.tokens,
        }
        return self.metadata | known
