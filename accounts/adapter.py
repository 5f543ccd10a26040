from urllib.parse import urlsplit, urlunsplit

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings


class AccountAdapter(DefaultAccountAdapter):
    """Sign-in as this product wants it: accounts are made by those who may."""

    def is_open_for_signup(self, request):
        return False

    def get_reset_password_from_key_url(self, key):
        return at_our_address(super().get_reset_password_from_key_url(key))

    def get_email_confirmation_url(self, request, emailconfirmation):
        return at_our_address(
            super().get_email_confirmation_url(request, emailconfirmation)
        )


def at_our_address(url: str) -> str:
    """Put the configured address in a mailed link, whatever Host was asked for."""
    own, link = urlsplit(settings.PUBLIC_BASE_URL), urlsplit(url)
    return urlunsplit(link._replace(scheme=own.scheme, netloc=own.netloc))
