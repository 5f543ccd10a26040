"""File conversations under names that the whole organization shares."""

from typing import Any

from django.db import transaction

from accounts.audit import log as audit
from accounts.errors import DomainError, Invalid
from accounts.models.audit import AuditAction
from accounts.models.organizations import Organization
from accounts.models.users import User
from agents.models.feedback import Tag
from agents.models.sessions import Session

MAX_NAME = 50
MOST_OF_ONE = 20


class TooManyTags(DomainError):
    status = 422
    code = "too-many-tags"
    detail = f"A conversation bears at most {MOST_OF_ONE} tags."
    pointer = "/name"


@transaction.atomic
def add_tag(*, session: Session, name: str, actor: User | None) -> tuple[Tag, bool]:
    """File a conversation under a name, made if need be; False when it was already.

    Raises Invalid, TooManyTags.
    """
    name = " ".join(name.split())
    if not 1 <= len(name) <= MAX_NAME:
        raise Invalid(f"1 to {MAX_NAME} characters.", pointer="/name")
    # Locked: two at once must not both take the last place.
    locked = Session.objects.select_for_update(no_key=True).get(pk=session.pk)
    tag = _named(locked.organization_id, name)
    borne = set(locked.tags.values_list("pk", flat=True))
    if tag.pk in borne:
        return tag, False
    if len(borne) >= MOST_OF_ONE:
        raise TooManyTags
    locked.tags.add(tag)
    record_change(locked, actor, {"tag": {"old": None, "new": tag.name}})
    return tag, True


def _named(organization_id: int, name: str) -> Tag:
    mine = Tag.objects.filter(organization_id=organization_id)
    if tag := mine.named(name).first():
        return tag
    Tag.objects.bulk_create(
        [Tag(organization_id=organization_id, name=name)], ignore_conflicts=True
    )
    return mine.named(name).get()


@transaction.atomic
def remove_tag(*, session: Session, tag_id: Any, actor: User | None) -> bool:
    """Take a conversation from under a name; False when it did not bear it."""
    locked = Session.objects.select_for_update(no_key=True).get(pk=session.pk)
    tag = locked.tags.filter(pk=tag_id).first()
    if tag is None:
        return False
    locked.tags.remove(tag)
    record_change(locked, actor, {"tag": {"old": tag.name, "new": None}})
    return True


@transaction.atomic
def delete_tag(*, organization: Organization, tag_id: Any, actor: User | None) -> bool:
    """Give up a name; the conversations stay. False when there is no such tag."""
    tag = Tag.objects.for_organization(organization).filter(pk=tag_id).first()
    if tag is None:
        return False
    tag.delete()
    audit.record(
        action=AuditAction.DELETE,
        resource_type="tag",
        resource_id=tag_id,
        organization_id=organization.pk,
        actor=actor,
        changes={"name": {"old": tag.name, "new": None}},
    )
    return True


def record_change(
    session: Session, actor: User | None, changes: dict[str, Any]
) -> None:
    """Record in the audit log what changed about a conversation."""
    audit.record(
        action=AuditAction.UPDATE,
        resource_type="session",
        resource_id=session.pk,
        organization_id=session.organization_id,
        actor=actor,
        changes=changes,
    )
