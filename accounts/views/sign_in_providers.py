"""The way to a provider and back: to sign in, to show who one is, to connect it."""

import secrets

from allauth.account.decorators import reauthentication_required
from allauth.account.utils import get_next_redirect_url
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.base import Provider
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts.errors import Invalid, NotFound
from accounts.provider import Issuer, unreachable
from accounts.sign_in.identities import disconnect_identity

ABOUT_PROVIDERS = "allauth.socialaccount"


@require_GET
@never_cache
def begin(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Send the browser to a provider, and where it wanted to go afterwards.

    A link, not a form: the content policy lets forms lead nowhere else. State, nonce
    and PKCE tie the answer to this browser; nothing of the address is passed on.
    """
    # Whoever is signed in here shows once more who they are.
    again = {"prompt": "login"} if request.user.is_authenticated else {}
    provider = _provider(request, provider_id)
    answer = _depart(
        request, provider, "login", next_url=get_next_redirect_url(request), **again
    )
    return answer or redirect("account_login")


@require_POST
@reauthentication_required(app=ABOUT_PROVIDERS)
@never_cache
def connect(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Let the browser go and fetch another identity for this account.

    Only from our own form, since a link could connect somebody else's. The page in
    between is needed as a form may not be redirected to another site.
    """
    provider = _provider(request, provider_id)
    answer = _depart(request, provider, "connect")
    if answer is None:
        return redirect("accounts:account")
    context = {"provider": provider, "address": answer["Location"]}
    page = render(request, "accounts/sign_in/leaving.html", context)
    page["Refresh"] = f"0; url={answer['Location']}"
    return page


@require_POST
@reauthentication_required(app=ABOUT_PROVIDERS)
def disconnect(request: HttpRequest, identity_id: int) -> HttpResponse:
    """Take an identity from this account; another way in must be left."""
    try:
        kind = disconnect_identity(user=request.user, identity_id=identity_id)
    except NotFound:
        raise Http404 from None
    except Invalid as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, f"{kind.label} is disconnected.")
    return redirect("accounts:account")


@never_cache
def come_back(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Take a provider's answer."""
    _provider(request, provider_id)
    return OAuth2CallbackView.adapter_view(Issuer(request, provider_id))(request)


def _provider(request: HttpRequest, provider_id: str) -> Provider:
    try:
        return get_adapter().get_provider(request, provider_id)
    except SocialApp.DoesNotExist:
        raise Http404 from None


def _depart(
    request: HttpRequest,
    provider: Provider,
    process: str,
    next_url: str | None = None,
    **parameters: str,
) -> HttpResponseRedirect | None:
    """Return the redirect to a provider, or None when it does not answer."""
    nonce = secrets.token_urlsafe(24)
    try:
        return provider.redirect(
            request,
            process,
            next_url=next_url,
            data={"nonce": nonce},
            auth_params={"nonce": nonce, **parameters},
        )
    except unreachable():
        messages.error(request, f"{provider.name} does not answer. Try again later.")
        return None
