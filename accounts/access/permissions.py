"""One matrix of who may do what; the API, the pages and the admin all ask it."""

from rest_framework.permissions import BasePermission

from accounts.models.api_keys import Scope
from accounts.models.organizations import Role

EVERYONE = frozenset(Role)
EDITORS = frozenset({Role.OWNER, Role.ADMIN, Role.EDITOR})
ADMINS = frozenset({Role.OWNER, Role.ADMIN})
OWNERS = frozenset({Role.OWNER})

# An action is named as the scope an API key needs for it; those that no key may
# ever do have names of their own.
MATRIX: dict[str, frozenset[Role]] = {
    Scope.AGENTS_READ: EVERYONE,
    Scope.AGENTS_WRITE: EDITORS,
    Scope.KNOWLEDGE_WRITE: EDITORS,
    Scope.METRICS_READ: EVERYONE,
    Scope.METRICS_WRITE: EDITORS,
    Scope.SESSIONS_READ: EVERYONE,
    Scope.SESSIONS_WRITE: EDITORS,
    Scope.WIDGET_SESSIONS: EDITORS,
    Scope.CHAT: EVERYONE,
    Scope.ADMIN: ADMINS,
    "keys:manage": ADMINS,
    "members:read": EVERYONE,
    "members:manage": ADMINS,
    "organization:create": EVERYONE,
    "organization:manage": ADMINS,
    "organization:export": ADMINS,
    "organization:delete": OWNERS,
    "visitors:manage": ADMINS,
    "account:manage": EVERYONE,
    "audit:read": ADMINS,
    "webhooks:manage": ADMINS,
    "providers:manage": ADMINS,
}
# What only a person does, in a browser: a key speaks for one organization, and one
# that leaked must not end it.
NEVER_BY_KEY = frozenset(
    {"account:manage", "organization:create", "organization:delete"}
)


def may(role: str | None, action: str) -> bool:
    """Say whether a role allows an action; no role allows nothing."""
    return role in MATRIX[action]


class MayDo(BasePermission):
    """Ask the view which action a method is, and the matrix whether it is allowed."""

    message = "Your role, or this API key's scopes, do not allow this."

    def has_permission(self, request, view):
        if request.auth is None:
            return False
        # A key for one agent must not reach what belongs to all of them.
        if request.auth.bound_agent and not getattr(view, "admits_bound_keys", False):
            return False
        return request.auth.may(view.action_for(request))
