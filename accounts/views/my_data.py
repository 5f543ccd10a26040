"""The page of what is kept of oneself: take it along, or close the account."""

from allauth.account.decorators import reauthentication_required
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.audit.request_facts import answers_with
from accounts.errors import DomainError
from accounts.models.organizations import Membership
from accounts.privacy.account_closing import close_account
from accounts.privacy.archives import attachment
from accounts.privacy.exports import export_person
from accounts.sign_in.browser_sessions import forget_browser
from accounts.views.access import person_page, principal_of
from accounts.views.forms.organizations import ConfirmationForm


@require_safe
@person_page
def my_data(request: HttpRequest) -> HttpResponse:
    """Show what is kept, and what becomes of it."""
    return _shown(request, ConfirmationForm(expected=request.user.email))


def _shown(request: HttpRequest, form: ConfirmationForm) -> HttpResponse:
    principal_of(request)
    mine = Membership.objects.living_of(request.user)
    context = {
        "form": form,
        "erase_after_days": settings.ERASE_AFTER_DAYS,
        "needed": [
            row.organization
            for row in mine
            if row.organization.is_owned_only_by(request.user)
        ],
    }
    status = 400 if form.errors else 200
    return render(request, "accounts/privacy/my_data.html", context, status=status)


@require_POST
@person_page
@answers_with(200)
def export(request: HttpRequest) -> HttpResponse:
    """Download all that is kept of oneself."""
    try:
        sections = export_person(user=request.user, actor=request.user)
    except DomainError as error:
        messages.error(request, error.detail)
        return redirect("accounts:my_data")
    return attachment("my-data", request.user.email, sections)


@require_POST
@person_page
@reauthentication_required
def close(request: HttpRequest) -> HttpResponse:
    """Close one's own account and sign out everywhere."""
    form = ConfirmationForm(request.POST, expected=request.user.email)
    if form.is_valid():
        try:
            close_account(user=request.user, actor=request.user)
        except DomainError as error:
            form.refuse(error)
        else:
            forget_browser(request)
            messages.success(request, "Your account is closed.")
            return redirect("account_login")
    return _shown(request, form)
