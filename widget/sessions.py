"""A visitor's session: opened by a boot code, renewed, asked through, closed."""

import secrets
from datetime import timedelta
from typing import NamedTuple

from django.db import transaction
from django.utils import timezone

from accounts.audit import log as audit
from accounts.audit.request_facts import describe_visitor
from accounts.errors import DomainError
from accounts.models.audit import AuditAction
from accounts.models.webhooks import WebhookEvent
from accounts.rate_limits import Limit, network_of
from agents.configuration import origins
from agents.conversations import event_stream
from agents.inbox.queue_timeouts import note_end
from agents.models.agents import Agent
from agents.models.sessions import SessionStatus
from agents.webhook_events import announce_conversation
from widget import boot, tokens
from widget.errors import (
    OriginNotAllowed,
    RefreshReused,
    SessionExpired,
    SessionRevoked,
)
from widget.models import RefreshToken, WidgetSession, digest

# Two tabs may renew at once with one cookie: for a moment that is no theft.
REUSE_GRACE = timedelta(seconds=10)


class Entered(NamedTuple):
    """A session as its panel gets it."""

    widget_session: WidgetSession
    issued: tokens.Issued
    is_resumed: bool
    refresh: str


def message_limits(widget_session: WidgetSession, address: str) -> list[Limit]:
    mine = str(widget_session.pk)
    return [
        Limit("widget-messages-minute", 10, 60, mine),
        Limit("widget-messages-hour", 60, 3600, mine),
        Limit("widget-messages-address", 30, 60, network_of(address)),
    ]


def deed_limits(widget_session: WidgetSession, address: str) -> list[Limit]:
    """What a visitor does about answers: ratings and stops."""
    return [
        Limit("widget-deeds", 30, 60, str(widget_session.pk)),
        Limit("widget-deeds-address", 90, 60, address),
    ]


def enter(visit: boot.Visit, refresh: str) -> Entered:
    """Open a session for a page, or go on with the visitor's last one there."""
    if refresh and (renewed := _resume(refresh, visit)):
        return renewed
    opened = WidgetSession.objects.create(agent=visit.agent, origin=visit.origin)
    return Entered(opened, tokens.issue(opened), is_resumed=False, refresh="")


def _resume(refresh: str, visit: boot.Visit) -> Entered | None:
    try:
        renewed = renew(refresh, visit.agent)
    except DomainError:
        return None
    is_same_site = renewed.widget_session.origin == visit.origin
    return renewed if is_same_site else None


def renew(refresh: str, agent: Agent) -> Entered:
    """Spend a refresh token for a new one and a new session token."""
    found, is_stolen = _spend(refresh, agent)
    if is_stolen:
        audit.record(
            action=AuditAction.FAILED_AUTH,
            resource_type="widget_session",
            resource_id=found.pk,
            organization_id=agent.organization_id,
            metadata={"refresh": "reused", "revoked": True},
            response_status=RefreshReused.status,
        )
        raise RefreshReused
    current = _usable(found)
    issued = tokens.issue(current)
    return Entered(current, issued, is_resumed=True, refresh=add_refresh_token(current))


@transaction.atomic
def _spend(refresh: str, agent: Agent) -> tuple[WidgetSession, bool]:
    token = (
        RefreshToken.objects.select_for_update(of=("self",))
        .select_related("widget_session__agent__organization")
        .select_related("widget_session__agent__live_version")
        .filter(digest=digest(refresh), widget_session__agent=agent)
        .first()
    )
    if token is None or token.widget_session.is_over:
        raise SessionExpired
    now = timezone.now()
    if token.used_at is not None and now - token.used_at > REUSE_GRACE:
        # Spent twice: one of the two is a thief, and nobody knows which.
        revoke(token.widget_session)
        return token.widget_session, True
    if token.used_at is None:
        token.used_at = now
        token.save(update_fields=["used_at"])
    return token.widget_session, False


def renew_by_token(raw: str) -> Entered:
    """Renew with a session token that is still good, for want of cookies."""
    current = authenticate(raw)
    return Entered(current, tokens.issue(current), is_resumed=True, refresh="")


def add_refresh_token(widget_session: WidgetSession) -> str:
    """Return a new member of the session's family of refresh tokens."""
    secret = secrets.token_urlsafe(32)
    RefreshToken.objects.create(widget_session=widget_session, digest=digest(secret))
    return secret


def authenticate(raw: str) -> WidgetSession:
    """Return the session a token stands for, as the database has it now."""
    claims = tokens.read(raw)
    sessions = WidgetSession.objects.with_what_a_request_needs()
    found = sessions.filter(pk=claims.sid).first()
    if found is None or found.origin != claims.origin:
        raise SessionExpired
    if found.revoked_at is not None or found.epoch != claims.epoch:
        raise SessionRevoked
    _usable(found)
    found.note_visit()
    describe_visitor()
    return found


def _usable(widget_session: WidgetSession) -> WidgetSession:
    """Check what may have changed since: its time, the agent, the allowed sites."""
    if widget_session.is_over:
        raise SessionExpired
    agent = boot.answering(widget_session.agent)
    if not origins.allows(agent.allowed_origins, widget_session.origin):
        raise OriginNotAllowed
    return widget_session


def is_still_usable(widget_session: WidgetSession) -> bool:
    """Say whether a session that was let in would be let in now."""
    sessions = WidgetSession.objects.with_what_a_request_needs()
    found = sessions.filter(pk=widget_session.pk, epoch=widget_session.epoch).first()
    if found is None or found.revoked_at is not None:
        return False
    try:
        _usable(found)
    except DomainError:
        return False
    return True


@transaction.atomic
def revoke(widget_session: WidgetSession) -> None:
    """Make every credential of a session worthless and end its open streams."""
    widget_session.revoke()
    conversation = widget_session.session_id
    if conversation is not None:
        transaction.on_commit(
            lambda: event_stream.append(conversation, "closed", {}), robust=True
        )


@transaction.atomic
def close(widget_session: WidgetSession) -> None:
    """End a session and its conversation, as its visitor asks."""
    revoke(widget_session)
    conversation = widget_session.session
    if conversation is not None and conversation.is_active:
        conversation.mark_completed()
        note_end(conversation)
        status = conversation.status
        announce_conversation(
            conversation, WebhookEvent.CONVERSATION_CLOSED, status=str(status)
        )
        audit.record(
            action=AuditAction.UPDATE,
            resource_type="session",
            resource_id=conversation.pk,
            organization_id=conversation.organization_id,
            changes={"status": {"old": SessionStatus.ACTIVE, "new": status}},
        )


def forget_outdated(limit: int = 5000) -> int:
    """Delete the oldest sessions nobody needs any more; return how many."""
    oldest = WidgetSession.objects.outdated().order_by("expires_at")
    found = list(oldest.values_list("pk", flat=True)[:limit])
    WidgetSession.objects.filter(pk__in=found).delete()
    return len(found)
