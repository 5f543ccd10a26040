"""Who a provider says somebody is, and which account that is."""

import hmac
from typing import Any

from allauth.socialaccount.models import SocialAccount, SocialLogin
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction

from accounts.audit import log as audit
from accounts.errors import Invalid, NotFound
from accounts.models.audit import AuditAction
from accounts.models.users import AuthProvider, User

KINDS = {
    "microsoft": AuthProvider.AZURE_AD,
    "amazon_cognito": AuthProvider.AWS_COGNITO,
}
MAX_NAMES = 100
MAX_NAME = 150


class Refused(PermissionDenied):
    """An identity opens no account; the detail says why."""

    detail = "That did not work. Sign in again."


class NotVouchedFor(Refused):
    """The provider does not say that the address is this person's."""

    detail = (
        "Your provider has not verified your email address, so it opens no account "
        "here. Verify it there, or sign in with your password."
    )


class Closed(Refused):
    """The account this identity belongs to is deleted."""

    detail = "This account is closed. Ask an owner of your organization."


class OtherIssuer(Refused):
    """An issuer took another's place: the same name may be somebody else there."""

    detail = (
        "This sign-in was set up with another provider before. Sign in with your "
        "password and connect it anew, or ask the person who runs this server."
    )


def settle(login: SocialLogin) -> User:
    """Return the account a login belongs to, made or brought up to date.

    An identity seen before keeps its account, whatever its address is today. A new
    one gets the account of its address only if the provider has verified that. Raises
    Refused.
    """
    check_answer(login)
    try:
        return _settle(login)
    except IntegrityError:
        # The other window was faster here, too.
        return _settle(login)


@transaction.atomic
def _settle(login: SocialLogin) -> User:
    known = (
        SocialAccount.objects.select_for_update()
        .filter(provider=login.account.provider, uid=login.account.uid)
        .first()
    )
    facts = {
        "provider": KINDS.get(login.account.provider, AuthProvider.OIDC),
        "sub": login.account.uid,
        "email": verified_email(login),
        "name": name_in(login.claims),
        "roles": names_in(login.claims.get("roles")),
        "groups": names_in(
            login.claims.get("groups", login.claims.get("cognito:groups"))
        ),
    }
    if known is not None:
        user = User.all_objects.select_for_update().get(pk=known.user_id)
        _follow(user, **facts)
        login.account = known
    else:
        user = upsert_oauth_user(**facts)
        login.account.user = user
        login.account.save()
    login.user = user
    return user


def upsert_oauth_user(
    *,
    provider: AuthProvider,
    sub: str,
    email: str,
    name: str = "",
    groups: list[str] | None = None,
    roles: list[str] | None = None,
) -> User:
    """Return the user of a provider's identity, made or brought up to date.

    The address must be one the provider has verified, or empty: then no new account
    is made and none is found by it. None for groups or roles leaves them as they are.
    Raises NotVouchedFor, Closed.
    """
    facts = {"name": name, "groups": groups, "roles": roles}
    email = email.strip().lower()
    try:
        return _upsert(provider, sub, email, facts)
    except IntegrityError:
        # Two windows at once: the other one has made it.
        return _upsert(provider, sub, email, facts)


@transaction.atomic
def _upsert(provider: AuthProvider, sub: str, email: str, facts: dict) -> User:
    everybody = User.all_objects.select_for_update()
    user = everybody.filter(provider=provider, provider_user_id=sub).first()
    if user is None:
        if not email:
            raise NotVouchedFor
        user = everybody.filter(email=email).first()
        if user is None:
            return _create(provider, sub, email, **facts)
        if not user.is_deleted:
            _claim(user, provider)
    _follow(user, provider=provider, sub=sub, email=email, **facts)
    return user


def _create(provider, sub, email, *, name, groups, roles) -> User:
    user = User(email=email, name=name, provider=provider, provider_user_id=sub)
    user.roles = roles or []
    user.set_unusable_password()
    user.save(force_insert=True)
    user.verify_email()
    _set_groups(user, groups or [])
    audit.record(
        action=AuditAction.CREATE,
        resource_type="user",
        resource_id=user.pk,
        actor=user,
        changes={"email": {"old": None, "new": email}},
        metadata={"provider": str(provider)},
    )
    return user


