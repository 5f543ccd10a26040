"""The pages beside the inbox: canned replies, and one's own preference."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access.permissions import may
from accounts.errors import DomainError, NotFound
from accounts.views.access import page, principal_of
from accounts.views.forms.forms import DomainForm
from agents.inbox import canned_replies
from agents.inbox import preferences as inbox_preferences
from agents.models.inbox import MAX_CANNED, CannedReply, Notify
from agents.views.forms.fields import PLAIN, LongTextField

PER_PAGE = 50
MAY = "sessions:write"


class CannedForm(DomainForm):
    shortcut = forms.CharField(
        max_length=canned_replies.MAX_SHORTCUT,
        help_text="Letters, digits, - and _. Type / and this in a conversation.",
        widget=forms.TextInput(attrs=PLAIN),
    )
    text = LongTextField(
        max_length=MAX_CANNED,
        help_text="{{visitor}} and {{agent}} are filled in.",
        widget=forms.Textarea(attrs={"rows": 4}),
    )


class PreferenceForm(DomainForm):
    notify = forms.ChoiceField(
        label="Mail me",
        choices=Notify,
        widget=forms.RadioSelect,
    )
    shown_name = forms.CharField(
        label="Your name to visitors",
        max_length=inbox_preferences.MAX_SHOWN,
        required=False,
        help_text="Empty: the name of your account. Your address is never shown.",
        widget=forms.TextInput(attrs=PLAIN),
    )
    shown_title = forms.CharField(
        label="Your role to visitors",
        max_length=inbox_preferences.MAX_SHOWN,
        required=False,
        help_text="For example: Customer care.",
        widget=forms.TextInput(attrs=PLAIN),
    )


def find_canned(request: HttpRequest, reply_id: UUID) -> CannedReply:
    try:
        return canned_replies.find_canned_reply(
            principal_of(request).organization, reply_id
        )
    except NotFound:
        raise Http404 from None


@require_http_methods(["GET", "HEAD", "POST"])
@page("sessions:read")
def canned_list(request: HttpRequest) -> HttpResponse:
    """List the canned replies; who may answer adds some."""
    principal = principal_of(request)
    form = CannedForm(request.POST or None)
    if request.method == "POST":
        if not may(principal.role, MAY):
            raise PermissionDenied
        if form.is_valid():
            try:
                made = canned_replies.create_canned_reply(
                    organization=principal.organization,
                    actor=principal.user,
                    **form.cleaned_data,
                )
            except DomainError as error:
                form.refuse(error)
            else:
                messages.success(request, f"/{made.shortcut} is there.")
                return redirect("agents:canned")
    mine = CannedReply.objects.for_organization(principal.organization)
    shown = Paginator(mine, PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "agents/inbox/canned.html", {"form": form, "page": shown})


@require_http_methods(["GET", "HEAD", "POST"])
@page(MAY)
def canned_edit(request: HttpRequest, reply_id: UUID) -> HttpResponse:
    """Change one canned reply."""
    reply = find_canned(request, reply_id)
    stored = {"shortcut": reply.shortcut, "text": reply.text}
    form = CannedForm(request.POST or None, initial=stored)
    if request.method == "POST" and form.is_valid():
        try:
            canned_replies.update_canned_reply(
                reply=reply, actor=principal_of(request).user, changes=form.cleaned_data
            )
        except DomainError as error:
            form.refuse(error)
        else:
            messages.success(request, f"/{reply.shortcut} is saved.")
            return redirect("agents:canned")
    return render(
        request, "agents/inbox/canned_edit.html", {"form": form, "reply": reply}
    )


@require_POST
@page(MAY)
def canned_delete(request: HttpRequest, reply_id: UUID) -> HttpResponse:
    """Delete one canned reply."""
    reply = find_canned(request, reply_id)
    shortcut = reply.shortcut
    canned_replies.delete_canned_reply(reply=reply, actor=principal_of(request).user)
    messages.success(request, f"/{shortcut} is deleted.")
    return redirect("agents:canned")


@require_http_methods(["GET", "HEAD", "POST"])
@page("sessions:read")
def preferences(request: HttpRequest) -> HttpResponse:
    """Choose what you are mailed, and as whom visitors know you."""
    principal = principal_of(request)
    mine = inbox_preferences.preference_of(principal.organization, principal.user)
    initial = inbox_preferences.facts_of(mine)
    form = PreferenceForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            inbox_preferences.set_preference(
                organization=principal.organization,
                user=principal.user,
                changes=form.cleaned_data,
            )
        except DomainError as error:
            form.refuse(error)
        else:
            messages.success(request, "The changes are saved.")
            return redirect("agents:inbox_preferences")
    return render(request, "agents/inbox/preferences.html", {"form": form})
