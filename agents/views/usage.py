"""The page of a month's usage, and the form for an agent's own caps."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models.organizations import UNLIMITED
from accounts.views.access import page, principal_of
from agents.models.usage import resets_at, this_month
from agents.usage import budgets, reports
from agents.views.agents import find_agent
from metrics.api_ledger import csv_response


class CapsForm(forms.Form):
    """An empty field is no cap of its own."""

    max_messages_per_month = forms.IntegerField(
        label="Messages a month", required=False, min_value=0, max_value=2**31 - 1
    )
    max_tokens_per_month = forms.IntegerField(
        label="Tokens a month",
        required=False,
        min_value=0,
        max_value=budgets.LARGEST_CAP,
    )

    def caps(self) -> dict[str, int]:
        return {
            name: UNLIMITED if cap is None else cap
            for name, cap in self.cleaned_data.items()
        }


@require_safe
@page("metrics:read")
def overview(request: HttpRequest) -> HttpResponse:
    """Show this month's tokens and messages, by agent and by day."""
    report = reports.report(principal_of(request).organization)
    context = {"report": report, "resets_at": resets_at(report.month)}
    return render(request, "agents/usage/usage.html", context)


@require_safe
@page("metrics:read")
def export(request: HttpRequest) -> HttpResponse:
    """Download this month, every day of every agent."""
    month = this_month()
    lines = reports.as_csv(principal_of(request).organization, month)
    return csv_response(lines, f"usage-{month:%Y-%m}.csv")


@require_http_methods(["GET", "HEAD", "POST"])
@page("admin")
def caps(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Set an agent's own caps."""
    agent = find_agent(request, public_id)
    budget = getattr(agent, "budget", None)
    stored = {
        name: None if getattr(budget, name, UNLIMITED) == UNLIMITED else value
        for name, value in (vars(budget) if budget else {}).items()
        if name in CapsForm.base_fields
    }
    form = CapsForm(request.POST or None, initial=stored)
    if request.method == "POST" and form.is_valid():
        budgets.set_caps(agent=agent, actor=principal_of(request).user, **form.caps())
        messages.success(request, f"The caps of {agent.name} are set.")
        return redirect("agents:usage")
    context = {"agent": agent, "form": form}
    return render(
        request, "agents/usage/caps.html", context, status=400 if form.errors else 200
    )
