"""Who a provider says somebody is, and which account that is."""

from typing import Any

from allauth.socialaccount.models import SocialLogin
from django.contrib.auth.models import Group

from accounts.models.users import AuthProvider, User

PROVIDERS = {
    "microsoft": AuthProvider.AZURE_AD,
    "amazon_cognito": AuthProvider.AWS_COGNITO,
}
MAX_NAMES = 100
MAX_NAME = 150


class NotVouchedFor(Exception):
    """The provider does not say that the address is this person's."""

    detail = (
        "Your provider has not verified your email address, so it opens no account "
        "here. Verify it there, or sign in with your password."
    )


class Closed(Exception):
    """The account this identity belongs to is deleted."""

    detail = "This account is closed. Ask an owner of your organization."


def settle(login: SocialLogin, *, is_connecting: bool = False) -> None:
    """Point a login at the account it belongs to; raise NotVouchedFor.

    An identity seen before keeps its account, whatever its address is today. A new
    one gets the account of its address only if the provider has verified that. Raises
    Closed too.
    """
    if login.account.pk is not None:
        user = User.all_objects.get(pk=login.account.user_id)
        if user.is_deleted:
            raise Closed
        describe(user, login)
        user.save()
        set_groups(user, login)
        return
    if is_connecting:
        return
    email = verified_email(login)
    if not email:
        raise NotVouchedFor
    login.user.email = email
    # Addresses it has not verified are not kept.
    login.email_addresses = [one for one in login.email_addresses if one.verified]
    same = User.all_objects.filter(email=email).first()
    if same is not None and same.is_deleted:
        raise Closed
    if same is not None:
        # It stays a local account too: its password still opens it.
        login.user = same
        login.account.user = same
        login.account.save()


def verified_email(login: SocialLogin) -> str:
    """Return the address the provider vouches for, or an empty text."""
    vouches = login.provider.get_settings().get("VERIFIED_EMAIL", False)
    for one in login.email_addresses:
        if one.verified or vouches:
            one.verified = True
            return one.email.strip().lower()
    return ""


def claims_of(login: SocialLogin) -> dict[str, Any]:
    """Return all that the provider says, what it signed before what it looked up."""
    data = login.account.extra_data or {}
    if "userinfo" in data or "id_token" in data:
        return (data.get("userinfo") or {}) | (data.get("id_token") or {})
    return data


def describe(user: User, login: SocialLogin) -> None:
    """Take name and roles over from the claims; a local account stays local."""
    claims = claims_of(login)
    if name := _name(claims):
        user.name = name
    if user._state.adding:
        user.provider = PROVIDERS.get(login.account.provider, AuthProvider.OIDC)
        user.provider_user_id = str(login.account.uid)[:255]
    if user.provider != AuthProvider.LOCAL and "roles" in claims:
        user.roles = names_in(claims["roles"])


def set_groups(user: User, login: SocialLogin) -> None:
    """Put a person into the groups the claims name, and out of all others."""
    claims = claims_of(login)
    found = claims.get("groups", claims.get("cognito:groups"))
    if found is None or user.provider == AuthProvider.LOCAL:
        return
    groups = [Group.objects.get_or_create(name=name)[0] for name in names_in(found)]
    user.groups.set(groups)


def names_in(value: Any) -> list[str]:
    """Read a claim that is a list of names, or one; what is neither is left out."""
    values = value if isinstance(value, list) else [value]
    names = [one.strip()[:MAX_NAME] for one in values if isinstance(one, str)]
    return [name for name in dict.fromkeys(names) if name][:MAX_NAMES]


def _name(claims: dict[str, Any]) -> str:
    parts = (claims.get("given_name"), claims.get("family_name"))
    whole = " ".join(one for one in parts if isinstance(one, str) and one)
    name = claims.get("name") or claims.get("displayName") or whole
    return name.strip()[:255] if isinstance(name, str) else ""
