"""The pages about an agent's conversations, and the one to have one."""

from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from accounts.pages import page
from agents import overviews
from agents.models.sessions import Session
from agents.views.agents import find_agent

PER_PAGE = 25
TURNS_PER_PAGE = 200


@require_safe
@page("sessions:read")
def conversations(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """List an agent's conversations, the latest first."""
    agent = find_agent(request, public_id)
    shown = Paginator(overviews.conversations_of(agent), PER_PAGE).get_page(
        request.GET.get("page")
    )
    context = {"agent": agent, "page": shown}
    return render(request, "agents/conversations.html", context)


@require_safe
@page("sessions:read")
def conversation(
    request: HttpRequest, public_id: UUID, session_id: UUID
) -> HttpResponse:
    """Show what was said, and where the answers stand."""
    agent = find_agent(request, public_id)
    session = get_object_or_404(Session.objects.with_agent(agent), pk=session_id)
    turns = Paginator(session.message_rows.all(), TURNS_PER_PAGE).get_page(
        request.GET.get("page")
    )
    context = {"agent": agent, "session": session, "page": turns}
    return render(request, "agents/conversation.html", context)


@require_safe
@page("chat")
def try_agent(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Talk with an agent the way a visitor does, through the API."""
    agent = find_agent(request, public_id)
    return render(request, "agents/try.html", {"agent": agent})
