"""The pages about conversations: found, read, rated, filed, exported, tried."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

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

from accounts.audit.request_facts import withholds_body
from accounts.errors import DomainError
from accounts.views.access import page, principal_of
from agents.conversations import listing, ratings, retention, tags
from agents.conversations.export import as_csv, as_json, json_response
from agents.conversations.search import matches
from agents.inbox import closing
from agents.models.agents import Agent
from agents.models.sessions import Session
from agents.replies import interruption
from agents.views.agents import find_agent
from agents.views.forms.conversations import ConversationFilterForm, RetentionForm
from metrics.api_ledger import csv_response

PER_PAGE = 25
TURNS_PER_PAGE = 200


def find_session(request: HttpRequest, agent: Agent, session_id: UUID) -> Session:
    """Return a conversation with an agent, or answer 404."""
    return get_object_or_404(Session.objects.with_agent(agent), pk=session_id)


def show_list(request: HttpRequest, agent: Agent | None) -> HttpResponse:
    organization = principal_of(request).organization
    form = ConversationFilterForm(
        request.GET, organization=organization, of_one=agent is not None
    )
    asked = form.asked
    rows = listing.as_rows(listing.find(organization, agent=agent, **asked))
    shown = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    fitting = matches([row.pk for row in shown], asked.get("search", ""))
    for row in shown:
        row.match = fitting.get(row.pk)
    query = request.GET.copy()
    query.pop("page", None)
    context = {
        "agent": agent,
        "page": shown,
        "form": form,
        "is_asked": bool(asked) or bool(form.errors),
        "narrows": bool(asked.keys() - {"search"}),
        "query": query.urlencode(),
    }
    return render(request, "agents/conversations/conversations.html", context)


@require_safe
@page("sessions:read")
def all_conversations(request: HttpRequest) -> HttpResponse:
    """List the organization's conversations, searched and filtered."""
    return show_list(request, None)


