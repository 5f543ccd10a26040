"""Connect an organization to makers of models: create, change, delete accounts."""

from typing import Any
from uuid import UUID

from django.db import transaction

from accounts.audit import log as audit
from accounts.encryption import encrypt
from accounts.errors import DomainError, Invalid, NotFound
from accounts.models.audit import AuditAction
from accounts.models.organizations import Organization
from accounts.models.users import User
from accounts.webhooks.endpoints import checked_url
from agents.knowledge.embedding_jobs import want_vectors
from agents.models.knowledge import KnowledgePack
from agents.models.providers import USUAL_URLS, ProviderAccount

MAX_ACCOUNTS = 20
MAX_URL = 500
MAX_KEY = 1_000
# What a call may name; the key is named too, and stored in another form.
CHANGEABLE = (
    "name",
    "kind",
    "base_url",
    "default_model",
    "embedding_model",
    "silence_seconds",
    "fallback",
    "is_enabled",
    "is_default",
)
AUDITED = (*(name for name in CHANGEABLE if name != "fallback"), "key_last_four")


class AccountLimitReached(DomainError):
    status = 403
    code = "provider-limit-reached"
    detail = f"An organization has at most {MAX_ACCOUNTS} accounts."


@transaction.atomic
def create_account(
    *,
    organization: Organization,
    actor: User | None,
    name: str,
    kind: str,
    base_url: str = "",
    api_key: str = "",
    **wishes: Any,
) -> ProviderAccount:
    """Store an account; its first one is the organization's default.

    `wishes` are others of CHANGEABLE, the fallback by its id.
    Raises AccountLimitReached, Invalid.
    """
    organization = Organization.objects.locked(organization.pk)
    mine = ProviderAccount.objects.for_organization(organization)
    count = mine.count()
    if count >= MAX_ACCOUNTS:
        raise AccountLimitReached(limit=MAX_ACCOUNTS, used=count)
    account = ProviderAccount(organization=organization)
    wishes.setdefault("is_default", count == 0 and wishes.get("is_enabled", True))
    given = {"name": name, "kind": kind, "base_url": base_url, "api_key": api_key}
    _apply(account, given | wishes)
    _take_default(account)
    account.save(force_insert=True)
    _record(AuditAction.CREATE, account, actor, audit.difference({}, audited(account)))
    return account


@transaction.atomic
def update_account(
    *, account: ProviderAccount, actor: User | None, changes: dict[str, Any]
) -> ProviderAccount:
    """Change an account; a key that is not named stays. Raises Invalid, NotFound."""
    account = locked(account)
    before, made_vectors = audited(account), vectors_of(account)
    former_key = account.encrypted_key
    _apply(account, changes)
    difference = audit.difference(before, audited(account))
    if account.encrypted_key != former_key:
        # That it changed, also where both end alike; the log leaves out what it was.
        difference["api_key"] = {"old": "", "new": ""}
    if not difference:
        return account
    _take_default(account)
    account.save()
    if vectors_of(account) != made_vectors:
        renew_vectors(account.organization)
    _record(AuditAction.UPDATE, account, actor, difference)
    return account


@transaction.atomic
def delete_account(*, account: ProviderAccount, actor: User | None) -> None:
    """Forget an account and its key; who is answered by it is answered otherwise."""
    account = locked(account)
    made_vectors, pk = vectors_of(account), account.pk
    account.delete()
    account.pk = pk
    if made_vectors:
        renew_vectors(account.organization)
    _record(AuditAction.DELETE, account, actor)


def locked(account: ProviderAccount) -> ProviderAccount:
    """Lock the organization, whose accounts depend on one another, and read anew."""
    organization = Organization.objects.locked(account.organization_id)
    found = ProviderAccount.objects.for_organization(organization).filter(pk=account.pk)
    if not (rows := list(found.with_fallback())):
        raise NotFound
    rows[0].organization = organization
    return rows[0]


