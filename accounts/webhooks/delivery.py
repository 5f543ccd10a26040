"""Tell an organization's endpoints what happened: publish, sign, deliver.

At least once and in no promised order, as Standard Webhooks 1.0.0 has it.
"""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial, wraps
from typing import Any

import structlog
from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.utils import timezone
from standardwebhooks.webhooks import Webhook

from accounts.audit import log as audit
from accounts.encryption import Undecryptable
from accounts.errors import DomainError
from accounts.models.audit import AuditAction
from accounts.models.lifecycle import WorkStatus
from accounts.models.organizations import Organization
from accounts.models.webhooks import (
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)
from accounts.outbound.addresses import Resolver, resolve
from accounts.outbound.requests import Answer, RequestFailed, post
from accounts.webhooks import notifications
from accounts.work.leases import GAVE_UP, claim, finish, nudge, store_paid

log = structlog.get_logger(__name__)

MINUTE, HOUR = 60, 3600
# Seconds between one attempt and the next; the first goes out at once.
SCHEDULE = (
    0,
    5,
    5 * MINUTE,
    30 * MINUTE,
    2 * HOUR,
    5 * HOUR,
    10 * HOUR,
    14 * HOUR,
    20 * HOUR,
    24 * HOUR,
)
# So that all who failed together do not come back together.
JITTER = 0.1
TIMEOUT_SECONDS = 15
LEASE_SECONDS = 60
KEEP_BYTES = 2048
GONE = 410


# --- Publishing -------------------------------------------------------------
def publish(organization: Organization, event: str, data: dict[str, Any]) -> int:
    """Queue an event for whoever listens, in the caller's transaction.

    Costs no query for an organization without webhooks. `data` is thin: ids and
    a few facts, to be read again through the API.
    """
    if not organization.has_webhooks:
        return 0
    body = message(event, data)
    deliveries = [
        WebhookDelivery(
            organization=organization, endpoint=endpoint, event=event, body=body
        )
        for endpoint in WebhookEndpoint.objects.listening(organization.pk, event)
    ]
    queue(deliveries)
    return len(deliveries)


def message(event: str, data: dict[str, Any]) -> str:
    """Return the text that is signed and sent."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    whole = {"type": str(event), "timestamp": now, "data": data}
    return json.dumps(whole, separators=(",", ":"), default=str)


def queue(deliveries: list[WebhookDelivery]) -> None:
    WebhookDelivery.objects.bulk_create(deliveries)
    for delivery in deliveries:
        nudge(delivery)


def announcing(
    refusal: type[DomainError], limit: str
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Publish `limit.reached` when a function is refused by a limit.

    Written above `transaction.atomic`: what is refused is undone, this stays. The
    refusal names the `organization`; whoever insists is announced once an hour.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            try:
                return function(*args, **kwargs)
            except refusal as error:
                _announce_limit(error, limit)
                raise

        return call

    return decorate


def _announce_limit(error: DomainError, limit: str) -> None:
    organization: Organization = error.organization
    if not organization.has_webhooks:
        return
    if cache.add(f"limit-reached:{organization.pk}:{limit}", 1, HOUR):
        with transaction.atomic():
            facts = {"maximum": error.facts["limit"], "used": error.facts["used"]}
            publish(organization, WebhookEvent.LIMIT_REACHED, {"limit": limit} | facts)


# --- Signing ----------------------------------------------------------------
def signed_headers(delivery: WebhookDelivery, secrets: list[str]) -> dict[str, str]:
    """Return the headers of one attempt: one signature for each secret."""
    now = datetime.now(UTC)
    signatures = [
        Webhook(secret).sign(delivery.message_id, now, delivery.body)
        for secret in secrets
    ]
    return {
        "Content-Type": "application/json",
        "User-Agent": "YourAgent-Webhooks/1",
        "webhook-id": delivery.message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


# --- Delivering -------------------------------------------------------------
@dataclass
class Outcome:
    """What became of one attempt, and what follows from it."""

    status: WorkStatus
    error: str = ""
    delay_seconds: float = 0
    answer: Answer | None = None
    # Why the endpoint gets nothing more, if that follows.
    disables: str = ""


def deliver(
    delivery_id: Any, *, resolver: Resolver = resolve
) -> WebhookDelivery | None:
    """Send a delivery if that is still to be done; may be called repeatedly."""
    delivery = claim(
        WebhookDelivery, delivery_id, lease_seconds=LEASE_SECONDS, give_up=give_up
    )
    if delivery is None:
        return None
    started_at = timezone.now()
    outcome = _attempt(delivery, resolver)
    stored = store_paid(partial(_store, delivery, outcome, started_at))
    if stored and outcome.disables:
        notifications.send(delivery.endpoint, outcome.disables)
    return delivery


def give_up(delivery: WebhookDelivery) -> None:
    """End a delivery that stopped whoever sent it: no fault of its receiver's."""
    _store(delivery, Outcome(WorkStatus.FAILED, GAVE_UP), timezone.now())


