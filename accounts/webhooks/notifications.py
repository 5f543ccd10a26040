"""The mail that tells owners an endpoint gets nothing more."""

from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse

from accounts.models.organizations import Membership, Role
from accounts.models.webhooks import WebhookEndpoint

log = structlog.get_logger(__name__)


def send(endpoint: WebhookEndpoint, why: str) -> int:
    """Mail every owner; a mail server that is away is logged and no more."""
    owners = Membership.objects.filter(
        organization_id=endpoint.organization_id,
        role=Role.OWNER,
        user__is_active=True,
        user__deleted_at=None,
    )
    path = reverse("accounts:webhook", args=[endpoint.pk])
    context = {
        "host": urlsplit(endpoint.url).hostname,
        "why": why,
        "link": settings.PUBLIC_BASE_URL + path,
        "current_site": {"domain": urlsplit(settings.PUBLIC_BASE_URL).netloc},
    }
    sent = 0
    # One mail each: owners need not know one another's addresses.
    for address in owners.values_list("user__email", flat=True):
        try:
            sent += send_mail(
                f"Your webhook to {context['host']} was switched off",
                render_to_string("accounts/webhooks/email/disabled.txt", context),
                None,
                [address],
                html_message=render_to_string(
                    "accounts/webhooks/email/disabled.html", context
                ),
            )
        except OSError as error:
            log.warning("Notice not sent", error=type(error).__name__)
    return sent
