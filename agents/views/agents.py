"""The pages about agents. What they change, the domain changes."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import (
    require_http_methods,
    require_POST,
    require_safe,
)

from accounts.errors import DomainError, Stale
from accounts.views.access import page, principal_of
from agents.configuration.embedding_snippet import render_embed, render_strict_embed
from agents.configuration.model_choice import is_offered
from agents.conversations.listing import latest_of
from agents.knowledge.listing import knowledge_size
from agents.lifecycle import listing
from agents.lifecycle.creation import clone_agent
from agents.lifecycle.deletion import delete_agent, restore_agent
from agents.lifecycle.editing import restore_version, update_agent
from agents.lifecycle.onboarding import set_up_agent
from agents.lifecycle.release import release_draft
from agents.models.agents import Agent
from agents.models.personas import Persona
from agents.views.forms.agents import CreateAgentForm, DocumentFormSet, EditAgentForm

PER_PAGE = 25
LATEST = 5
VERSIONS_SHOWN = 8
FOUND_SHOWN = 8
ORDERS = [
    ("newest", "Newest first"),
    ("changed", "Last changed"),
    ("name", "By name"),
    ("used", "Most used"),
]
STALE = (
    "Somebody changed this agent after you opened the form. Your text is still here: "
    "copy what you need, open the form again and repeat your change."
)


def find_agent(request: HttpRequest, public_id: UUID) -> Agent:
    """Return an agent of the viewer's organization, or answer 404."""
    agents = Agent.objects.for_organization(principal_of(request).organization)
    agents = agents.with_details().select_related("stats")
    return get_object_or_404(agents, public_id=public_id)


@require_safe
@page("agents:read")
def agent_list(request: HttpRequest) -> HttpResponse:
    """Show the organization's agents, searched, filtered and ordered."""
    organization = principal_of(request).organization
    asked = {
        name: request.GET.get(name, "")[:255].replace("\x00", "")
        for name in ("q", "state", "persona", "order")
    }
    found = listing.find_agents(
        organization,
        words=asked["q"].strip(),
        state=asked["state"],
        persona=asked["persona"],
        order=asked["order"],
    )
    shown = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        **asked,
        "counts": listing.state_counts(organization),
        "rows": listing.rows(organization, shown.object_list),
        "page": shown,
        "orders": ORDERS,
        "personas": Persona.objects.available_to(organization),
    }
    return render(request, "agents/lifecycle/list.html", context)