def _attempt(delivery: WebhookDelivery, resolver: Resolver) -> Outcome:
    endpoint = delivery.endpoint
    if endpoint.is_deleted or delivery.organization.is_deleted:
        return Outcome(WorkStatus.FAILED, "The endpoint is deleted.")
    if not endpoint.is_active and not delivery.is_test:
        return Outcome(WorkStatus.FAILED, "The endpoint is paused.")
    try:
        answer = post(
            endpoint.url,
            body=delivery.body.encode(),
            headers=signed_headers(delivery, endpoint.secrets),
            seconds=TIMEOUT_SECONDS,
            keep_bytes=KEEP_BYTES,
            resolver=resolver,
        )
    except RequestFailed as error:
        return judged(delivery, None, str(error))
    except Undecryptable:
        return judged(delivery, None, "The secret cannot be read: rotate it.")
    return judged(delivery, answer)


def judged(
    delivery: WebhookDelivery, answer: Answer | None, error: str = ""
) -> Outcome:
    """Decide what follows: only 2xx is success, a redirect is none."""
    if answer is not None:
        if 200 <= answer.status < 300:
            return Outcome(WorkStatus.DONE, answer=answer)
        error = f"The receiver answered {answer.status}."
    if delivery.is_test:
        return Outcome(WorkStatus.FAILED, error, answer=answer)
    if answer is not None and answer.status == GONE:
        why = "The receiver answered 410: it is gone for good."
        return Outcome(WorkStatus.FAILED, error, answer=answer, disables=why)
    if delivery.tries >= len(SCHEDULE):
        why = f"A delivery failed {len(SCHEDULE)} times. Last: {error}"
        return Outcome(WorkStatus.FAILED, error, answer=answer, disables=why)
    delay = delay_after(delivery.tries, answer)
    return Outcome(WorkStatus.PENDING, error, delay, answer)


def delay_after(tries: int, answer: Answer | None) -> float:
    """Return how long to wait after so many tries, at least as the receiver asked."""
    # Not for secrecy.
    delay = SCHEDULE[tries] * (1 + JITTER * random.random())  # noqa: S311
    asked = retry_after(answer.headers.get("retry-after", "")) if answer else 0
    return max(delay, asked)


def retry_after(text: str) -> float:
    """Return what a Retry-After asks for in seconds; at most a day."""
    if text.isascii() and text.isdigit():
        seconds = float(text[:9])
    else:
        try:
            moment = parsedate_to_datetime(text)
        except ValueError:
            return 0
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        seconds = (moment - timezone.now()).total_seconds()
    return min(max(seconds, 0), SCHEDULE[-1])


@transaction.atomic
def _store(delivery: WebhookDelivery, outcome: Outcome, started_at: datetime) -> bool:
    """Store an attempt once, unless another took over; return whether it was."""
    if outcome.disables:
        # First, as in every function that locks both.
        organization = locked(delivery.organization_id)
    now, answer = timezone.now(), outcome.answer
    is_over = outcome.status != WorkStatus.PENDING
    if not finish(
        delivery,
        outcome.status,
        error=outcome.error,
        response_status=answer.status if answer else None,
        finished_at=now if is_over else None,
        run_after=now + timedelta(seconds=outcome.delay_seconds),
    ):
        return False
    WebhookAttempt.objects.create(
        delivery=delivery,
        number=delivery.attempt,
        started_at=started_at,
        duration_ms=round((now - started_at).total_seconds() * 1000),
        response_status=answer.status if answer else None,
        response_body=_as_text(answer.body) if answer else "",
        error=outcome.error[:200],
    )
    if outcome.disables:
        _disable(organization, delivery.endpoint, outcome.disables)
    return True


def _as_text(body: bytes) -> str:
    return body.decode("utf-8", "replace").replace("\x00", "\ufffd")


def locked(organization_id: int) -> Organization:
    """Lock an organization: endpoints and `has_webhooks` change together."""
    return Organization.all_objects.select_for_update(no_key=True).get(
        pk=organization_id
    )


def note_webhooks(organization: Organization) -> None:
    """Keep the flag of a locked organization true to its endpoints."""
    listening = WebhookEndpoint.objects.filter(
        organization=organization, is_active=True
    ).exists()
    if listening != organization.has_webhooks:
        organization.has_webhooks = listening
        organization.save(update_fields=["has_webhooks"])


def _disable(organization: Organization, endpoint: WebhookEndpoint, why: str) -> None:
    living = WebhookEndpoint.objects.filter(pk=endpoint.pk, is_active=True)
    if not living.update(is_active=False, disabled_reason=why[:200]):
        return
    note_webhooks(organization)
    audit.record(
        action=AuditAction.UPDATE,
        resource_type="webhook_endpoint",
        resource_id=endpoint.pk,
        organization_id=organization.pk,
        changes={"is_active": {"old": True, "new": False}},
        metadata={"reason": why},
    )


def forget_old_deliveries() -> int:
    """Delete what was over so long ago that nobody asks any more."""
    before = timezone.now() - timedelta(days=settings.WEBHOOK_LOG_DAYS)
    return WebhookDelivery.objects.filter(finished_at__lt=before).delete()[0]
