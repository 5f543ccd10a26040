"""Create and revoke API keys."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.errors import Forbidden, Invalid
from accounts.models.api_keys import (
    APIKey,
    RateLimitTier,
    Scope,
    generate_key,
    hash_key,
)
from accounts.models.audit import AuditAction
from accounts.models.organizations import Membership, Organization
from accounts.models.users import User
from accounts.permissions import may


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
) -> tuple[APIKey, str]:
    """Create a key and return it with its raw form, which is shown this once."""
    name = name.strip()
    if not name or len(name) > 100:
        raise Invalid("Give the key a name of 1 to 100 characters.", pointer="/name")
    scopes = sorted(set(scopes))
    if not scopes or not set(scopes) <= set(Scope.values):
        raise Invalid("Choose at least one known scope.", pointer="/scopes")
    if expires_at is not None and expires_at <= timezone.now():
        raise Invalid("The expiry lies in the past.", pointer="/expires_at")
    membership = Membership.objects.filter(user=user, organization=organization).first()
    if membership is None or not all(may(membership.role, scope) for scope in scopes):
        raise Forbidden("A key cannot do more than its owner.")
    raw = generate_key()
    key = APIKey(
        user=user,
        organization=organization,
        name=name,
        key_hash=hash_key(raw),
        key_prefix=raw[:12],
        last_four=raw[-4:],
        scopes=scopes,
        rate_limit_tier=rate_limit_tier,
        agent_public_id=agent_public_id,
        expires_at=expires_at,
    )
    key.full_clean()
    key.save()
    audit.record(
        action=AuditAction.CREATE,
        resource_type="api_key",
        resource_id=key.pk,
        organization_id=organization.pk,
        actor=user,
        changes=audit.difference({}, {"name": name, "scopes": scopes}),
    )
    return key, raw


@transaction.atomic
def revoke_api_key(*, key: APIKey, actor: User) -> None:
    """Refuse a key from the next request on; a second call changes nothing."""
    key = APIKey.all_objects.select_for_update().get(pk=key.pk)
    if key.is_deleted:
        return
    key.soft_delete()
    audit.record(
        action=AuditAction.DELETE,
        resource_type="api_key",
        resource_id=key.pk,
        organization_id=key.organization_id,
        actor=actor,
    )
