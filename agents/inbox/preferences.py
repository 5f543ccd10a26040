"""How each member takes part in the inbox."""

from typing import Any

from django.db import transaction

from accounts.audit import log as audit
from accounts.errors import Invalid
from accounts.models.audit import AuditAction
from accounts.models.organizations import Membership, Organization
from accounts.models.users import User
from agents.models.inbox import InboxPreference, Notify

MAX_SHOWN = 100
FIELDS = ("notify", "shown_name", "shown_title")


def preference_of(organization: Organization, user: User) -> InboxPreference:
    """Return a member's preference; an unsaved one where none was made yet."""
    membership = Membership.objects.get(organization=organization, user=user)
    made = InboxPreference.objects.filter(membership=membership).first()
    return made or InboxPreference(membership=membership)


@transaction.atomic
def set_preference(
    *, organization: Organization, user: User, changes: dict[str, Any]
) -> InboxPreference:
    """Change what a member is mailed and is shown as. Raises Invalid."""
    # Locked: two first changes at once must not both insert.
    Membership.objects.select_for_update(no_key=True).get(
        organization=organization, user=user
    )
    preference = preference_of(organization, user)
    before = facts_of(preference)
    for name, value in changes.items():
        setattr(preference, name, value.strip())
    if preference.notify not in Notify.values:
        raise Invalid("One of all, mine, none.", pointer="/notify")
    for name in ("shown_name", "shown_title"):
        if len(getattr(preference, name)) > MAX_SHOWN:
            raise Invalid(f"At most {MAX_SHOWN} characters.", pointer=f"/{name}")
    preference.save()
    audit.record(
        action=AuditAction.UPDATE,
        resource_type="inbox_preference",
        resource_id=preference.pk,
        organization_id=organization.pk,
        actor=user,
        changes=audit.difference(before, facts_of(preference)),
    )
    return preference


def facts_of(preference: InboxPreference) -> dict[str, str]:
    return {name: getattr(preference, name) for name in FIELDS}