@require_safe
@page("sessions:read")
def conversations(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """List an agent's conversations, searched and filtered."""
    return show_list(request, find_agent(request, public_id))


def export(request: HttpRequest, kind: str, agent: Agent | None) -> HttpResponse:
    organization = principal_of(request).organization
    form = ConversationFilterForm(
        request.GET, organization=organization, of_one=agent is not None
    )
    rows = listing.find(organization, agent=agent, **form.asked)
    if kind == "csv":
        return csv_response(as_csv(rows), "conversations.csv")
    return json_response(as_json(rows), "conversations.json")


@require_safe
@page("sessions:read")
def export_all(request: HttpRequest, kind: str) -> HttpResponse:
    """Download the organization's conversations, as they are filtered."""
    return export(request, kind, None)


@require_safe
@page("sessions:read")
def export_conversations(
    request: HttpRequest, public_id: UUID, kind: str
) -> HttpResponse:
    """Download an agent's conversations, as they are filtered."""
    return export(request, kind, find_agent(request, public_id))


@require_safe
@page("sessions:read")
def export_one(
    request: HttpRequest, public_id: UUID, session_id: UUID, kind: str
) -> HttpResponse:
    """Download one conversation."""
    agent = find_agent(request, public_id)
    find_session(request, agent, session_id)
    rows = Session.objects.with_agent(agent).one(session_id)
    if kind == "csv":
        return csv_response(as_csv(rows), f"conversation-{session_id}.csv")
    return json_response(as_json(rows), f"conversation-{session_id}.json")


@require_safe
@page("sessions:read")
def conversation(
    request: HttpRequest, public_id: UUID, session_id: UUID
) -> HttpResponse:
    """Show what was said, what people think of it, and where the answers stand."""
    principal = principal_of(request)
    agent = find_agent(request, public_id)
    session = find_session(request, agent, session_id)
    shown = Paginator(listing.said_in(session), TURNS_PER_PAGE).get_page(
        request.GET.get("page")
    )
    turns = listing.turns(shown, principal.user)
    context = {
        "agent": agent,
        "session": session,
        "page": shown,
        "turns": turns,
        "is_awaited": any(turn.is_awaited for turn in turns),
        "replaceable": interruption.replaceable(session),
        "tags": session.tags.all(),
        "tag_names": listing.tags_of(principal.organization),
    }
    return render(request, "agents/conversations/conversation.html", context)


# --- What members do --------------------------------------------------------
def act(
    request: HttpRequest,
    public_id: UUID,
    session_id: UUID,
    deed: Callable[[Session], Any],
    anchor: str = "",
) -> HttpResponse:
    """Do something in a conversation and go back to its page."""
    agent = find_agent(request, public_id)
    session = find_session(request, agent, session_id)
    try:
        deed(session)
    except DomainError as error:
        messages.error(request, error.detail)
    address = reverse("agents:conversation", args=[agent.public_id, session.pk])
    return redirect(f"{address}{anchor}")


@require_POST
@page("chat")
@withholds_body
def rate(
    request: HttpRequest, public_id: UUID, session_id: UUID, message_id: UUID
) -> HttpResponse:
    """Rate an answer; without a value, take the rating back."""
    user = principal_of(request).user
    comment = request.POST.get("comment", "").replace("\x00", "")
    return act(
        request,
        public_id,
        session_id,
        lambda session: ratings.set_rating(
            session=session,
            message_id=message_id,
            value=request.POST.get("rating") or None,
            comment=comment,
            user=user,
        ),
        f"#m-{message_id}",
    )


@require_POST
@page("chat")
@withholds_body
def regenerate(
    request: HttpRequest, public_id: UUID, session_id: UUID, message_id: UUID
) -> HttpResponse:
    """Have the last question answered anew."""
    return act(
        request,
        public_id,
        session_id,
        lambda session: interruption.regenerate(session=session, message_id=message_id),
        "#end",
    )


@require_POST
@page("chat")
@withholds_body
def stop(request: HttpRequest, public_id: UUID, session_id: UUID) -> HttpResponse:
    """End the answers under way."""
    return act(
        request,
        public_id,
        session_id,
        lambda session: interruption.stop(session=session),
        "#end",
    )


@require_POST
@page("sessions:write")
def delete(request: HttpRequest, public_id: UUID, session_id: UUID) -> HttpResponse:
    """Let nobody read a conversation any more."""
    agent = find_agent(request, public_id)
    session = find_session(request, agent, session_id)
    closing.delete_session(session=session, actor=principal_of(request).user)
    messages.success(request, "The conversation is deleted.")
    return redirect("agents:conversations", agent.public_id)


@require_POST
@page("sessions:write")
@withholds_body
def add_tag(request: HttpRequest, public_id: UUID, session_id: UUID) -> HttpResponse:
    """File a conversation under a name."""
    actor = principal_of(request).user
    name = request.POST.get("name", "").replace("\x00", "")
    return act(
        request,
        public_id,
        session_id,
        lambda session: tags.add_tag(session=session, name=name, actor=actor),
    )


@require_POST
@page("sessions:write")
@withholds_body
def remove_tag(
    request: HttpRequest, public_id: UUID, session_id: UUID, tag_id: UUID
) -> HttpResponse:
    """Take a conversation from under a name."""
    actor = principal_of(request).user
    return act(
        request,
        public_id,
        session_id,
        lambda session: tags.remove_tag(session=session, tag_id=tag_id, actor=actor),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@page("admin")
def keep(request: HttpRequest) -> HttpResponse:
    """Set for how long conversations are kept."""
    principal = principal_of(request)
    days = retention.days_kept(principal.organization)
    form = RetentionForm(request.POST or None, initial={"days": days})
    if request.method == "POST" and form.is_valid():
        retention.set_retention(
            organization=principal.organization,
            days=form.cleaned_data["days"],
            actor=principal.user,
        )
        messages.success(request, "How long conversations are kept is set.")
        return redirect("agents:all_conversations")
    status = 400 if form.errors else 200
    return render(
        request, "agents/conversations/retention.html", {"form": form}, status=status
    )


@require_safe
@page("chat")
def try_agent(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Talk with an agent the way a visitor does, through the API."""
    agent = find_agent(request, public_id)
    return render(request, "agents/conversations/try.html", {"agent": agent})
