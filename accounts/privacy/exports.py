"""Give out what is kept of somebody, and record that it was asked for.

Making an archive reads whole tables, so nobody asks for the same one more than ten
times an hour; operators may.
"""

from collections.abc import Iterator
from typing import Any

from accounts.audit import log as audit
from accounts.models.audit import PLATFORM, AuditAction
from accounts.models.organizations import Organization
from accounts.models.users import User
from accounts.privacy import registry
from accounts.privacy.registry import Kind, Section
from accounts.privacy.visitors import find_visitor, stand_in
from accounts.rate_limits import Limit, take

AN_HOUR = 10


def export_person(*, user: User, actor: User | None) -> Iterator[Section]:
    """Return all that is kept of a person. Raises RateLimited."""
    _charge("person", user.pk, actor)
    _record("user", user.pk, PLATFORM, actor)
    return registry.sections(Kind.PERSON, user)


def export_organization(
    *, organization: Organization, actor: User | None
) -> Iterator[Section]:
    """Return all that an organization has. Raises RateLimited."""
    _charge("organization", organization.pk, actor)
    _record("organization", organization.pk, organization.pk, actor)
    return registry.sections(Kind.ORGANIZATION, organization)


def export_visitor(
    *, organization: Organization, actor: User | None, visitor_id: str
) -> Iterator[Section]:
    """Return all that is kept of a visitor. Raises Invalid, NotFound, RateLimited."""
    visitor = find_visitor(organization, visitor_id)
    _charge("visitors", organization.pk, actor)
    _record("visitor", stand_in(visitor), organization.pk, actor)
    return registry.sections(Kind.VISITOR, visitor)


def _charge(kind: str, key: Any, actor: User | None) -> None:
    if actor is not None:
        take(Limit("export", AN_HOUR, 3600, f"{kind}:{key}:{actor.pk}"))


def _record(
    resource_type: str, resource_id: Any, organization_id: int, actor: User | None
) -> None:
    audit.record(
        action=AuditAction.READ,
        resource_type=resource_type,
        resource_id=resource_id,
        organization_id=organization_id,
        actor=actor,
        metadata={"exported": True},
    )
