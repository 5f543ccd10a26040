"""The one door for every credential: browser session, X-API-Key, bearer token."""

from dataclasses import dataclass, replace
from uuid import UUID

from django.contrib.auth import get_user
from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed

from accounts.access.permissions import NEVER_BY_KEY, may
from accounts.audit import log as audit
from accounts.audit.request_facts import RequestFacts, current_request
from accounts.errors import DomainError, Forbidden, Invalid, NotFound
from accounts.models.api_keys import APIKey, is_well_formed
from accounts.models.audit import PLATFORM, AuditAction
from accounts.models.organizations import Membership, Organization
from accounts.models.users import User
from accounts.organizations.memberships import memberships_of
from accounts.rate_limits import charge_key

ORGANIZATION_IN_SESSION = "organization_id"
# As much of a key as we keep to know it by.
LONGEST_SHOWN = 12


@dataclass
class Principal:
    """Who asks, for which organization, and with which rights."""

    user: User
    organization: Organization | None = None
    role: str | None = None
    api_key: APIKey | None = None

    def may(self, action: str) -> bool:
        """Say whether role and scopes allow an action."""
        if self.role is None and self.api_key is None:
            return True  # decided when the organization is known: `in_organization`
        if self.api_key and (
            action in NEVER_BY_KEY or not self.api_key.has_scope(action)
        ):
            return False
        return may(self.role, action)

    @property
    def bound_agent(self) -> UUID | None:
        """The one agent this credential is good for, or None for all."""
        return self.api_key.agent_public_id if self.api_key else None

    def in_organization(self, asked: str | None, action: str) -> "Principal":
        """Settle the organization a request is about, and check the action there.

        A foreign organization is answered like one that does not exist.
        """
        if self.organization is not None:
            if asked is not None and asked != str(self.organization.pk):
                raise NotFound
            return self
        membership = _membership(self.user, asked)
        if not may(membership.role, action):
            raise Forbidden
        return replace(self, organization=membership.organization, role=membership.role)


def _membership(user: User, asked: str | None) -> Membership:
    mine = memberships_of(user)
    if asked is None and len(mine) > 1:
        raise Invalid(
            "You belong to several organizations: say which.",
            pointer="/organization_id",
        )
    for membership in mine:
        if asked in (None, str(membership.organization_id)):
            return membership
    raise NotFound


def key_in(request: HttpRequest) -> str | None:
    """Return the raw key a request carries, in whichever header."""
    if key := request.META.get("HTTP_X_API_KEY"):
        return key
    scheme, _, value = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    return value.strip() if scheme.lower() == "bearer" else None


def identify_key(raw: str) -> Principal | None:
    """Return who a raw API key stands for, or None."""
    key = APIKey.all_objects.for_raw(raw)
    if key is None:
        return None
    key.note_use()
    return Principal(key.user, key.organization, key.owner_role, key)


def note_refused(raw: str) -> None:
    """Record a key that opens nothing, where it was known once in its own chain."""
    known = APIKey.all_objects.known_as(raw)
    shown = LONGEST_SHOWN if is_well_formed(raw) else 3
    audit.record(
        action=AuditAction.FAILED_AUTH,
        resource_type="api_key",
        resource_id=known.pk if known else "",
        organization_id=known.organization_id if known else PLATFORM,
        metadata={"tried": f"{raw[:shown]}…"},
        response_status=AuthenticationFailed.status_code,
    )


def is_still_let_in(
    request: HttpRequest, organization: Organization, action: str
) -> bool:
    """Say whether a request's credential is as good now as when it came in.

    Nothing is charged and nothing noted: nobody has asked again.
    """
    raw = key_in(request)
    if raw is not None:
        key = APIKey.all_objects.for_raw(raw)
        return key is not None and Principal(
            key.user, key.organization, key.owner_role, key
        ).may(action)
    again = HttpRequest()
    # A new one: what the request has read of its session it does not read again.
    again.session = type(request.session)(request.session.session_key)
    user = get_user(again)
    if not user.is_authenticated:
        return False
    try:
        Principal(user).in_organization(str(organization.pk), action)
    except DomainError:
        return False
    return True


def describe_actor(principal: Principal) -> None:
    """Let the audit log know who is behind this request."""
    facts = current_request.get() or RequestFacts()
    current_request.set(
        replace(
            facts,
            user_id=principal.user.pk,
            api_key_id=principal.api_key.pk if principal.api_key else None,
        )
    )


class ApiKeyAuthentication(BaseAuthentication):
    """`X-API-Key: <key>` or `Authorization: Bearer <key>`."""

    def authenticate(self, request):
        raw = key_in(request)
        if raw is None:
            return None
        principal = identify_key(raw)
        if principal is None:
            note_refused(raw)
            raise AuthenticationFailed("This API key is not valid.")
        describe_actor(principal)
        # The outermost middleware puts the standing into the answer's headers.
        request._request.rate_standings = charge_key(principal.api_key)
        return principal.user, principal

    def authenticate_header(self, request):
        return 'Bearer realm="api"'


class BrowserSessionAuthentication(SessionAuthentication):
    """The dashboard's session cookie, with a CSRF token for what changes things.

    Without `organization_id` it speaks for the organization chosen in the browser.
    """

    def authenticate(self, request):
        found = super().authenticate(request)
        if found is None:
            return None
        user = found[0]
        principal = Principal(user)
        chosen = request._request.session.get(ORGANIZATION_IN_SESSION)
        if chosen is not None and "organization_id" not in request.query_params:
            principal = _chosen(user, chosen) or principal
        describe_actor(principal)
        return user, principal


def _chosen(user: User, organization_id: int) -> Principal | None:
    for membership in memberships_of(user):
        if membership.organization_id == organization_id:
            return Principal(user, membership.organization, membership.role)
    return None
