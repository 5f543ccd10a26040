"""The pages about webhooks: the list, one with its log, one delivery."""

import json
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.audit.request_facts import answers_with
from accounts.errors import DomainError
from accounts.models.webhooks import WebhookDelivery, WebhookEndpoint
from accounts.views.access import page, principal_of
from accounts.views.forms.webhooks import WebhookForm
from accounts.webhooks.endpoints import (
    create_endpoint,
    delete_endpoint,
    replay_delivery,
    rotate_secret,
    send_test_event,
    update_endpoint,
)

PER_PAGE = 50
MAY = "webhooks:manage"


def _mine(request: HttpRequest, webhook_id: UUID) -> WebhookEndpoint:
    organization = principal_of(request).organization
    return get_object_or_404(WebhookEndpoint, pk=webhook_id, organization=organization)


@require_http_methods(["GET", "POST"])
@page(MAY)
@never_cache
@answers_with(200)
def webhooks(request: HttpRequest) -> HttpResponse:
    """List the webhooks; a new one's secret is shown this once."""
    principal = principal_of(request)
    form = WebhookForm(request.POST or None)
    made = raw = None
    if request.method == "POST" and form.is_valid():
        try:
            made, raw = create_endpoint(
                organization=principal.organization,
                actor=principal.user,
                **form.cleaned_data,
            )
            form = WebhookForm()
        except DomainError as error:
            form.refuse(error)
    rows = principal.organization.webhook_endpoints.alive()
    context = {
        "page": Paginator(rows, PER_PAGE).get_page(request.GET.get("page")),
        "form": form,
        "made": made,
        "raw": raw,
    }
    return render(request, "accounts/webhooks/webhooks.html", context)


@require_http_methods(["GET", "POST"])
@page(MAY)
def webhook(request: HttpRequest, webhook_id: UUID) -> HttpResponse:
    """Show one webhook with its deliveries; change where and when."""
    endpoint = _mine(request, webhook_id)
    form = WebhookForm(request.POST or None, initial=_current(endpoint))
    if request.method == "POST" and form.is_valid():
        try:
            update_endpoint(
                endpoint=endpoint,
                actor=principal_of(request).user,
                changes=form.cleaned_data,
            )
        except DomainError as error:
            form.refuse(error)
        else:
            messages.success(request, "The changes are saved.")
            return redirect("accounts:webhook", endpoint.pk)
    return _shown(request, endpoint, form)


def _current(endpoint: WebhookEndpoint) -> dict:
    return {name: getattr(endpoint, name) for name in WebhookForm.base_fields}


def _shown(
    request: HttpRequest,
    endpoint: WebhookEndpoint,
    form: WebhookForm | None = None,
    raw: str | None = None,
) -> HttpResponse:
    if form is None:
        form = WebhookForm(initial=_current(endpoint))
    log = Paginator(endpoint.deliveries.newest_first(), PER_PAGE)
    context = {
        "endpoint": endpoint,
        "form": form,
        "raw": raw,
        "page": log.get_page(request.GET.get("page")),
    }
    return render(request, "accounts/webhooks/webhook.html", context)


@require_POST
@page(MAY)
@never_cache
@answers_with(200)
def rotate(request: HttpRequest, webhook_id: UUID) -> HttpResponse:
    """Make a new secret and show it this once."""
    endpoint, raw = rotate_secret(
        endpoint=_mine(request, webhook_id), actor=principal_of(request).user
    )
    return _shown(request, endpoint, raw=raw)


@require_POST
@page(MAY)
def switch(request: HttpRequest, webhook_id: UUID) -> HttpResponse:
    """Pause a webhook, or go on."""
    is_active = request.POST.get("is_active") == "yes"
    update_endpoint(
        endpoint=_mine(request, webhook_id),
        actor=principal_of(request).user,
        changes={"is_active": is_active},
    )
    said = "It is told of events again." if is_active else "It is paused."
    messages.success(request, said)
    return redirect("accounts:webhook", webhook_id)


@require_POST
@page(MAY)
def remove(request: HttpRequest, webhook_id: UUID) -> HttpResponse:
    endpoint = _mine(request, webhook_id)
    delete_endpoint(endpoint=endpoint, actor=principal_of(request).user)
    messages.success(request, f"{endpoint.url} is told nothing more.")
    return redirect("accounts:webhooks")


@require_POST
@page(MAY)
def test(request: HttpRequest, webhook_id: UUID) -> HttpResponse:
    """Send an event that means nothing, to see whether it arrives."""
    delivery = send_test_event(
        endpoint=_mine(request, webhook_id), actor=principal_of(request).user
    )
    return redirect("accounts:webhook_delivery", webhook_id, delivery.pk)


def _delivery(
    request: HttpRequest, webhook_id: UUID, delivery_id: UUID
) -> WebhookDelivery:
    endpoint = _mine(request, webhook_id)
    return get_object_or_404(WebhookDelivery, pk=delivery_id, endpoint=endpoint)


@require_GET
@page(MAY)
def delivery(request: HttpRequest, webhook_id: UUID, delivery_id: UUID) -> HttpResponse:
    """Show what was sent, and what came back each time."""
    found = _delivery(request, webhook_id, delivery_id)
    context = {
        "delivery": found,
        "endpoint": found.endpoint,
        "attempts": found.attempts.all(),
        "payload": json.dumps(json.loads(found.body), indent=2, ensure_ascii=False),
    }
    return render(request, "accounts/webhooks/delivery.html", context)


@require_POST
@page(MAY)
def replay(request: HttpRequest, webhook_id: UUID, delivery_id: UUID) -> HttpResponse:
    """Send a delivery again."""
    found = _delivery(request, webhook_id, delivery_id)
    try:
        replay_delivery(delivery=found, actor=principal_of(request).user)
    except DomainError as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, "It is being sent again.")
    return redirect("accounts:webhook_delivery", webhook_id, delivery_id)
