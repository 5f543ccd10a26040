"""Who belongs to an organization: invite, join, change role, leave, hand over.

Every function locks the organization first, so that limits and the last owner
hold however many of them run at once.
"""

import hashlib
import hmac
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.audit import log as audit
from accounts.errors import DomainError, Forbidden, Invalid, NotFound
from accounts.models.api_keys import APIKey
from accounts.models.audit import AuditAction
from accounts.models.invitations import Invitation
from accounts.models.organizations import UNLIMITED, Membership, Organization, Role
from accounts.models.users import User
from accounts.webhooks.delivery import announcing
from accounts.work.leases import send_on_commit

SEND_INVITATION = "accounts.tasks.send_invitation"
# What each role may give, take and change in others.
MAY_HAND_OUT = {
    Role.OWNER: frozenset(Role),
    Role.ADMIN: frozenset({Role.ADMIN, Role.EDITOR, Role.VIEWER}),
}


class MemberLimitReached(DomainError):
    status = 403
    code = "member-limit-reached"

    def __init__(self, organization: Organization, used: int) -> None:
        self.organization = organization
        super().__init__(
            f"Organization has reached member limit ({organization.max_members})",
            limit=organization.max_members,
            used=used,
        )


class LastOwner(DomainError):
    status = 403
    code = "last-owner"
    detail = "An organization needs an owner. Name another one first."


class InvitationInvalid(DomainError):
    status = 404
    code = "invitation-invalid"
    detail = "This invitation is used, withdrawn or too old. Ask for a new one."


@transaction.atomic
def create_organization(*, owner: User, name: str) -> Organization:
    """Create an organization on the free plan, with its first owner."""
    name = name.strip()
    if not 1 <= len(name) <= 255:
        raise Invalid("A name has 1 to 255 characters.", pointer="/name")
    organization = Organization.objects.create(name=name)
    Membership.objects.create(organization=organization, user=owner, role=Role.OWNER)
    _record(
        organization,
        owner,
        AuditAction.CREATE,
        "organization",
        organization.pk,
        {"name": {"old": None, "new": name}},
    )
    return organization


@transaction.atomic
def rename_organization(
    *, organization: Organization, actor: User, name: str
) -> Organization:
    organization = _locked(organization)
    name = name.strip()
    if not 1 <= len(name) <= 255:
        raise Invalid("A name has 1 to 255 characters.", pointer="/name")
    if name != organization.name:
        before, organization.name = organization.name, name
        organization.save(update_fields=["name", "updated_at"])
        _record(
            organization,
            actor,
            AuditAction.UPDATE,
            "organization",
            organization.pk,
            {"name": {"old": before, "new": name}},
        )
    return organization


@announcing(MemberLimitReached, limit="members")
@transaction.atomic
def invite_member(
    *, organization: Organization, actor: User, email: str, role: str
) -> Invitation:
    """Offer an address a role, and send the mail on commit.

    A second invitation of an address replaces the first.
    """
    organization = _locked(organization)
    _check_hands_out(organization, actor, role)
    email = email.strip().lower()
    if Membership.objects.filter(organization=organization, user__email=email).exists():
        raise Invalid("This address already belongs to a member.", pointer="/email")
    for earlier in organization.invitations.open().filter(email=email):
        _check_hands_out(organization, actor, earlier.role)
    _withdraw(organization.invitations.filter(email=email, accepted_at=None))
    _check_room(organization)
    invitation = Invitation(
        organization=organization,
        email=email,
        role=role,
        invited_by=actor,
        expires_at=timezone.now() + timedelta(days=settings.INVITATION_DAYS),
    )
    invitation.token_hash = _hash(token_of(invitation))
    invitation.full_clean()
    invitation.save(force_insert=True)
    send_on_commit(SEND_INVITATION, invitation.pk)
    _record(
        organization,
        actor,
        AuditAction.CREATE,
        "invitation",
        invitation.pk,
        {"email": {"old": None, "new": email}, "role": {"old": None, "new": role}},
    )
    return invitation


def token_of(invitation: Invitation) -> str:
    """Return the secret of an invitation's link.

    It follows from the row and our key, so that the worker who mails it needs
    only the row's id and nothing that opens the door is stored.
    """
    secret = salted_hmac(
        "accounts.invitation", str(invitation.pk), algorithm="sha256"
    ).hexdigest()
    return f"{invitation.pk.hex}{secret}"


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def find_invitation(token: str) -> Invitation:
    """Return the open invitation of a link, or raise InvitationInvalid."""
    found = (
        Invitation.objects.open()
        .filter(token_hash=_hash(token), organization__deleted_at=None)
        .select_related("organization", "invited_by")
        .first()
    )
    if found is None or not hmac.compare_digest(token_of(found), token):
        raise InvitationInvalid
    return found


@transaction.atomic
def accept_invitation(*, token: str, user: User) -> Membership:
    """Join as the person the invitation was sent to; a link works once."""
    invitation = find_invitation(token)
    try:
        organization = _locked(invitation.organization)
    except NotFound:
        raise InvitationInvalid from None  # deleted meanwhile
    invitation = Invitation.objects.select_for_update().get(pk=invitation.pk)
    if not invitation.is_open:
        raise InvitationInvalid
    if user.email != invitation.email:
        raise Forbidden("This invitation was sent to another address.")
    invitation.accepted_at = timezone.now()
    invitation.save(update_fields=["accepted_at", "updated_at"])
    _check_room(organization)
    membership, _ = Membership.objects.get_or_create(
        organization=organization, user=user, defaults={"role": invitation.role}
    )
    _record(
        organization,
        user,
        AuditAction.CREATE,
        "membership",
        user.pk,
        {"role": {"old": None, "new": membership.role}},
    )
    return membership