def _apply(account: ProviderAccount, values: dict[str, Any]) -> None:
    former = (account.kind, account.base_url, account.embedding_model)
    for name in ("name", "default_model", "embedding_model"):
        if name in values:
            setattr(account, name, values[name].strip())
    for name in ("kind", "silence_seconds", "is_enabled", "is_default"):
        if name in values:
            setattr(account, name, values[name])
    if "base_url" in values or "kind" in values:
        account.base_url = _url(account, values.get("base_url", account.base_url))
    if "api_key" in values:
        _set_key(account, values["api_key"])
    elif account.encrypted_key and account.base_url != former[1]:
        # Whoever may change where it leads must not learn the key by that.
        raise Invalid("Enter the key again for another URL.", pointer="/api_key")
    if "fallback" in values:
        account.fallback = _fallback(account, values["fallback"])
    if account.is_default and not account.is_enabled:
        raise Invalid("The default account is enabled.", pointer="/is_default")
    _check_name(account)
    if (account.kind, account.base_url, account.embedding_model) != former:
        # What was learnt was learnt of another place.
        account.embedding_dimensions = 0
        account.checked_at, account.check_error = None, ""
    if (account.kind, account.base_url) != former[:2]:
        account.known_models = []


def _url(account: ProviderAccount, text: str) -> str:
    text = text.strip() or USUAL_URLS.get(account.kind, "")
    if not text:
        raise Invalid("Where is it? Enter its base URL.", pointer="/base_url")
    try:
        url = checked_url(text).rstrip("/")
    except Invalid as error:
        raise Invalid(error.detail, pointer="/base_url") from None
    if "?" in url or "#" in text or len(url) > MAX_URL:
        raise Invalid(
            f"At most {MAX_URL} characters, without ? and #.", pointer="/base_url"
        )
    return url


def _set_key(account: ProviderAccount, key: str) -> None:
    key = key.strip()
    if len(key) > MAX_KEY or not all("!" <= char <= "~" for char in key):
        raise Invalid("A key is visible ASCII without spaces.", pointer="/api_key")
    account.encrypted_key = encrypt(key) if key else ""
    # Four of a short one would be half of it.
    account.key_last_four = key[-4:] if len(key) >= 12 else ""


def _fallback(account: ProviderAccount, wanted: UUID | None) -> ProviderAccount | None:
    if wanted is None:
        return None
    mine = ProviderAccount.objects.for_organization(account.organization)
    found = mine.exclude(pk=account.pk).filter(pk=wanted).first()
    if found is None:
        raise Invalid("There is no other account of this id.", pointer="/fallback")
    return found


def _check_name(account: ProviderAccount) -> None:
    if not account.name:
        raise Invalid("Enter a name.", pointer="/name")
    mine = ProviderAccount.objects.for_organization(account.organization)
    if mine.exclude(pk=account.pk).filter(name__iexact=account.name).exists():
        raise Invalid("Another account already has this name.", pointer="/name")


def _take_default(account: ProviderAccount) -> None:
    """Leave one default at most."""
    if account.is_default:
        mine = ProviderAccount.objects.for_organization(account.organization)
        mine.exclude(pk=account.pk).filter(is_default=True).update(is_default=False)


def renew_vectors(organization: Organization) -> None:
    """Have the vectors of all documents made by whoever makes them now."""
    packs = KnowledgePack.objects.for_organization(organization).order_by()
    for pack_id in packs.values_list("pk", flat=True):
        want_vectors(pack_id)


def vectors_of(account: ProviderAccount) -> tuple[str, str, int] | None:
    """Return what the organization's vectors depend on, if they come from here."""
    if not account.makes_vectors:
        return None
    return account.base_url, account.embedding_model, account.embedding_dimensions


def audited(account: ProviderAccount) -> dict[str, Any]:
    """Return what the audit log shows of an account: nothing that is secret."""
    known = {name: getattr(account, name) for name in AUDITED}
    return known | {"fallback": account.fallback_id and str(account.fallback_id)}


def _record(
    action: AuditAction,
    account: ProviderAccount,
    actor: User | None,
    changes: dict[str, Any] | None = None,
) -> None:
    audit.record(
        action=action,
        resource_type="provider_account",
        resource_id=account.pk,
        organization_id=account.organization_id,
        actor=actor,
        changes=changes,
    )
