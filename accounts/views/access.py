"""Which organization a browser looks at, and what its viewer may do there."""

from collections.abc import Callable
from functools import wraps

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from accounts.access.authentication import (
    ORGANIZATION_IN_SESSION,
    Principal,
    describe_actor,
)
from accounts.access.permissions import MATRIX, may
from accounts.organizations.memberships import memberships_of
from accounts.rate_limits import Limit, RateLimited, network_of, take


def principal_of(request: HttpRequest) -> Principal | None:
    """Return the viewer in the chosen organization, else in their first one."""
    if not hasattr(request, "principal"):
        request.principal = _find(request)
    return request.principal


def _find(request: HttpRequest) -> Principal | None:
    if not request.user.is_authenticated:
        return None
    chosen = request.session.get(ORGANIZATION_IN_SESSION)
    memberships = memberships_of(request.user)
    for membership in memberships:
        if membership.organization_id == chosen:
            break
    else:
        if not memberships:
            return Principal(request.user)
        membership = memberships[0]
        request.session[ORGANIZATION_IN_SESSION] = membership.organization_id
    request.memberships = memberships
    principal = Principal(request.user, membership.organization, membership.role)
    describe_actor(principal)
    return principal


def page(action: str) -> Callable:
    """Let a page in only for members whose role allows the action."""

    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @login_required
        @wraps(view)
        def guarded(request, *args, **kwargs):
            principal = principal_of(request)
            if principal.organization is None and request.user.is_superuser:
                # An operator works on the installation, in no organization.
                return redirect("dashboard-health")
            if principal.organization is None:
                return render(
                    request, "accounts/organizations/no_organization.html", status=404
                )
            if not may(principal.role, action):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        guarded.needs = action
        return guarded

    return decorate


def anonymous_page(name: str, quota: int, window: int) -> Callable:
    """Let each network open a page so often; nobody needs to be signed in."""

    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def guarded(request, *args, **kwargs):
            key = network_of(request.client_address)
            try:
                request.rate_standings = take(Limit(name, quota, window, key))
            except RateLimited as error:
                request.rate_standings = error.standings
                answer = render(request, "429.html", status=429)
                answer["Retry-After"] = error.headers()["Retry-After"]
                return answer
            return view(request, *args, **kwargs)

        return guarded

    return decorate


def person_page(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Let in whoever is signed in, with an organization or without."""
    guarded = login_required(view)
    guarded.needs = "account:manage"
    return guarded


def current_organization(request: HttpRequest) -> dict:
    """Give templates the organization, the others to switch to, and what is allowed."""
    # An API view such as /docs may know no user at all.
    if getattr(request, "user", None) is None or not hasattr(request, "session"):
        return {}
    principal = principal_of(request)
    if principal is None or principal.organization is None:
        return {}
    return {
        "organization": principal.organization,
        "role": principal.role,
        "memberships": request.memberships,
        "allowed": {
            action.replace(":", "_") for action in MATRIX if may(principal.role, action)
        },
    }
