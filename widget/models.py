import hashlib
import secrets
from datetime import timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone

from accounts.models.lifecycle import new_id
from agents.models.agents import Agent
from agents.models.sessions import Session

# How precisely the last sign of life is kept, to spare a write a request.
COARSE = timedelta(minutes=1)


def session_ends_at():
    """Return when a session opened now ends, however much it is renewed."""
    return timezone.now() + timedelta(seconds=settings.WIDGET_SESSION_SECONDS)


def new_visitor_id() -> str:
    return f"v_{secrets.token_urlsafe(15)}"


# How long a session that is over is kept, for those who look into an abuse.
KEPT_AFTER = timedelta(days=7)


class WidgetSessionQuerySet(models.QuerySet):
    def outdated(self):
        """Sessions nobody can use or needs any more; conversations stay."""
        return self.filter(expires_at__lt=timezone.now() - KEPT_AFTER)

    def with_what_a_request_needs(self):
        """The agent, what it says and the conversation, in one query."""
        return self.select_related(
            "agent__organization", "agent__live_version", "session__inbox_entry"
        )


class WidgetSession(models.Model):
    """A visitor on a site: what a session token stands for.

    The conversation begins with the first question.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    agent = models.ForeignKey(
        Agent, on_delete=models.CASCADE, related_name="widget_sessions"
    )
    session = models.ForeignKey(
        Session,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="widget_sessions",
    )
    origin = models.CharField(max_length=300)
    visitor_id = models.CharField(max_length=255, default=new_visitor_id)
    # Raised to make every token issued so far worthless.
    epoch = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_seen_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(default=session_ends_at)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = WidgetSessionQuerySet.as_manager()

    class Meta:
        db_table = "widget_sessions"
        indexes = [models.Index(fields=["expires_at"], name="ix_widget_sessions_end")]

    def __str__(self) -> str:
        return f"{self.visitor_id} on {self.origin}"

    @property
    def is_over(self) -> bool:
        return self.revoked_at is not None or self.expires_at <= timezone.now()

    def note_visit(self) -> None:
        """Remember that the visitor is there, at most once a minute."""
        now = timezone.now()
        if now - self.last_seen_at >= COARSE:
            self.last_seen_at = now
            self.save(update_fields=["last_seen_at"])

    def revoke(self) -> None:
        """End it: no token of it is good any more."""
        if self.revoked_at is None:
            self.revoked_at = timezone.now()
            self.epoch += 1
            self.save(update_fields=["revoked_at", "epoch"])


def digest(secret: str) -> str:
    """Return what is stored of a secret: 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


class RefreshToken(models.Model):
    """A single-use right to renew a session; its successors form a family."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    widget_session = models.ForeignKey(
        WidgetSession, on_delete=models.CASCADE, related_name="refresh_tokens"
    )
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "widget_refresh_tokens"

    def __str__(self) -> str:
        return f"Refresh token of {self.widget_session_id}"
