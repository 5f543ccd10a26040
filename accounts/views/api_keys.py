"""The pages about an organization: its API keys, and which one a browser looks at."""

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access.api_keys import (
    create_api_key,
    restore_api_key,
    revoke_api_key,
    rotate_api_key,
)
from accounts.access.authentication import ORGANIZATION_IN_SESSION
from accounts.audit.request_facts import answers_with
from accounts.errors import DomainError
from accounts.models.api_keys import APIKey
from accounts.models.organizations import Membership
from accounts.views.access import page, person_page, principal_of
from accounts.views.forms.forms import APIKeyForm, RotationForm

PER_PAGE = 50


@require_POST
@person_page
def switch_organization(request: HttpRequest) -> HttpResponse:
    """Look at another organization from now on."""
    asked = request.POST.get("organization", "")
    if not (asked.isascii() and asked.isdigit() and len(asked) < 19):
        raise Http404
    membership = get_object_or_404(
        Membership,
        user=request.user,
        organization_id=int(asked),
        organization__deleted_at=None,
    )
    request.session[ORGANIZATION_IN_SESSION] = membership.organization_id
    return redirect("agents:list")


@require_http_methods(["GET", "HEAD", "POST"])
@page("keys:manage")
@never_cache
@answers_with(200)
def api_keys(request: HttpRequest) -> HttpResponse:
    """List the organization's keys; a new one is shown in full this once."""
    principal = principal_of(request)
    form = APIKeyForm(request.POST or None, principal=principal)
    made = raw = None
    if request.method == "POST" and form.is_valid():
        try:
            made, raw = create_api_key(
                user=principal.user,
                organization=principal.organization,
                **form.arguments(),
            )
            form = APIKeyForm(principal=principal)
        except DomainError as error:
            form.refuse(error)
    return _shown_keys(request, form, made, raw)


def _shown_keys(
    request: HttpRequest, form: APIKeyForm, made: APIKey | None, raw: str | None
) -> HttpResponse:
    keys = APIKey.objects.for_organization(principal_of(request).organization)
    listed = Paginator(keys, PER_PAGE).get_page(request.GET.get("page"))
    names = dict(form.fields["agent"].choices)
    for key in filter(None, [*listed.object_list, made]):
        key.bound_to = names.get(str(key.agent_public_id), key.agent_public_id)
    context = {
        "page": listed,
        "form": form,
        "rotation": RotationForm(),
        "made": made,
        "raw": raw,
        "base_url": settings.PUBLIC_BASE_URL,
    }
    return render(request, "accounts/access/api_keys.html", context)


@require_POST
@page("keys:manage")
@never_cache
@answers_with(200)
def rotate_key(request: HttpRequest, key_id: UUID) -> HttpResponse:
    """Make a key's successor and show it this once; the old one works on a while."""
    principal = principal_of(request)
    key = get_object_or_404(APIKey, pk=key_id, organization=principal.organization)
    form = RotationForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Choose for how long the old key works on.")
        return redirect("accounts:api_keys")
    try:
        made, raw = rotate_api_key(key=key, actor=principal.user, **form.cleaned_data)
    except DomainError as error:
        messages.error(request, f"{key.name} stays as it is. {error.detail}")
        return redirect("accounts:api_keys")
    return _shown_keys(request, APIKeyForm(principal=principal), made, raw)


@require_POST
@page("keys:manage")
def revoke_key(request: HttpRequest, key_id: UUID) -> HttpResponse:
    """Refuse a key from the next request on; the next page offers to undo it."""
    principal = principal_of(request)
    key = get_object_or_404(APIKey, pk=key_id, organization=principal.organization)
    revoke_api_key(key=key, actor=principal.user)
    undo = reverse("accounts:restore_api_key", args=[key.pk])
    messages.success(
        request,
        f"{key.name} is revoked. It opens no door any more.",
        extra_tags=f"undo:{undo}",
    )
    return redirect("accounts:api_keys")


@require_POST
@page("keys:manage")
def restore_key(request: HttpRequest, key_id: UUID) -> HttpResponse:
    """Take a revocation back."""
    principal = principal_of(request)
    mine = APIKey.all_objects.for_organization(principal.organization)
    key = get_object_or_404(mine, pk=key_id)
    try:
        restore_api_key(key=key, actor=principal.user)
    except DomainError as error:
        messages.error(request, f"{key.name} stays revoked. {error.detail}")
    else:
        messages.success(request, f"{key.name} works again.")
    return redirect("accounts:api_keys")
