"""The pages about members: list, invite, change, remove; and joining by a link."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth import login
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access.authentication import ORGANIZATION_IN_SESSION
from accounts.access.permissions import may
from accounts.audit import log as audit
from accounts.errors import DomainError
from accounts.models.audit import AuditAction
from accounts.models.users import User
from accounts.organizations.members import (
    InvitationInvalid,
    accept_as_new_user,
    accept_invitation,
    change_role,
    find_invitation,
    invite_member,
    remove_member,
    revoke_invitation,
    transfer_ownership,
)
from accounts.views.access import anonymous_page, page, principal_of
from accounts.views.forms.forms import InvitationForm, JoinForm, RoleForm

PER_PAGE = 50
SIGN_IN_BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@require_http_methods(["GET", "POST"])
@page("members:read")
def members(request: HttpRequest) -> HttpResponse:
    """List members and open invitations; invite another."""
    principal = principal_of(request)
    organization = principal.organization
    form = InvitationForm(request.POST or None, role=principal.role)
    may_invite = request.method == "POST" and may(principal.role, "members:manage")
    if may_invite and form.is_valid():
        try:
            invitation = invite_member(
                organization=organization, actor=principal.user, **form.cleaned_data
            )
        except DomainError as error:
            form.refuse(error)
        else:
            messages.success(request, f"{invitation.email} is invited.")
            return redirect("accounts:members")
    listed = Paginator(organization.memberships.with_users(), PER_PAGE)
    context = {
        "page": listed.get_page(request.GET.get("page")),
        "invitations": organization.invitations.open(),
        "form": form,
        "role_form": RoleForm(role=principal.role),
    }
    return render(request, "accounts/organizations/members.html", context)


def _told(request: HttpRequest, deed, success: str) -> HttpResponse:
    """Do it and say so, or say why not; back to the list either way."""
    try:
        deed()
    except DomainError as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, success)
    return redirect("accounts:members")


@require_POST
@page("members:manage")
def change_member(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """Give a member another role."""
    principal = principal_of(request)
    form = RoleForm(request.POST, role=principal.role)
    if not form.is_valid():
        messages.error(request, "Choose a role that you may give.")
        return redirect("accounts:members")
    role = form.cleaned_data["role"]
    return _told(
        request,
        lambda: change_role(
            organization=principal.organization,
            actor=principal.user,
            user_id=user_id,
            role=role,
        ),
        f"The role is now {role}.",
    )


@require_POST
@page("organization:delete")
def transfer(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """Make another the owner in one's own place."""
    principal = principal_of(request)
    return _told(
        request,
        lambda: transfer_ownership(
            organization=principal.organization,
            actor=principal.user,
            user_id=user_id,
        ),
        "Handed over. You are an admin now.",
    )


@require_POST
@page("members:read")
def remove(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """End a membership: another's, or one's own."""
    principal = principal_of(request)
    return _told(
        request,
        lambda: remove_member(
            organization=principal.organization,
            actor=principal.user,
            user_id=user_id,
        ),
        "You have left." if user_id == principal.user.pk else "The member is removed.",
    )


@require_POST
@page("members:manage")
def withdraw_invitation(request: HttpRequest, invitation_id: UUID) -> HttpResponse:
    principal = principal_of(request)
    return _told(
        request,
        lambda: revoke_invitation(
            organization=principal.organization,
            actor=principal.user,
            invitation_id=invitation_id,
        ),
        "The invitation is withdrawn; its link works no more.",
    )


@never_cache
@require_http_methods(["GET", "POST"])
@anonymous_page("invitation", 30, 60)
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Join an organization: as who one is, or with an account made here."""
    try:
        offer = find_invitation(token)
    except InvitationInvalid as error:
        audit.record(
            action=AuditAction.FAILED_AUTH,
            resource_type="invitation",
            response_status=404,
        )
        return render(
            request,
            "accounts/organizations/invitation_invalid.html",
            {"why": error.detail},
            status=404,
        )
    is_known = User.all_objects.has_email(offer.email)
    form = None if is_known else JoinForm(request.POST or None, email=offer.email)
    context = {"offer": offer, "form": form, "is_known": is_known}
    if request.method == "POST":
        try:
            membership = _join(request, token, form)
        except DomainError as error:
            context["refusal"] = error.detail
        else:
            if membership is not None:
                request.session[ORGANIZATION_IN_SESSION] = membership.organization_id
                return redirect("agents:list")
    return render(request, "accounts/organizations/invitation.html", context)


def _join(request: HttpRequest, token: str, form: JoinForm | None):
    if form is None:
        if not request.user.is_authenticated:
            return None
        return accept_invitation(token=token, user=request.user)
    if not form.is_valid():
        return None
    membership = accept_as_new_user(
        token=token,
        name=form.cleaned_data["name"],
        password=form.cleaned_data["password"],
    )
    login(request, membership.user, backend=SIGN_IN_BACKEND)
    return membership
