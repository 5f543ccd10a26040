"""Create, rotate and revoke API keys."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.access import key_bindings
from accounts.access.permissions import may
from accounts.audit import log as audit
from accounts.errors import Forbidden, Invalid, KeyReused
from accounts.models.api_keys import (
    APIKey,
    RateLimitTier,
    Scope,
    generate_key,
    hash_key,
)
from accounts.models.audit import AuditAction
from accounts.models.organizations import Membership, Organization, Plan
from accounts.models.users import User
from accounts.organizations.members import check_outranks

# What an organization may ask of us depends on what it has agreed to.
TIERS = {
    Plan.FREE: [RateLimitTier.FREE],
    Plan.PRO: [RateLimitTier.FREE, RateLimitTier.PRO],
    Plan.ENTERPRISE: list(RateLimitTier),
}
# So long a mistaken revocation can be undone; a key that leaked stays dead.
UNDO_WITHIN = timedelta(minutes=15)


@transaction.atomic
def create_api_key(
    *,
    user: User,
    organization: Organization,
    name: str,
    scopes: Iterable[str],
    rate_limit_tier: str = RateLimitTier.FREE,
    agent_public_id: UUID | None = None,
    expires_at: datetime | None = None,
    idempotency_key: str | None = None,
    request_fingerprint: str = "",
    acting_key: APIKey | None = None,
) -> tuple[APIKey, str | None]:
    """Create a key and return it with its raw form, which is shown this once.

    A repeated idempotency key returns the first key and None for its raw form. A key
    that asks for another one gives no more than it has. Raises Invalid, Forbidden.
    """
    # Locked so that two equal requests cannot both find nothing.
    organization = Organization.objects.locked(organization.pk)
    if twin := _twin(organization, user, idempotency_key, request_fingerprint):
        return twin, None
    name, scopes = name.strip(), sorted(set(scopes))
    # A key that has one keeps it, through rotation and restoration.
    if set(scopes) & set(Scope.values) - set(Scope.offered()):
        raise Invalid("This scope is not available yet.", pointer="/scopes")
    _check(user, organization, name, scopes, rate_limit_tier, expires_at)
    if agent_public_id and not key_bindings.knows(organization, agent_public_id):
        raise Invalid("There is no such agent.", pointer="/agent_public_id")
    key, raw = _new_key(
        user=user,
        organization=organization,
        name=name,
        scopes=scopes,
        rate_limit_tier=rate_limit_tier,
        acting_key=acting_key,
        agent_public_id=agent_public_id,
        expires_at=expires_at,
        idempotency_key=idempotency_key,
        request_fingerprint=request_fingerprint,
    )
    _record(AuditAction.CREATE, key, user, {}, {"name": name, "scopes": scopes})
    return key, raw


def _twin(
    organization: Organization, user: User, idempotency_key: str | None, asked: str
) -> APIKey | None:
    """Return what an idempotency key has made. Raises KeyReused."""
    if idempotency_key is None:
        return None
    mine = APIKey.all_objects.filter(organization=organization)
    twin = mine.filter(idempotency_key=idempotency_key).first()
    if twin is None:
        return None
    if twin.user_id != user.pk:
        raise KeyReused
    twin.check_same_request(asked)
    return twin


def _check(
    user: User,
    organization: Organization,
    name: str,
    scopes: list[str],
    tier: str,
    expires_at: datetime | None,
) -> None:
    if not 1 <= len(name) <= 100:
        raise Invalid("Give the key a name of 1 to 100 characters.", pointer="/name")
    if not scopes or not set(scopes) <= set(Scope.values):
        raise Invalid("Choose at least one known scope.", pointer="/scopes")
    if tier not in TIERS[Plan(organization.plan)]:
        raise Invalid("Your plan does not include this.", pointer="/rate_limit_tier")
    if expires_at is not None and expires_at <= timezone.now():
        raise Invalid("The expiry lies in the past.", pointer="/expires_at")
    membership = Membership.objects.filter(user=user, organization=organization).first()
    if membership is None or not all(may(membership.role, scope) for scope in scopes):
        raise Forbidden("A key cannot do more than its owner.")


def _new_key(*, acting_key: APIKey | None, **fields) -> tuple[APIKey, str]:
    raw = generate_key()
    key = APIKey(
        key_hash=hash_key(raw), key_prefix=raw[:12], last_four=raw[-4:], **fields
    )
    if acting_key is not None:
        _check_within(acting_key, key)
    key.full_clean()
    key.save(force_insert=True)
    return key, raw


def _check_within(acting: APIKey, new: APIKey) -> None:
    """Refuse a key that would hold more than the one that asks for it."""
    tiers = list(RateLimitTier)
    is_within = (
        all(acting.has_scope(scope) for scope in new.scopes)
        and acting.agent_public_id in (None, new.agent_public_id)
        and tiers.index(RateLimitTier(new.rate_limit_tier))
        <= tiers.index(RateLimitTier(acting.rate_limit_tier))
    )
    if not is_within:
        raise Forbidden("A key cannot create a key that may do more than itself.")
    if acting.expires_at and not (
        new.expires_at and new.expires_at <= acting.expires_at
    ):
        raise Invalid(
            "A key cannot create a key that outlives it.", pointer="/expires_at"
        )


@transaction.atomic
def rotate_api_key(
    *,
    key: APIKey,
    actor: User,
    overlap_seconds: int,
    idempotency_key: str | None = None,
    request_fingerprint: str = "",
    acting_key: APIKey | None = None,
) -> tuple[APIKey, str | None]:
    """Replace the actor's own key by one of the same rights; both work for the overlap.

    A repeated idempotency key returns the successor and None for its raw form.
    Another member's is refused: its successor would be that member's secret. Raises
    Invalid, Forbidden, KeyReused.
    """
    organization = Organization.objects.locked(key.organization_id)
    if twin := _twin(organization, actor, idempotency_key, request_fingerprint):
        return twin, None
    key = APIKey.objects.select_for_update().filter(pk=key.pk).first() or key
    if not key.is_active:
        raise Invalid("This key is revoked or has expired.")
    if key.user_id != actor.pk:
        raise Forbidden(
            "Only its owner can rotate a key. Create your own and revoke this one."
        )
    _check(
        actor, organization, key.name, key.scopes, key.rate_limit_tier, key.expires_at
    )
    new, raw = _new_key(
        acting_key=acting_key,
        user=key.user,
        organization=key.organization,
        name=key.name,
        scopes=key.scopes,
        rate_limit_tier=key.rate_limit_tier,
        agent_public_id=key.agent_public_id,
        expires_at=key.expires_at,
        idempotency_key=idempotency_key,
        request_fingerprint=request_fingerprint,
    )
    ends_at = timezone.now() + timedelta(seconds=overlap_seconds)
    before = key.expires_at
    key.expires_at = min(ends_at, key.expires_at or ends_at)
    key.save(update_fields=["expires_at", "updated_at"])
    _record(
        AuditAction.UPDATE,
        key,
        actor,
        {"expires_at": before and before.isoformat()},
        {"expires_at": key.expires_at.isoformat(), "replaced_by": str(new.pk)},
    )
    return new, raw


@transaction.atomic
def revoke_api_key(*, key: APIKey, actor: User) -> None:
    """Refuse a key from the next request on; a second call changes nothing."""
    key = APIKey.all_objects.select_for_update().get(pk=key.pk)
    if key.is_deleted:
        return
    key.soft_delete()
    _record(AuditAction.DELETE, key, actor, {}, {})


@transaction.atomic
def restore_api_key(*, key: APIKey, actor: User) -> APIKey:
    """Take a revocation back for a short while, if the key would still be given.

    What its owner may do and what the plan includes is checked again. A key of a
    member whose role the actor may not give is left to that member. Raises Invalid,
    Forbidden.
    """
    organization = Organization.objects.locked(key.organization_id)
    key = APIKey.all_objects.select_for_update().get(pk=key.pk)
    if not key.is_deleted:
        return key
    if timezone.now() - key.deleted_at > UNDO_WITHIN:
        raise Invalid("It was revoked too long ago. Make a new one.")
    owner = key.user
    if owner.is_deleted or not owner.is_active:
        raise Forbidden("Its owner's account is closed.")
    if owner.pk != actor.pk:
        check_outranks(organization, actor, owner)
    _check(
        owner, organization, key.name, key.scopes, key.rate_limit_tier, key.expires_at
    )
    before = key.deleted_at.isoformat()
    key.restore()
    _record(AuditAction.UPDATE, key, actor, {"deleted_at": before}, {})
    return key


def _record(
    action: AuditAction, key: APIKey, actor: User, before: dict, after: dict
) -> None:
    audit.record(
        action=action,
        resource_type="api_key",
        resource_id=key.pk,
        organization_id=key.organization_id,
        actor=actor,
        changes=audit.difference(before, after),
    )
