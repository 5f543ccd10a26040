import time
from urllib.parse import urlsplit, urlunsplit

import structlog
from allauth.account import app_settings as account_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.internal.flows.reauthentication import get_reauthentication_flows
from allauth.core import context as context_of
from allauth.core.exceptions import ImmediateHttpResponse, ReauthenticationRequired
from allauth.socialaccount.adapter import (
    DefaultSocialAccountAdapter,
    _build_apps_from_settings,
)
from allauth.socialaccount.adapter import get_adapter as get_provider_adapter
from allauth.socialaccount.providers import registry
from allauth.socialaccount.providers.base.constants import AuthProcess
from django.conf import settings
from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.shortcuts import redirect
from django.urls import reverse

from accounts.models.users import User
from accounts.sign_in import attempt_limits, identities, known_devices, recording

log = structlog.get_logger(__name__)

# Asked for by anybody, for an address that may be anybody's.
ASKED_FOR = {"account/email/password_reset_key", "account/email/unknown_account"}


class AccountAdapter(DefaultAccountAdapter):
    """Sign-in as this product wants it: accounts are made by those who may."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "too_many_login_attempts": "Too many failed tries. Wait a few minutes, or"
        " choose a new password by mail: that always works."
    }

    def is_open_for_signup(self, request):
        return False

    # --- Guesses ------------------------------------------------------------

    def pre_authenticate(self, request, **credentials):
        login = credentials.get("email") or credentials.get("username") or ""
        # Undone by allauth once the password was right.
        self._login_failed_rl_usage = attempt_limits.take(request, "password", login)
        if self._login_failed_rl_usage is None:
            raise self.validation_error("too_many_login_attempts")

    def get_login_stages(self):
        return [
            "allauth.account.stages.EmailVerificationStage",
            "accounts.sign_in.second_factors.SecondFactorStage",
        ]

    def post_login(self, request, user, **kwargs):
        response = super().post_login(request, user, **kwargs)
        known_devices.remember(response, user)
        return response

    # --- Showing once more who it is ----------------------------------------

    def is_reauthentication_required(self, *, app, **kwargs):
        # allauth asks nothing of who has neither password nor factor.
        request = context_of.request
        if is_stale(request) and self.get_reauthentication_methods(request.user):
            raise ReauthenticationRequired
        return super().is_reauthentication_required(app=app, **kwargs)

    def get_reauthentication_methods(self, user):
        """Return password and factors, or else the providers somebody comes from."""
        methods = super().get_reauthentication_methods(user)
        if methods or not user.is_authenticated:
            return methods
        mine = {each.provider for each in identities.identities_of(user)}
        return [
            {
                "id": f"provider:{provider.sub_id}",
                "description": f"Sign in with {provider.name}",
                "url": provider.get_login_url(context_of.request),
            }
            for provider in get_provider_adapter().list_providers(context_of.request)
            if provider.sub_id in mine
        ]

    # --- Addresses and mails ------------------------------------------------

    def confirm_email(self, request, email_address):
        try:
            with transaction.atomic():
                return super().confirm_email(request, email_address)
        except IntegrityError:
            # Another account got the address meanwhile, or a deleted one has it.
            return False

    def send_confirmation_mail(self, request, emailconfirmation, signup):
        """Send the code, unless the address is another's: that one is told so.

        The page is the same, so that nobody learns who has an account.
        """
        address = emailconfirmation.email_address
        others = User.all_objects.exclude(pk=address.user_id)
        if others.has_email(address.email):
            self.send_mail("account/email/address_taken", address.email, {})
        else:
            super().send_confirmation_mail(request, emailconfirmation, signup)

    def send_password_reset_mail(self, user, email, context):
        if user.is_oauth_user and not user.has_usable_password():
            self.send_mail("account/email/signs_in_elsewhere", email, {"user": user})
        else:
            super().send_password_reset_mail(user, email, context)

    def send_mail(self, template_prefix, email, context):
        """Send a mail once what it speaks of is stored.

        What somebody asks for again and again is not sent again: the earlier mail's
        link still works.
        """
        request = context_of.request
        if template_prefix in ASKED_FOR and not attempt_limits.take(
            request, "mail", email
        ):
            return
        here = {"domain": urlsplit(settings.PUBLIC_BASE_URL).netloc}
        facts = {"request": request, "email": email, "current_site": here}
        message = self.render_mail(template_prefix, email, facts | context)
        transaction.on_commit(message.send, robust=True)

    def get_email_verification_redirect_url(self, email_address):
        return reverse("accounts:account")

    def get_password_change_redirect_url(self, request):
        return reverse("accounts:account")

    def get_reset_password_from_key_url(self, key):
        return at_our_address(super().get_reset_password_from_key_url(key))


class ProviderAdapter(DefaultSocialAccountAdapter):
    """Sign-in by a provider: whoever it vouches for, and nobody else's account."""

    def list_apps(self, request, provider=None, client_id=None):
        """Return what the environment configures, and nothing kept elsewhere."""
        found = _build_apps_from_settings(provider=provider, client_id=client_id)
        return [app for apps in found.values() for app in apps]

    def list_providers(self, request):
        # Loading them takes memory that nobody needs who has none.
        if not settings.SOCIALACCOUNT_PROVIDERS:
            return []
        return super().list_providers(request)

    def get_provider(self, request, provider, client_id=None):
        registry.load()
        return super().get_provider(request, provider, client_id=client_id)

    def pre_social_login(self, request, sociallogin):
        """Find the account this identity belongs to, or refuse."""
        if sociallogin.state.get("process") == AuthProcess.CONNECT:
            identities.check_answer(sociallogin)
        else:
            identities.settle(sociallogin)

    def on_authentication_error(self, request, provider, exception=None, **kwargs):
        """Say why, and lead back; who was refused by us is recorded."""
        detail = identities.Refused.detail
        if isinstance(exception, identities.Refused):
            detail = exception.detail
            recording.record_refusal(provider.sub_id, type(exception).__name__)
        log.warning("Provider sign-in failed", provider=str(provider), why=exception)
        messages.error(request, detail)
        is_known = request.user.is_authenticated
        raise ImmediateHttpResponse(
            redirect("accounts:account" if is_known else "account_login")
        )

    def get_connect_redirect_url(self, request, socialaccount):
        return reverse("accounts:account")


def is_stale(request: HttpRequest) -> bool:
    """Say whether somebody who has nothing to show here came a while ago."""
    user = request.user
    if not user.is_authenticated or get_reauthentication_flows(user):
        return False
    since = time.time() - account_settings.REAUTHENTICATION_TIMEOUT
    records = get_authentication_records(request, user)
    return not any(
        record.get("method") == "socialaccount" and record["at"] > since
        for record in records
    )


def at_our_address(url: str) -> str:
    """Put the configured address in a mailed link, whatever Host was asked for."""
    own, link = urlsplit(settings.PUBLIC_BASE_URL), urlsplit(url)
    return urlunsplit(link._replace(scheme=own.scheme, netloc=own.netloc))
