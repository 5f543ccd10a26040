"""The visitors of an organization's sites: find what is kept of one, and erase it."""

import hashlib

from django.db import transaction

from accounts.audit import log as audit
from accounts.errors import Invalid, NotFound
from accounts.models.audit import AuditAction
from accounts.models.organizations import Organization
from accounts.models.users import User
from accounts.privacy import registry
from accounts.privacy.registry import Kind, Section, Visitor

LONGEST_ID = 255


def find_visitor(organization: Organization, visitor_id: str) -> Visitor:
    """Return somebody of whom there is something. Raises Invalid, NotFound."""
    if not 1 <= len(visitor_id) <= LONGEST_ID:
        raise Invalid(f"1 to {LONGEST_ID} characters.", pointer="/visitor_id")
    visitor = Visitor(organization, visitor_id)
    if not any(_has_rows(part) for part in registry.sections(Kind.VISITOR, visitor)):
        raise NotFound("Nothing is kept of such a visitor.")
    return visitor


def _has_rows(section: Section) -> bool:
    return next(iter(section[1]), None) is not None


@transaction.atomic
def erase_visitor(
    *, organization: Organization, actor: User | None, visitor_id: str
) -> None:
    """Erase a visitor's conversations and visits for good. Raises Invalid, NotFound."""
    visitor = find_visitor(organization, visitor_id)
    registry.erase(Kind.VISITOR, visitor)
    audit.record(
        action=AuditAction.DELETE,
        resource_type="visitor",
        resource_id=stand_in(visitor),
        organization_id=organization.pk,
        actor=actor,
    )


def stand_in(visitor: Visitor) -> str:
    """Return what the audit log, which outlives the rest, calls a visitor."""
    return hashlib.sha256(visitor.visitor_id.encode()).hexdigest()[:16]