def _claim(user: User, provider: AuthProvider) -> None:
    """Open the account of an address to the identity that has shown it.

    Whoever made the account without showing it may be somebody else: their password
    and their sessions end.
    """
    if not user.has_verified_email():
        user.set_unusable_password()
        user.save(update_fields=["password", "updated_at"])
        user.end_sessions()
        user.verify_email()
    audit.record(
        action=AuditAction.UPDATE,
        resource_type="user",
        resource_id=user.pk,
        actor=user,
        changes={"identity": {"old": None, "new": str(provider)}},
    )


def _follow(user: User, *, provider, sub, email, name, groups, roles) -> None:
    """Take name, roles and groups over; they are the first provider's to say."""
    if user.is_deleted:
        raise Closed
    before = {"name": user.name, "roles": user.roles, "groups": user.group_names()}
    is_first = user.provider == provider and user.provider_user_id == sub
    if name and (is_first or not user.name):
        user.name = name
    if is_first and roles is not None:
        user.roles = roles
    if is_first and groups is not None and sorted(groups) != before["groups"]:
        _set_groups(user, groups)
    after = {"name": user.name, "roles": user.roles, "groups": user.group_names()}
    if changes := audit.difference(before, after):
        user.save(update_fields=["name", "roles", "updated_at"])
        audit.record(
            action=AuditAction.UPDATE,
            resource_type="user",
            resource_id=user.pk,
            actor=user,
            changes=changes,
            metadata={"provider": str(provider)},
        )


def _set_groups(user: User, names: list[str]) -> None:
    Group.objects.bulk_create(
        [Group(name=name) for name in names], ignore_conflicts=True
    )
    user.groups.set(Group.objects.filter(name__in=names))


def check_issuer(*, provider: str, sub: str, issuer: str) -> None:
    """Refuse an identity that another issuer gave the same name; raise OtherIssuer."""
    known = SocialAccount.objects.filter(provider=provider, uid=sub).first()
    before = known.extra_data.get("iss") if known else None
    if before is not None and before != issuer:
        raise OtherIssuer


def check_answer(login: SocialLogin) -> None:
    """Refuse a token that does not answer what this browser asked, by its nonce."""
    asked = (login.state.get("data") or {}).get("nonce")
    said = login.claims.get("nonce")
    is_text = isinstance(asked, str) and isinstance(said, str)
    if not is_text or not hmac.compare_digest(asked.encode(), said.encode()):
        raise Refused


def verified_email(login: SocialLogin) -> str:
    """Return the address the provider vouches for, or an empty text."""
    for one in login.email_addresses:
        if one.verified:
            return one.email.strip().lower()
    return ""


def identities_of(user: User) -> list[SocialAccount]:
    """Return what opens an account besides its password, each with its `kind`."""
    found = list(SocialAccount.objects.filter(user=user).order_by("date_joined"))
    for account in found:
        account.kind = KINDS.get(account.provider, AuthProvider.OIDC)
    return found


@transaction.atomic
def disconnect_identity(*, user: User, identity_id: int) -> AuthProvider:
    """Take an identity from an account. Raises NotFound for another's.

    Raises Invalid if no other way in would be left.
    """
    user = User.objects.select_for_update().get(pk=user.pk)
    mine = identities_of(user)
    found = next((one for one in mine if one.pk == identity_id), None)
    if found is None:
        raise NotFound
    if len(mine) == 1 and not user.has_usable_password():
        raise Invalid("Set a password first: nothing else would let you in.")
    found.delete()
    if user.provider_user_id == found.uid:
        user.provider, user.provider_user_id = AuthProvider.LOCAL, str(user.pk)
        user.save(update_fields=["provider", "provider_user_id", "updated_at"])
    audit.record(
        action=AuditAction.UPDATE,
        resource_type="user",
        resource_id=user.pk,
        actor=user,
        changes={"identity": {"old": str(found.kind), "new": None}},
    )
    return found.kind


def names_in(value: Any) -> list[str] | None:
    """Read a claim that is a list of names, or one; None if there is no such claim."""
    if value is None:
        return None
    values = value if isinstance(value, list) else [value]
    names = [text_in(one)[:MAX_NAME] for one in values]
    return [name for name in dict.fromkeys(names) if name][:MAX_NAMES]


def name_in(claims: dict[str, Any]) -> str:
    """Return a person's whole name as the claims have it, or an empty text."""
    parts = (text_in(claims.get(part)) for part in ("given_name", "family_name"))
    return (text_in(claims.get("name")) or " ".join(filter(None, parts)))[:255]


def text_in(value: Any) -> str:
    """Return a claim's text without what cannot be seen or stored."""
    if not isinstance(value, str):
        return ""
    return "".join(char for char in value if char.isprintable()).strip()
