from urllib.parse import urlsplit, urlunsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.core.internal import ratelimit
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.conf import settings
from django.contrib import messages
from django.shortcuts import redirect

from accounts import devices, identities

# From all unknown browsers together: enough for who mistypes, too few to guess.
GUESSES = {"login_guessed": "100/h/key"}


class AccountAdapter(DefaultAccountAdapter):
    """Sign-in as this product wants it: accounts are made by those who may."""

    def is_open_for_signup(self, request):
        return False

    def pre_authenticate(self, request, **credentials):
        """Count attempts for account and address together, and guard the account.

        A stranger who keeps failing is refused alone. What many strangers use up
        stops unknown browsers, never one its owner has signed in with before.
        """
        super().pre_authenticate(request, **credentials)
        login = _login_of(credentials)
        if devices.is_known(request, login):
            return
        guessed = ratelimit.consume(
            request,
            app="accounts",
            action="login_guessed",
            config=GUESSES,
            key=login,
        )
        if not guessed:
            raise self.validation_error("too_many_login_attempts")
        self._login_failed_rl_usage.usage += guessed.usage

    def _get_login_attempts_cache_key(self, request, **credentials):
        login = _login_of(credentials)
        if devices.is_known(request, login):
            return f"{login}:known"
        return f"{login}:{self.get_client_ip(request)}"

    def post_login(self, request, user, **kwargs):
        response = super().post_login(request, user, **kwargs)
        devices.remember(response, user)
        return response

    def get_reset_password_from_key_url(self, key):
        return at_our_address(super().get_reset_password_from_key_url(key))

    def get_email_confirmation_url(self, request, emailconfirmation):
        return at_our_address(
            super().get_email_confirmation_url(request, emailconfirmation)
        )


class ProviderAdapter(DefaultSocialAccountAdapter):
    """Sign-in by a provider: whoever it vouches for, and nobody else's account."""

    def pre_social_login(self, request, sociallogin):
        """Find the account this identity belongs to, or refuse."""
        is_connecting = sociallogin.state.get("process") == "connect"
        try:
            identities.settle(sociallogin, is_connecting=is_connecting)
        except (identities.NotVouchedFor, identities.Closed) as error:
            messages.error(request, error.detail)
            raise ImmediateHttpResponse(redirect("account_login")) from None

    def is_open_for_signup(self, request, sociallogin):
        # Only those with a verified address come this far.
        return True

    def populate_user(self, request, sociallogin, data):
        user = super().populate_user(request, sociallogin, data)
        identities.describe(user, sociallogin)
        return user

    def save_user(self, request, sociallogin, form=None):
        user = super().save_user(request, sociallogin, form)
        identities.set_groups(user, sociallogin)
        return user

    def on_authentication_error(self, request, provider, **kwargs):
        messages.error(request, "That did not work. Sign in again.")
        raise ImmediateHttpResponse(redirect("account_login"))


def _login_of(credentials: dict[str, str]) -> str:
    login = credentials.get("email") or credentials.get("username") or ""
    return login.strip().lower()


def at_our_address(url: str) -> str:
    """Put the configured address in a mailed link, whatever Host was asked for."""
    own, link = urlsplit(settings.PUBLIC_BASE_URL), urlsplit(url)
    return urlunsplit(link._replace(scheme=own.scheme, netloc=own.netloc))
