"""The pages of organizations: which there are, what one is, and its end."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access.authentication import ORGANIZATION_IN_SESSION
from accounts.audit.request_facts import answer_now_with, answers_with
from accounts.errors import DomainError
from accounts.models.organizations import Membership
from accounts.organizations.deletion import delete_organization, restore_organization
from accounts.organizations.members import create_organization, rename_organization
from accounts.privacy.archives import attachment
from accounts.privacy.exports import export_organization, export_visitor
from accounts.privacy.visitors import erase_visitor
from accounts.views.access import page, person_page, principal_of
from accounts.views.forms.organizations import (
    ConfirmationForm,
    OrganizationForm,
    VisitorForm,
)


@require_http_methods(["GET", "HEAD", "POST"])
@person_page
def organizations(request: HttpRequest) -> HttpResponse:
    """List one's organizations, the deleted ones too; make another."""
    principal_of(request)
    form = OrganizationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = create_organization(owner=request.user, **form.cleaned_data)
        except DomainError as error:
            form.refuse(error)
        else:
            request.session[ORGANIZATION_IN_SESSION] = made.pk
            messages.success(request, f"{made.name} is yours.")
            return redirect("agents:list")
    context = {
        "form": form,
        "mine": Membership.objects.living_of(request.user),
        "restorable": Membership.objects.restorable_by(request.user),
    }
    return _shown(request, "accounts/organizations/organizations.html", context, form)


@require_POST
@person_page
def restore(request: HttpRequest, organization_id: int) -> HttpResponse:
    """Bring back a deleted organization that one owns."""
    row = get_object_or_404(
        Membership.objects.restorable_by(request.user), organization_id=organization_id
    )
    try:
        restore_organization(organization=row.organization, actor=request.user)
    except DomainError as error:
        messages.error(
            request, f"{row.organization.name} stays deleted. {error.detail}"
        )
        return redirect("accounts:organizations")
    request.session[ORGANIZATION_IN_SESSION] = organization_id
    messages.success(request, f"{row.organization.name} is back.")
    return redirect("agents:list")


@require_http_methods(["GET", "HEAD", "POST"])
@page("organization:manage")
def settings_page(request: HttpRequest) -> HttpResponse:
    """Show what the organization is, and rename it."""
    principal = principal_of(request)
    form = OrganizationForm(
        request.POST or None, initial={"name": principal.organization.name}
    )
    if request.method == "POST" and form.is_valid():
        try:
            rename_organization(
                organization=principal.organization,
                actor=principal.user,
                **form.cleaned_data,
            )
        except DomainError as error:
            form.refuse(error)
        else:
            messages.success(request, "The name is changed.")
            return redirect("accounts:settings")
    return _settings(request, form=form)


def _settings(request: HttpRequest, **forms: Any) -> HttpResponse:
    """Show the settings with one of its forms as it was sent."""
    organization = principal_of(request).organization
    context = {
        "form": OrganizationForm(initial={"name": organization.name}),
        "visitor_form": VisitorForm(prefix="visitor"),
        "delete_form": ConfirmationForm(expected=organization.name, prefix="delete"),
        "member_count": organization.memberships.count(),
        "erase_after_days": settings.ERASE_AFTER_DAYS,
    } | forms
    return _shown(
        request, "accounts/organizations/settings.html", context, *forms.values()
    )


def _shown(
    request: HttpRequest, template: str, context: dict[str, Any], *forms: Any
) -> HttpResponse:
    is_wrong = any(form.errors for form in forms)
    return render(request, template, context, status=400 if is_wrong else 200)


@require_POST
@page("organization:export")
@answers_with(200)
def export(request: HttpRequest) -> HttpResponse:
    """Download all the organization has."""
    principal = principal_of(request)
    try:
        sections = export_organization(
            organization=principal.organization, actor=principal.user
        )
    except DomainError as error:
        messages.error(request, error.detail)
        return redirect("accounts:settings")
    return attachment("organization", principal.organization.name, sections)


@require_POST
@page("organization:delete")
def delete(request: HttpRequest) -> HttpResponse:
    """Delete the organization; the next page offers to undo it."""
    principal = principal_of(request)
    organization = principal.organization
    form = ConfirmationForm(request.POST, expected=organization.name, prefix="delete")
    if not form.is_valid():
        return _settings(request, delete_form=form)
    delete_organization(organization=organization, actor=principal.user)
    undo = reverse("accounts:restore_organization", args=[organization.pk])
    messages.success(
        request, f"{organization.name} deleted.", extra_tags=f"undo:{undo}"
    )
    return redirect("accounts:organizations")


@require_POST
@page("visitors:manage")
def visitor(request: HttpRequest) -> HttpResponse:
    """Download what is kept of a visitor, or erase it."""
    principal = principal_of(request)
    form = VisitorForm(request.POST, prefix="visitor")
    if not form.is_valid():
        return _settings(request, visitor_form=form)
    asked = {
        "organization": principal.organization,
        "actor": principal.user,
        "visitor_id": form.cleaned_data["visitor_id"],
    }
    try:
        if "erase" not in request.POST:
            answer_now_with(200)
            whom = f"the visitor {asked['visitor_id']}"
            return attachment("visitor", whom, export_visitor(**asked))
        erase_visitor(**asked)
    except DomainError as error:
        form.refuse(error)
        return _settings(request, visitor_form=form)
    messages.success(request, "Erased: their conversations and visits are gone.")
    return redirect("accounts:settings")
