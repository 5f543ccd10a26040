"""The pages that bring an agent: from a file, or from the ready ones."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.errors import DomainError
from accounts.models.lifecycle import request_fingerprint
from accounts.views.access import page, principal_of
from agents.api.import_export import as_download
from agents.import_export.agent_templates import Ready, file_of, ready_agents
from agents.import_export.file_format import read
from agents.import_export.importing import import_agent
from agents.models.agents import Agent, Industry
from agents.views.agents import find_agent
from agents.views.forms.import_export import ImportForm, OnceForm, ReadyForm

DEFAULT_INDUSTRY = Industry.GENERAL.value


@require_safe
@page("agents:read")
def export(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Hand an agent out as a file."""
    agent = find_agent(request, public_id)
    try:
        return as_download(agent, knowledge=True)
    except DomainError as error:
        messages.error(request, error.detail)
        return redirect("agents:detail", agent.public_id)


@require_http_methods(["GET", "HEAD", "POST"])
@page("agents:write")
def import_page(request: HttpRequest) -> HttpResponse:
    """Make an agent from a file, or show what is wrong in it."""
    form = ImportForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        agent = _bring(request, form, form.cleaned_data["file"])
        if agent is not None:
            messages.success(request, f"{agent.name} is here, with all its versions.")
            return redirect("agents:detail", agent.public_id)
    return render(
        request,
        "agents/import_export/import.html",
        {"form": form},
        status=_status(form),
    )


@require_safe
@page("agents:read")
def templates(request: HttpRequest) -> HttpResponse:
    """Show the ready agents."""
    context = {"ready": ready_agents().values(), "industry": _industry(request)}
    context["industries"] = Industry.choices
    return render(request, "agents/import_export/templates.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@page("agents:write")
def template(request: HttpRequest, key: str) -> HttpResponse:
    """Show a ready agent whole, and make one of it."""
    ready = ready_agents().get(key)
    if ready is None:
        raise Http404
    industry = _industry(request)
    form = ReadyForm(request.POST or None, ready=ready, initial={"industry": industry})
    if request.method == "POST" and form.is_valid():
        agent = _bring(request, form, _file(ready, form), form.cleaned_data["name"])
        if agent is not None:
            messages.success(request, f"{agent.name} is ready. Ask it something.")
            return redirect("agents:detail", agent.public_id)
    context = {"ready": ready, "form": form, "prompt": ready.prompt_for(industry)}
    return render(
        request, "agents/import_export/template.html", context, status=_status(form)
    )


def _file(ready: Ready, form: ReadyForm) -> dict[str, Any]:
    wanted = form.cleaned_data
    return file_of(ready, wanted["industry"], knowledge=wanted["knowledge"])


def _industry(request: HttpRequest) -> str:
    asked = request.GET.get("industry", DEFAULT_INDUSTRY)
    return asked if asked in Industry.values else DEFAULT_INDUSTRY


def _bring(
    request: HttpRequest, form: OnceForm, said: Any, name: str = ""
) -> Agent | None:
    """Make the agent of a file, or tell the form why not."""
    principal = principal_of(request)
    try:
        return import_agent(
            organization=principal.organization,
            created_by=principal.user,
            file=read(said),
            name=name,
            idempotency_key=form.cleaned_data["idempotency_key"],
            request_fingerprint=request_fingerprint([said, name]),
        )[0]
    except DomainError as error:
        form.refuse(error)
        return None


def _status(form: OnceForm) -> int:
    return 422 if form.is_bound and not form.is_valid() else 200