@require_safe
@page("agents:read")
def search(request: HttpRequest) -> HttpResponse:
    """Answer the command palette with agents by that name."""
    organization = principal_of(request).organization
    words = request.GET.get("q", "")[:255].replace("\x00", "").strip()
    found = listing.find_agents(organization, words=words, order="name")
    context = {"agents": found[:FOUND_SHOWN] if words else []}
    return render(request, "agents/lifecycle/_hits.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@page("agents:write")
def create(request: HttpRequest) -> HttpResponse:
    """Create an agent, with the pack, files and texts added along the way."""
    principal = principal_of(request)
    form = CreateAgentForm(
        request.POST or None,
        request.FILES or None,
        organization=principal.organization,
        initial={"persona": _usual_persona()},
    )
    documents = DocumentFormSet(request.POST or None, prefix="documents")
    if request.method == "POST" and form.is_valid() and form.wants(documents):
        try:
            agent = set_up_agent(
                organization=principal.organization,
                created_by=principal.user,
                idempotency_key=form.cleaned_data["idempotency_key"],
                pack_name=form.new_pack_name,
                documents=form.texts(documents),
                files=form.files_to_add,
                **form.arguments(),
            )
        except DomainError as error:
            form.refuse(error)
        else:
            messages.success(request, f"{agent.name} is ready. Ask it something.")
            return redirect("agents:detail", agent.public_id)
    context = {
        "form": form,
        "documents": documents,
        "upload_bytes": settings.UPLOAD_MAX_BYTES,
    }
    return render(
        request, "agents/lifecycle/create.html", context, status=_status_of(form)
    )


def _usual_persona() -> UUID | None:
    return (
        Persona.objects.built_in("support_expert").values_list("pk", flat=True).first()
    )


def _status_of(form: Any) -> int:
    return 422 if form.is_bound and not form.is_valid() else 200


@require_safe
@page("agents:read")
def detail(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Show how an agent is doing and how to put it on a site."""
    agent = find_agent(request, public_id)
    days = listing.conversations_per_day(agent)
    model = agent.config.get("model") or settings.LLM_MODEL
    context = {
        "agent": agent,
        **listing.achievements(agent),
        "days": days,
        "day_numbers": [number for _, number in days],
        "conversation_count": sum(number for _, number in days),
        "latest": latest_of(agent)[:LATEST],
        "run": listing.latest_run(agent),
        "versions": agent.versions.select_related("author")[:VERSIONS_SHOWN],
        "version_count": agent.versions.count(),
        "knowledge": knowledge_size(agent),
        "model": model,
        "is_model_offered": is_offered(agent.organization_id, model),
        "embed_code": render_embed(agent.public_id, agent.widget_config),
        "embed_tag": render_strict_embed(agent.public_id),
    }
    return render(request, "agents/lifecycle/detail.html", context)


@require_safe
@page("agents:read")
def optimization(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Show how far the optimization of the prompt is; the page asks until it ends."""
    agent = find_agent(request, public_id)
    context = {"agent": agent, "run": listing.latest_run(agent)}
    response = render(request, "agents/optimization/_optimization.html", context)
    if not agent.optimization_pending:
        # Version, history and prompt changed with it: show the whole page anew.
        response["HX-Refresh"] = "true"
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@page("agents:write")
def edit(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Change an agent, unless somebody else changed it meanwhile."""
    principal = principal_of(request)
    agent = find_agent(request, public_id)
    form = EditAgentForm(
        request.POST or None,
        organization=principal.organization,
        initial=EditAgentForm.initial_of(agent),
    )
    if request.method == "POST" and form.is_valid():
        try:
            agent = update_agent(
                agent=agent,
                actor=principal.user,
                changes=form.arguments(),
                if_match=form.cleaned_data["version"],
            )
        except Stale:
            form.add_error(None, STALE)
        except DomainError as error:
            form.refuse(error)
        else:
            messages.success(request, f"{agent.name} is saved.")
            return redirect("agents:detail", agent.public_id)
    context = {"agent": agent, "form": form}
    return render(
        request, "agents/lifecycle/edit.html", context, status=_status_of(form)
    )


@require_POST
@page("agents:write")
def delete(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Delete an agent; the next page offers to undo it."""
    agent = find_agent(request, public_id)
    delete_agent(agent=agent, actor=principal_of(request).user)
    undo = reverse("agents:restore", args=[agent.public_id])
    messages.success(request, f"{agent.name} deleted.", extra_tags=f"undo:{undo}")
    return redirect("agents:list")


@require_POST
@page("agents:write")
def restore(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Bring a deleted agent back."""
    principal = principal_of(request)
    mine = Agent.all_objects.for_organization(principal.organization)
    agent = get_object_or_404(mine, public_id=public_id)
    try:
        restore_agent(agent=agent, actor=principal.user)
    except DomainError as error:
        messages.error(request, f"{agent.name} stays deleted. {error.detail}")
        return redirect("agents:list")
    messages.success(request, f"{agent.name} is back.")
    return redirect("agents:detail", agent.public_id)


@require_POST
@page("agents:write")
def duplicate(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Make another agent like this one."""
    agent = find_agent(request, public_id)
    try:
        copy, _ = clone_agent(agent=agent, created_by=principal_of(request).user)
    except DomainError as error:
        messages.error(request, error.detail)
        return redirect("agents:detail", agent.public_id)
    messages.success(request, f"{copy.name} is ready.")
    return redirect("agents:detail", copy.public_id)


@require_POST
@page("agents:write")
def release(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Put the draft in front of visitors."""
    agent = find_agent(request, public_id)
    shown = request.POST.get("version", "")
    is_number = shown.isascii() and shown.isdigit() and len(shown) < 10
    try:
        agent = release_draft(
            agent=agent,
            actor=principal_of(request).user,
            version=int(shown) if is_number else None,
        )
    except Stale:
        messages.error(
            request, f"Not released: version {shown} is no longer the draft."
        )
    except DomainError as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, f"Version {agent.live_version.number} is live.")
    return redirect("agents:detail", agent.public_id)


@require_POST
@page("agents:write")
def use_version(request: HttpRequest, public_id: UUID, number: int) -> HttpResponse:
    """Make an old version the newest one."""
    agent = find_agent(request, public_id)
    get_object_or_404(agent.versions, number=number)
    version = restore_version(
        agent=agent, number=number, actor=principal_of(request).user
    )
    messages.success(
        request, f"Version {number} is restored as version {version.number}."
    )
    return redirect("agents:detail", agent.public_id)
