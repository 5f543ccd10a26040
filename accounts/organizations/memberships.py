"""Where a person belongs and what an organization has set, read from memory.

Both are asked at nearly every page and change rarely. Credentials are not remembered:
whether a session or a key is good, the database says each time.
"""

from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS

from accounts.cache import recall, row_from, values_of
from accounts.models.organizations import Membership, Organization
from accounts.models.users import User

# What moves with the organization's things loads if somebody asks.
MOVING = {"agent_count", "has_webhooks"}
ORGANIZATION = tuple(
    field.attname
    for field in Organization._meta.concrete_fields
    if field.attname not in MOVING
)
MEMBERSHIP = ("id", "organization_id", "user_id", "role")


def organization_by_id(pk: int) -> Organization | None:
    """Return an organization, deleted or not, as it was last changed."""

    def load() -> dict[str, Any] | None:
        known = Organization.all_objects.using(DEFAULT_DB_ALIAS).only(*ORGANIZATION)
        found = known.filter(pk=pk).first()
        return found and values_of(found, ORGANIZATION)

    values = recall("organization", pk, seconds=settings.CACHE_TTL_ORG, load=load)
    return values and row_from(Organization, values)


def memberships_of(user: User) -> list[Membership]:
    """Return a person's memberships of living organizations, by organization."""
    read: dict[int, Organization] = {}

    def load() -> list[dict[str, Any]]:
        mine = Membership.objects.using(DEFAULT_DB_ALIAS).filter(user=user)
        rows = list(mine.select_related("organization").order_by("organization_id"))
        read.update({row.organization_id: row.organization for row in rows})
        return [values_of(row, MEMBERSHIP) for row in rows]

    seconds, found = settings.CACHE_TTL_PERMISSIONS, []
    for values in recall("memberships", user.pk, seconds=seconds, load=load):
        membership = row_from(Membership, values)
        number = membership.organization_id
        organization = read.get(number) or organization_by_id(number)
        if organization is not None and not organization.is_deleted:
            membership.organization, membership.user = organization, user
            found.append(membership)
    return found
