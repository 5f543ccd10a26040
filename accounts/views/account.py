"""The page about one's own account: who one is, how one signs in, and where."""

from uuid import UUID

from allauth.socialaccount.adapter import get_adapter
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.errors import DomainError, NotFound
from accounts.models.browser_sessions import BrowserSession
from accounts.organizations.profiles import change_name
from accounts.sign_in.browser_sessions import (
    end_other_sessions,
    end_session,
    forget_browser,
)
from accounts.sign_in.identities import identities_of
from accounts.sign_in.second_factors import overview_of
from accounts.views.access import person_page
from accounts.views.forms.forms import NameForm


@require_http_methods(["GET", "HEAD", "POST"])
@person_page
@never_cache
def account(request: HttpRequest) -> HttpResponse:
    """Show everything about one's account; change one's name."""
    user = request.user
    form = NameForm(request.POST or None, initial={"name": user.name})
    if request.method == "POST" and form.is_valid():
        try:
            change_name(user=user, name=form.cleaned_data["name"])
        except DomainError as error:
            form.refuse(error)
        else:
            messages.success(request, "Your name is saved.")
            return redirect("accounts:account")
    identities = identities_of(user)
    taken = {identity.provider for identity in identities}
    offered = get_adapter().list_providers(request)
    context = {
        "form": form,
        "name_is_theirs": user.is_oauth_user and user.name,
        "admin_requires_mfa": settings.ADMIN_REQUIRES_MFA,
        "factors": overview_of(user),
        "sessions": BrowserSession.objects.open_for(user),
        "current_key": request.session.session_key,
        "identities": identities,
        "offered": [each for each in offered if each.sub_id not in taken],
    }
    return render(request, "accounts/sign_in/account.html", context)


@require_POST
@person_page
def end(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """Sign out in one browser."""
    try:
        ended = end_session(user=request.user, session_id=session_id)
    except NotFound:
        raise Http404 from None
    if ended == request.session.session_key:
        forget_browser(request)
        return redirect("account_login")
    messages.success(request, "That browser is signed out.")
    return redirect("accounts:account")


@require_POST
@person_page
def end_others(request: HttpRequest) -> HttpResponse:
    """Sign out everywhere but here."""
    key = request.session.session_key
    count = end_other_sessions(user=request.user, current_key=key)
    ended = "1 browser is" if count == 1 else f"{count} browsers are"
    messages.success(request, f"{ended} signed out.")
    return redirect("accounts:account")
