"""Every address of signing in, and of one's own account, that allauth answers.

Listed one by one: what is not here is not open. A view is loaded by its first request,
since most processes need few of them and some load much.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, path, re_path
from django.utils.module_loading import import_string
from django.views.decorators.cache import never_cache
from django.views.generic import RedirectView

from accounts.audit.request_facts import answers_with
from accounts.sign_in import first_owner

ACCOUNT = "allauth.account.views."
MFA = "allauth.mfa.base.views."
APP = "allauth.mfa.totp.views."
CODES = "allauth.mfa.recovery_codes.views."
PASSKEYS = "allauth.mfa.webauthn.views."


def later(name: str) -> Callable[..., HttpResponseBase]:
    """Return a view that is loaded when it is asked for."""

    def view(request: HttpRequest, *args, **kwargs) -> HttpResponseBase:
        return import_string(name)(request, *args, **kwargs)

    view.__name__ = name.rpartition(".")[2]
    return view


def whole(name: str) -> Callable[..., HttpResponseBase]:
    """Return such a view whose changes and audit rows are stored together.

    What it shows is for one pair of eyes: no cache keeps it.
    """
    return never_cache(transaction.atomic(later(name)))


def once_set_up(view: Callable[..., HttpResponseBase]) -> Callable[..., Any]:
    """Lead to the setup while nobody has an account; every page leads here."""

    @wraps(view)
    def led(request: HttpRequest, *args, **kwargs) -> HttpResponseBase:
        if not first_owner.has_users():
            return redirect("accounts:setup")
        return view(request, *args, **kwargs)

    return led


def provider(slug: str, name: str, provider_id: str) -> list[URLPattern]:
    """Return the addresses of one provider: to go there, and to come back."""
    known_as = {"provider_id": provider_id}
    come_back = answers_with(302)(later("accounts.views.sign_in_providers.come_back"))
    return [
        path(
            f"{slug}/login/",
            later("accounts.views.sign_in_providers.begin"),
            known_as,
            name=f"{name}_login",
        ),
        path(
            f"{slug}/login/callback/",
            come_back,
            known_as,
            name=f"{name}_callback",
        ),
    ]


to_account = RedirectView.as_view(pattern_name="accounts:account")

urlpatterns = [
    path("login/", once_set_up(later(ACCOUNT + "login")), name="account_login"),
    path("logout/", later(ACCOUNT + "logout"), name="account_logout"),
    path("inactive/", later(ACCOUNT + "account_inactive"), name="account_inactive"),
    path("signup/", once_set_up(later(ACCOUNT + "signup")), name="account_signup"),
    path(
        "reauthenticate/",
        later(ACCOUNT + "reauthenticate"),
        name="account_reauthenticate",
    ),
    path("email/", whole(ACCOUNT + "email"), name="account_email"),
    path(
        "confirm-email/",
        whole(ACCOUNT + "email_verification_sent"),
        name="account_email_verification_sent",
    ),
    path(
        "password/change/",
        whole(ACCOUNT + "password_change"),
        name="account_change_password",
    ),
    path("password/set/", whole(ACCOUNT + "password_set"), name="account_set_password"),
    path(
        "password/reset/",
        once_set_up(later(ACCOUNT + "password_reset")),
        name="account_reset_password",
    ),
    path(
        "password/reset/done/",
        later(ACCOUNT + "password_reset_done"),
        name="account_reset_password_done",
    ),
    path(
        "password/reset/key/done/",
        later(ACCOUNT + "password_reset_from_key_done"),
        name="account_reset_password_from_key_done",
    ),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        whole("accounts.views.sign_in.new_password"),
        name="account_reset_password_from_key",
    ),
    # The second step. Where allauth goes back to a list, that is the account's page.
    path("2fa/", to_account, name="mfa_index"),
    path("2fa/authenticate/", whole(MFA + "authenticate"), name="mfa_authenticate"),
    path("2fa/again/", whole(MFA + "reauthenticate"), name="mfa_reauthenticate"),
    path("2fa/app/", whole(APP + "activate_totp"), name="mfa_activate_totp"),
    path("2fa/app/remove/", whole(APP + "deactivate_totp"), name="mfa_deactivate_totp"),
    path(
        "2fa/codes/",
        whole(CODES + "view_recovery_codes"),
        name="mfa_view_recovery_codes",
    ),
    path(
        "2fa/codes/new/",
        whole(CODES + "generate_recovery_codes"),
        name="mfa_generate_recovery_codes",
    ),
    path(
        "2fa/codes/download/",
        whole(CODES + "download_recovery_codes"),
        name="mfa_download_recovery_codes",
    ),
    path("2fa/passkeys/", to_account, name="mfa_list_webauthn"),
    path(
        "2fa/passkeys/login/",
        whole(PASSKEYS + "login_webauthn"),
        name="mfa_login_webauthn",
    ),
    path(
        "2fa/passkeys/again/",
        whole(PASSKEYS + "reauthenticate_webauthn"),
        name="mfa_reauthenticate_webauthn",
    ),
    path(
        "2fa/passkeys/add/", whole(PASSKEYS + "add_webauthn"), name="mfa_add_webauthn"
    ),
    path(
        "2fa/passkeys/<int:pk>/edit/",
        whole(PASSKEYS + "edit_webauthn"),
        name="mfa_edit_webauthn",
    ),
    path(
        "2fa/passkeys/<int:pk>/remove/",
        whole(PASSKEYS + "remove_webauthn"),
        name="mfa_remove_webauthn",
    ),
    *provider("microsoft", "microsoft", "microsoft"),
    *provider("amazon-cognito", "amazon_cognito", "amazon_cognito"),
    *provider("oidc/oidc", "openid_connect", "oidc"),
]
