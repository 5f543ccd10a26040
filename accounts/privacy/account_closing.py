"""Close a person's account, open it again, and at last erase it.

A closed account is refused everywhere from the next request on. Nothing of it is
erased until nobody may have it back.
"""

from typing import Any
from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone

from accounts.audit import log as audit
from accounts.errors import DomainError, NotFound
from accounts.models.api_keys import APIKey
from accounts.models.audit import AuditAction
from accounts.models.organizations import Organization
from accounts.models.users import User
from accounts.privacy import own_data, registry
from accounts.privacy.registry import Kind
from accounts.work.leases import send_on_commit

log = structlog.get_logger(__name__)

SEND_CLOSED = "accounts.tasks.send_account_closed"


class SoleOwner(DomainError):
    """Somebody is the only owner of organizations that others still need."""

    status = 403
    code = "sole-owner"

    def __init__(self, organizations: list[Organization]) -> None:
        names = ", ".join(one.name for one in organizations)
        facts = [{"id": one.pk, "name": one.name} for one in organizations]
        super().__init__(
            f"Nobody else owns {names}. Hand it over or delete it first.",
            organizations=facts,
        )


@transaction.atomic
def close_account(*, user: User, actor: User | None) -> User:
    """Hide a person, end their sessions, keys and memberships. Raises SoleOwner.

    A second call changes nothing.
    """
    # Locked in one order, so that owners who leave together do so one by one.
    organizations = list(
        Organization.objects.filter(memberships__user=user)
        .order_by("pk")
        .select_for_update(no_key=True, of=("self",))
    )
    user = User.all_objects.select_for_update().get(pk=user.pk)
    if user.is_deleted:
        return user
    if needed := [one for one in organizations if one.is_owned_only_by(user)]:
        raise SoleOwner(needed)
    roles = dict(user.memberships.values_list("organization_id", "role"))
    for membership in user.memberships.all():
        membership.delete()  # one by one: each is remembered elsewhere, too
    APIKey.objects.filter(user=user).update(deleted_at=timezone.now())
    registry.delete(Kind.PERSON, user)
    user.soft_delete()
    send_on_commit(SEND_CLOSED, user.pk)
    for organization_id, role in sorted(roles.items()):
        _record(
            AuditAction.DELETE,
            user,
            actor,
            resource_type="membership",
            organization_id=organization_id,
            changes={"role": {"old": role, "new": None}},
        )
    _record(AuditAction.DELETE, user, actor)
    return user


@transaction.atomic
def reopen_account(*, user: User, actor: User | None) -> User:
    """Let a person sign in again; who wants them back as a member invites them.

    Their keys stay revoked and their memberships ended, so no limit is exceeded.
    """
    user = User.all_objects.select_for_update().get(pk=user.pk)
    if not user.is_deleted:
        return user
    deleted_at = user.deleted_at
    user.restore()
    changes = {"deleted_at": {"old": deleted_at, "new": None}}
    _record(AuditAction.UPDATE, user, actor, changes=changes)
    return user


@transaction.atomic
def erase_account(*, user_id: UUID, actor: User | None = None) -> None:
    """Erase a closed account and all it kept, for good. Raises NotFound.

    What the person did stays in the audit log under an id that leads nowhere.
    """
    user = User.all_objects.select_for_update().filter(pk=user_id).first()
    if user is None or not user.is_deleted:
        raise NotFound("There is no closed account of this id.")
    registry.erase(Kind.PERSON, user)
    user.delete()
    user.pk = user_id
    own_data.forget_details(user, actor)
    _record(AuditAction.DELETE, user, actor, metadata={"erased": True})


def erase_overdue_accounts() -> int:
    """Erase the accounts that nobody may have back; return how many."""
    overdue = User.all_objects.to_be_erased().values_list("pk", flat=True)
    return sum(_erased(user_id) for user_id in list(overdue))


def _erased(user_id: UUID) -> bool:
    try:
        erase_account(user_id=user_id)
    except Exception:
        # One that cannot be erased must not keep the others.
        log.exception("Account not erased", user=str(user_id))
        return False
    return True


def _record(
    action: AuditAction,
    user: User,
    actor: User | None,
    *,
    resource_type: str = "user",
    **facts: Any,
) -> None:
    audit.record(
        action=action,
        resource_type=resource_type,
        resource_id=user.pk,
        actor=actor,
        **facts,
    )
