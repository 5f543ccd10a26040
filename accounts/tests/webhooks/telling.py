"""Publish and deliver as the tests of webhooks do it."""

from datetime import timedelta

from django.utils import timezone

from accounts.models import Organization, WebhookDelivery, WebhookEvent
from accounts.tests.factories import make_webhook
from accounts.webhooks import delivery

EVENT = WebhookEvent.AGENT_CREATED


def publish(member, event=EVENT, **data):
    """Publish an event and return its only delivery."""
    organization = Organization.objects.get(pk=member.organization_id)
    assert delivery.publish(organization, event, data or {"id": "1"}) == 1
    return WebhookDelivery.objects.first()


def send(member, receiver, **options):
    """Make a webhook to a receiver, publish an event and deliver it once."""
    make_webhook(member, receiver.url)
    return delivery.deliver(str(publish(member).pk), **options)


def make_due():
    WebhookDelivery.objects.update(run_after=timezone.now() - timedelta(seconds=1))
