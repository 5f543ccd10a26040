"""Delete an organization, bring it back, and at last erase it.

A deleted organization is refused wherever it could be asked for. Its rows stay as
they are until nobody may have it back.
"""

from typing import Any

import structlog
from django.db import transaction
from django.utils import timezone

from accounts.audit import log as audit
from accounts.errors import DomainError, NotFound
from accounts.models.audit import PLATFORM, AuditAction
from accounts.models.organizations import UNLIMITED, Organization
from accounts.models.users import User
from accounts.privacy import registry
from accounts.privacy.registry import Kind
from accounts.work.leases import send_on_commit

log = structlog.get_logger(__name__)

SEND_DELETED = "accounts.tasks.send_organization_deleted"


class NotRestorable(DomainError):
    """A deleted organization may not come back as it is."""

    status = 403
    code = "organization-not-restorable"


@transaction.atomic
def delete_organization(
    *, organization: Organization, actor: User | None
) -> Organization:
    """Refuse an organization from the next request on; a second call does nothing."""
    organization = _locked(organization)
    if organization.is_deleted:
        return organization
    organization.soft_delete()
    registry.delete(Kind.ORGANIZATION, organization)
    send_on_commit(SEND_DELETED, organization.pk)
    _record(AuditAction.DELETE, organization, actor)
    return organization


@transaction.atomic
def restore_organization(
    *, organization: Organization, actor: User | None
) -> Organization:
    """Bring a deleted organization back with all it had. Raises NotRestorable."""
    organization = _locked(organization)
    if not organization.is_deleted:
        return organization
    _check_restorable(organization)
    deleted_at = organization.deleted_at
    organization.restore()
    changes = {"deleted_at": {"old": deleted_at, "new": None}}
    _record(AuditAction.UPDATE, organization, actor, changes=changes)
    return organization


def _check_restorable(organization: Organization) -> None:
    """Its limits may have been lowered meanwhile, and its owners gone."""
    if organization.erased_at is not None:
        raise NotFound
    if not organization.memberships.owners().exists():
        raise NotRestorable("Nobody owns it any more. Name an owner first.")
    for what, used, limit in (
        ("agents", organization.agent_count, organization.max_agents),
        ("members", organization.memberships.count(), organization.max_members),
    ):
        if limit != UNLIMITED and used > limit:
            raise NotRestorable(
                f"It has {used} {what}, and its plan allows {limit} by now.",
                limit=limit,
                used=used,
            )


def erase_organization(*, organization: Organization, actor: User | None) -> None:
    """Erase a deleted organization and all it had, for good. Raises NotFound.

    May take long, and be called again where it was interrupted. The chain of its
    audit log stays, without details.
    """
    organization = _begin_erasing(organization)
    registry.erase(Kind.ORGANIZATION, organization)
    with transaction.atomic():
        organization_id = organization.pk
        organization.delete()
        audit.record(
            action=AuditAction.DELETE,
            resource_type="organization",
            resource_id=organization_id,
            organization_id=PLATFORM,
            actor=actor,
            metadata={"erased": True},
        )


@transaction.atomic
def _begin_erasing(organization: Organization) -> Organization:
    organization = _locked(organization)
    if not organization.is_deleted:
        raise NotFound("It is not deleted.")
    if organization.erased_at is None:
        organization.erased_at = timezone.now()
        organization.save(update_fields=["erased_at"])
    return organization


def erase_overdue_organizations() -> int:
    """Erase the organizations that nobody may have back; return how many."""
    overdue = list(Organization.all_objects.to_be_erased())
    return sum(_erased(organization) for organization in overdue)


def _erased(organization: Organization) -> bool:
    try:
        erase_organization(organization=organization, actor=None)
    except Exception:
        # One that cannot be erased must not keep the others.
        log.exception("Organization not erased", organization=organization.pk)
        return False
    return True


def _locked(organization: Organization) -> Organization:
    found = (
        Organization.all_objects.select_for_update(no_key=True)
        .filter(pk=organization.pk)
        .first()
    )
    if found is None:
        raise NotFound
    return found


def _record(
    action: AuditAction, organization: Organization, actor: User | None, **facts: Any
) -> None:
    audit.record(
        action=action,
        resource_type="organization",
        resource_id=organization.pk,
        organization_id=organization.pk,
        actor=actor,
        **facts,
    )
