"""The pages of model accounts: the list, and one with its settings and its test."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.errors import DomainError
from accounts.models.organizations import Organization
from accounts.views.access import page, principal_of
from accounts.views.forms.forms import DomainForm
from agents.llm import circuit_breaker
from agents.models.providers import (
    LONGEST_SILENCE,
    SHORTEST_SILENCE,
    ProviderAccount,
    ProviderKind,
)
from agents.providers.accounts import create_account, delete_account, update_account
from agents.providers.checks import check_account

MAY = "providers:manage"
PLAIN = {"autocomplete": "off", "spellcheck": "false"}


class NewAccountForm(DomainForm):
    """What is needed to ask; all else has sensible values."""

    kind = forms.ChoiceField(label="Maker", choices=ProviderKind.choices)
    name = forms.CharField(
        max_length=100,
        help_text="So that you know it again.",
        widget=forms.TextInput(attrs=PLAIN),
    )
    api_key = forms.CharField(
        label="API key",
        max_length=1000,
        required=False,
        help_text="Stored encrypted and shown to nobody again. Your own server may "
        "need none.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    default_model = forms.CharField(
        max_length=200,
        required=False,
        help_text="As the maker calls it, for example gpt-4o-mini.",
        widget=forms.TextInput(attrs=PLAIN),
    )
    base_url = forms.CharField(
        label="Base URL",
        max_length=500,
        required=False,
        help_text="Empty: the maker's usual one.",
        widget=forms.TextInput(attrs=PLAIN),
    )


class AccountForm(NewAccountForm):
    """Everything of an account; an empty key leaves the one there is."""

    embedding_model = forms.CharField(
        max_length=200,
        required=False,
        help_text="Makes the vectors by which passages are found, after a test.",
        widget=forms.TextInput(attrs=PLAIN),
    )
    silence_seconds = forms.IntegerField(
        label="Longest silence",
        min_value=SHORTEST_SILENCE,
        max_value=LONGEST_SILENCE,
        help_text="In seconds. Then it is tried again, or the next one is asked.",
    )
    fallback = forms.ModelChoiceField(
        label="Asked where this one fails",
        queryset=ProviderAccount.objects.none(),
        required=False,
        empty_label="Nobody",
    )
    is_enabled = forms.BooleanField(label="May be asked", required=False)

    def __init__(self, *args, account: ProviderAccount, **kwargs):
        super().__init__(*args, initial=self.initial_of(account), **kwargs)
        self.fields[
            "api_key"
        ].help_text = "Empty: the key stays as it is. Another URL needs it again."
        self.fields["fallback"].queryset = account.others()

    @classmethod
    def initial_of(cls, account: ProviderAccount) -> dict:
        names = set(cls.base_fields) - {"api_key"}
        return {name: getattr(account, name) for name in names}

    def changes(self) -> dict:
        """Return what the domain is told."""
        changes = dict(self.cleaned_data)
        fallback = changes["fallback"]
        changes["fallback"] = fallback.pk if fallback else None
        if not changes["api_key"]:
            del changes["api_key"]
        return changes


def _organization(request: HttpRequest) -> Organization:
    return principal_of(request).organization


def _mine(request: HttpRequest, account_id: UUID) -> ProviderAccount:
    mine = ProviderAccount.objects.for_organization(_organization(request))
    return get_object_or_404(mine.with_fallback(), pk=account_id)


@require_http_methods(["GET", "HEAD", "POST"])
@page(MAY)
def accounts(request: HttpRequest) -> HttpResponse:
    """List the accounts, and connect another one."""
    form = NewAccountForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = create_account(
                organization=_organization(request),
                actor=principal_of(request).user,
                **form.cleaned_data,
            )
        except DomainError as error:
            form.refuse(error)
        else:
            messages.success(request, f"{made.name} is connected. Test it now.")
            return redirect("agents:model_account", made.pk)
    mine = ProviderAccount.objects.for_organization(_organization(request))
    context = {"accounts": mine.newest_first(), "form": form}
    return render(
        request, "agents/providers/models.html", context, status=_status_of(form)
    )


def _status_of(form: forms.Form) -> int:
    return 422 if form.is_bound and not form.is_valid() else 200


@require_http_methods(["GET", "HEAD", "POST"])
@page(MAY)
def account(request: HttpRequest, account_id: UUID) -> HttpResponse:
    """Show one account: how it is, what it offers, its settings."""
    found = _mine(request, account_id)
    form = AccountForm(request.POST or None, account=found)
    if request.method == "POST" and form.is_valid():
        try:
            update_account(
                account=found,
                actor=principal_of(request).user,
                changes=form.changes(),
            )
        except DomainError as error:
            form.refuse(error)
        else:
            messages.success(request, "The changes are saved.")
            return redirect("agents:model_account", found.pk)
    context = {
        "account": found,
        "form": form,
        "is_resting": circuit_breaker.is_open(str(found.pk)),
    }
    status = _status_of(form)
    return render(
        request, "agents/providers/model_account.html", context, status=status
    )


@require_POST
@page(MAY)
def test(request: HttpRequest, account_id: UUID) -> HttpResponse:
    """Ask the account for its models and a word."""
    found = _mine(request, account_id)
    try:
        findings = check_account(account=found, actor=principal_of(request).user)
    except DomainError as error:
        messages.error(request, error.detail)
    else:
        if findings.error:
            messages.error(request, findings.error)
        else:
            messages.success(request, f"{found.name} works.")
    return redirect("agents:model_account", account_id)


@require_POST
@page(MAY)
def make_default(request: HttpRequest, account_id: UUID) -> HttpResponse:
    """Let new agents start with this account's model."""
    found = _mine(request, account_id)
    try:
        update_account(
            account=found,
            actor=principal_of(request).user,
            changes={"is_default": True},
        )
    except DomainError as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, f"New agents start with {found.name}.")
    return redirect("agents:model_account", account_id)


@require_POST
@page(MAY)
def remove(request: HttpRequest, account_id: UUID) -> HttpResponse:
    found = _mine(request, account_id)
    delete_account(account=found, actor=principal_of(request).user)
    messages.success(request, f"{found.name} and its key are forgotten.")
    return redirect("agents:models")
