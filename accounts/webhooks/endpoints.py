"""Create, change, test and delete an organization's webhook endpoints."""

import base64
import ipaddress
import re
import secrets
import socket
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.encoding import iri_to_uri

from accounts.audit import log as audit
from accounts.encryption import encrypt
from accounts.errors import DomainError, Invalid, NotFound
from accounts.models.audit import AuditAction
from accounts.models.lifecycle import WorkStatus
from accounts.models.organizations import Organization
from accounts.models.users import User
from accounts.models.webhooks import (
    TEST_EVENT,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)
from accounts.outbound.addresses import judge
from accounts.webhooks.delivery import locked, message, note_webhooks, queue
from accounts.work.leases import nudge

MAX_ENDPOINTS = 20
SECRET_BYTES = 32
OVERLAP_SECONDS = 86_400
CHANGEABLE = ("url", "description", "events", "is_active")
HOST = re.compile(r"[a-z0-9_]([a-z0-9._-]{0,252}[a-z0-9])?\.?")


class WebhookLimitReached(DomainError):
    status = 403
    code = "webhook-limit-reached"
    detail = f"An organization has at most {MAX_ENDPOINTS} webhooks."


class DeliveryUnderWay(DomainError):
    status = 422
    code = "delivery-under-way"
    detail = "This delivery is being sent right now."


@transaction.atomic
def create_endpoint(
    *,
    organization: Organization,
    actor: User,
    url: str,
    events: list[str],
    description: str = "",
    is_active: bool = True,
    idempotency_key: str | None = None,
    request_fingerprint: str = "",
) -> tuple[WebhookEndpoint, str | None]:
    """Create an endpoint and return it with its secret, which is shown this once.

    A repeated idempotency key returns the first endpoint and None for its secret.
    """
    organization = locked(organization.pk)
    mine = WebhookEndpoint.all_objects.filter(organization=organization)
    if idempotency_key is not None and (
        twin := mine.filter(idempotency_key=idempotency_key).first()
    ):
        twin.check_same_request(request_fingerprint)
        return twin, None
    if mine.alive().count() >= MAX_ENDPOINTS:
        raise WebhookLimitReached(limit=MAX_ENDPOINTS, used=MAX_ENDPOINTS)
    raw = new_secret()
    endpoint = WebhookEndpoint.objects.create(
        organization=organization,
        url=checked_url(url),
        events=checked_events(events),
        description=description.strip(),
        is_active=is_active,
        encrypted_secret=encrypt(raw),
        idempotency_key=idempotency_key,
        request_fingerprint=request_fingerprint,
    )
    note_webhooks(organization)
    changes = audit.difference({}, audited(endpoint))
    _record(AuditAction.CREATE, endpoint, actor, changes)
    return endpoint, raw


@transaction.atomic
def update_endpoint(
    *, endpoint: WebhookEndpoint, actor: User, changes: dict[str, Any]
) -> WebhookEndpoint:
    """Change where, what or whether; a call that changes nothing writes nothing."""
    organization, endpoint = _locked(endpoint)
    before = audited(endpoint)
    checked = dict(changes)
    if "url" in changes:
        checked["url"] = checked_url(changes["url"])
    if "events" in changes:
        checked["events"] = checked_events(changes["events"])
    for name in CHANGEABLE:
        if name in checked:
            setattr(endpoint, name, checked[name])
    if audited(endpoint) == before:
        return endpoint
    if "is_active" in checked:
        endpoint.disabled_reason = ""
    endpoint.save(update_fields=[*CHANGEABLE, "disabled_reason", "updated_at"])
    note_webhooks(organization)
    difference = audit.difference(before, audited(endpoint))
    _record(AuditAction.UPDATE, endpoint, actor, difference)
    return endpoint


@transaction.atomic
def rotate_secret(
    *, endpoint: WebhookEndpoint, actor: User, overlap_seconds: int = OVERLAP_SECONDS
) -> tuple[WebhookEndpoint, str]:
    """Give an endpoint a new secret; the former one signs too during the overlap."""
    _, endpoint = _locked(endpoint)
    raw = new_secret()
    endpoint.encrypted_previous_secret = endpoint.encrypted_secret
    endpoint.previous_secret_expires_at = timezone.now() + timedelta(
        seconds=overlap_seconds
    )
    endpoint.encrypted_secret = encrypt(raw)
    endpoint.save(
        update_fields=[
            "encrypted_secret",
            "encrypted_previous_secret",
            "previous_secret_expires_at",
            "updated_at",
        ]
    )
    ends_at = endpoint.previous_secret_expires_at.isoformat()
    changes = {"rotation_ends_at": {"old": None, "new": ends_at}}
    _record(AuditAction.UPDATE, endpoint, actor, changes)
    return endpoint, raw


@transaction.atomic
def delete_endpoint(*, endpoint: WebhookEndpoint, actor: User) -> None:
    """Send nothing more, and forget the secrets."""
    organization, endpoint = _locked(endpoint)
    endpoint.soft_delete()
    endpoint.encrypted_secret = endpoint.encrypted_previous_secret = ""
    endpoint.save(update_fields=["encrypted_secret", "encrypted_previous_secret"])
    note_webhooks(organization)
    _record(AuditAction.DELETE, endpoint, actor)