@transaction.atomic
def accept_as_new_user(*, token: str, name: str, password: str) -> Membership:
    """Make the account an invitation is for, and join with it.

    Who holds the link reads the address's mail, so the address counts as verified.
    """
    invitation = find_invitation(token)
    if User.all_objects.filter(email=invitation.email).exists():
        raise Invalid("There is an account with this address: sign in to it.")
    user = User.objects.create_user(invitation.email, password, name=name.strip())
    user.verify_email()
    return accept_invitation(token=token, user=user)


@transaction.atomic
def revoke_invitation(
    *, organization: Organization, actor: User, invitation_id: UUID
) -> None:
    """Withdraw an open invitation; its link works no more."""
    organization = _locked(organization)
    invitation = organization.invitations.open().filter(pk=invitation_id).first()
    if invitation is None:
        raise NotFound
    # Operators withdraw any, and are members of none.
    if not actor.is_superuser:
        _check_hands_out(organization, actor, invitation.role)
    _withdraw(organization.invitations.filter(pk=invitation.pk))
    _record(organization, actor, AuditAction.DELETE, "invitation", invitation.pk)


def _withdraw(invitations: Any) -> None:
    invitations.filter(revoked_at=None).update(revoked_at=timezone.now())


@transaction.atomic
def change_role(
    *, organization: Organization, actor: User, user_id: UUID, role: str
) -> Membership:
    """Give a member another role; the last owner keeps theirs."""
    organization = _locked(organization)
    membership = _member(organization, user_id)
    _check_hands_out(organization, actor, role)
    _check_hands_out(organization, actor, membership.role)
    if membership.role == role:
        return membership
    if membership.role == Role.OWNER:
        _check_another_owner(organization, membership)
    before, membership.role = membership.role, role
    membership.save(update_fields=["role", "updated_at"])
    _record(
        organization,
        actor,
        AuditAction.UPDATE,
        "membership",
        user_id,
        {"role": {"old": before, "new": role}},
    )
    return membership


@transaction.atomic
def remove_member(*, organization: Organization, actor: User, user_id: UUID) -> None:
    """End a membership, one's own included, and revoke the keys that went with it."""
    organization = _locked(organization)
    membership = _member(organization, user_id)
    if membership.user_id != actor.pk:
        _check_hands_out(organization, actor, membership.role)
    if membership.role == Role.OWNER:
        _check_another_owner(organization, membership)
    APIKey.objects.filter(organization=organization, user_id=user_id).update(
        deleted_at=timezone.now()
    )
    membership.delete()
    _record(
        organization,
        actor,
        AuditAction.DELETE,
        "membership",
        user_id,
        {"role": {"old": membership.role, "new": None}},
    )


@transaction.atomic
def transfer_ownership(
    *, organization: Organization, actor: User, user_id: UUID
) -> Membership:
    """Make a member owner and the acting owner an admin, in one step."""
    organization = _locked(organization)
    mine = _member(organization, actor.pk)
    if mine.role != Role.OWNER:
        raise Forbidden
    if user_id == actor.pk:
        raise Invalid("You own it already.", pointer="/user_id")
    theirs = _member(organization, user_id)
    before = theirs.role
    theirs.role, mine.role = Role.OWNER, Role.ADMIN
    theirs.save(update_fields=["role", "updated_at"])
    mine.save(update_fields=["role", "updated_at"])
    _record(
        organization,
        actor,
        AuditAction.UPDATE,
        "membership",
        user_id,
        {"role": {"old": before, "new": Role.OWNER}},
    )
    return theirs


def _locked(organization: Organization) -> Organization:
    return Organization.objects.locked(organization.pk)


def _member(organization: Organization, user_id: UUID) -> Membership:
    membership = (
        Membership.objects.filter(organization=organization, user_id=user_id)
        .select_related("user")
        .first()
    )
    if membership is None:
        raise NotFound
    return membership


def _check_hands_out(organization: Organization, actor: User, role: str) -> None:
    mine = Membership.objects.filter(organization=organization, user=actor).first()
    if mine is None or role not in MAY_HAND_OUT.get(Role(mine.role), ()):
        raise Forbidden


def check_outranks(organization: Organization, actor: User, other: User) -> None:
    """Refuse who may not give and take the role another member has."""
    theirs = Membership.objects.filter(organization=organization, user=other).first()
    if theirs is not None:
        _check_hands_out(organization, actor, theirs.role)


def _check_another_owner(organization: Organization, membership: Membership) -> None:
    if organization.is_owned_only_by(membership.user):
        raise LastOwner


def _check_room(organization: Organization) -> None:
    """Open invitations count: whoever was invited must be able to come."""
    if organization.max_members == UNLIMITED:
        return
    used = organization.memberships.count() + organization.invitations.open().count()
    if used >= organization.max_members:
        raise MemberLimitReached(organization, used)


def _record(
    organization: Organization,
    actor: User,
    action: AuditAction,
    resource_type: str,
    resource_id: Any,
    changes: dict[str, Any] | None = None,
) -> None:
    audit.record(
        action=action,
        resource_type=resource_type,
        resource_id=resource_id,
        organization_id=organization.pk,
        actor=actor,
        changes=changes,
    )