@transaction.atomic
def send_test_event(*, endpoint: WebhookEndpoint, actor: User) -> WebhookDelivery:
    """Queue an event that tries the endpoint once, also while it is paused."""
    _, endpoint = _locked(endpoint)
    delivery = WebhookDelivery(
        organization_id=endpoint.organization_id,
        endpoint=endpoint,
        event=TEST_EVENT,
        body=message(TEST_EVENT, {"webhook_id": str(endpoint.pk)}),
    )
    queue([delivery])
    _record(AuditAction.EXECUTE, endpoint, actor, delivery=delivery)
    return delivery


@transaction.atomic
def replay_delivery(*, delivery: WebhookDelivery, actor: User) -> WebhookDelivery:
    """Send a delivery again, with the same id and body and all its attempts."""
    _, endpoint = _locked(delivery.endpoint)
    delivery = WebhookDelivery.objects.select_for_update().get(pk=delivery.pk)
    if not endpoint.is_active and not delivery.is_test:
        raise Invalid("The webhook is switched off. Switch it on first.")
    if WebhookDelivery.objects.running().filter(pk=delivery.pk).exists():
        raise DeliveryUnderWay
    delivery.status = WorkStatus.PENDING
    delivery.run_after = timezone.now()
    delivery.lease_expires_at = delivery.finished_at = None
    delivery.attempts_before = delivery.attempt
    delivery.save(
        update_fields=[
            "status",
            "run_after",
            "lease_expires_at",
            "finished_at",
            "attempts_before",
        ]
    )
    nudge(delivery)
    _record(AuditAction.EXECUTE, endpoint, actor, delivery=delivery)
    return delivery


def new_secret() -> str:
    """Return a secret as Standard Webhooks writes it."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def checked_events(events: list[str]) -> list[str]:
    if not events or not set(events) <= set(WebhookEvent.values):
        raise Invalid("Choose at least one known event.", pointer="/events")
    return sorted(set(events))


def checked_url(text: str) -> str:
    """Return a URL that can be posted to, in ASCII; names are resolved later."""
    if any(char.isspace() or not char.isprintable() for char in text):
        raise _bad_url("A URL holds no spaces.")
    try:
        parts = urlsplit(text)
        host, port = (parts.hostname or ""), parts.port
        if ":" not in host:
            host = host.encode("idna").decode().lower()
    except ValueError:
        raise _bad_url("This is not a URL.") from None
    allowed = {"https", "http"} if settings.OUTBOUND_ALLOWED_NETWORKS else {"https"}
    if parts.scheme not in allowed:
        raise _bad_url("The URL begins with https://.")
    if not host or parts.username is not None or parts.password is not None:
        raise _bad_url("Name a host, and no user or password.")
    _check_host(host, port or 443)
    shown = f"[{host}]" if ":" in host else host
    place = shown if port is None else f"{shown}:{port}"
    url = urlunsplit((parts.scheme, place, iri_to_uri(parts.path) or "/", "", ""))
    if parts.query:
        url += f"?{iri_to_uri(parts.query)}"
    if len(url) > 2048:
        raise _bad_url("A URL has at most 2,048 characters.")
    return url


def _check_host(host: str, port: int) -> None:
    """Refuse at once what no name server needs to be asked about."""
    if host.rstrip(".") == "localhost" or host.rstrip(".").endswith(".localhost"):
        literal = "127.0.0.1"
    elif literal := _literal(host, port):
        pass
    elif not HOST.fullmatch(host):
        raise _bad_url("This is not the name of a host.")
    else:
        return
    exempt = [ipaddress.ip_network(one) for one in settings.OUTBOUND_ALLOWED_NETWORKS]
    if judge(literal, exempt) is None:
        raise _bad_url("The host has no public address.")


def _literal(host: str, port: int) -> str | None:
    """Return the address a host spells, in whatever form the resolver reads."""
    try:
        found = socket.getaddrinfo(host, port, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return None
    return str(found[0][4][0])


def _bad_url(why: str) -> Invalid:
    return Invalid(why, pointer="/url")


def audited(endpoint: WebhookEndpoint) -> dict[str, Any]:
    return {name: getattr(endpoint, name) for name in CHANGEABLE}


def _locked(endpoint: WebhookEndpoint) -> tuple[Organization, WebhookEndpoint]:
    organization = locked(endpoint.organization_id)
    found = WebhookEndpoint.objects.filter(pk=endpoint.pk).first()
    if found is None:
        raise NotFound
    return organization, found


def _record(
    action: AuditAction,
    endpoint: WebhookEndpoint,
    actor: User,
    changes: dict[str, Any] | None = None,
    *,
    delivery: WebhookDelivery | None = None,
) -> None:
    audit.record(
        action=action,
        resource_type="webhook_endpoint",
        resource_id=endpoint.pk,
        organization_id=endpoint.organization_id,
        actor=actor,
        changes=changes,
        metadata={"delivery": str(delivery.pk), "event": delivery.event}
        if delivery
        else None,
    )
