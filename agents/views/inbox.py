"""The inbox: queues of conversations, one of them open beside its queue."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.audit.request_facts import answer_now_with, withholds_body
from accounts.errors import DomainError, NotFound
from accounts.views.access import page, principal_of
from agents.conversations import event_stream, inbox_feed
from agents.inbox import canned_replies, handover, listing, notes
from agents.models.inbox import CannedReply, Holder
from agents.models.sessions import Session

PER_PAGE = 30
TURNS = 200
MAY = "sessions:write"
TITLES = {
    listing.WAITING: "Needs a person",
    listing.UNANSWERED: "No answer",
    listing.DISLIKED: "Thumbs-down",
    listing.MINE: "Mine",
    listing.ALL: "All",
}


def find_conversation(request: HttpRequest, session_id: UUID) -> Session:
    """Return a conversation of the viewer's organization, or answer 404."""
    try:
        return listing.find_conversation(principal_of(request).organization, session_id)
    except NotFound:
        raise Http404 from None


def _queue(request: HttpRequest) -> dict[str, Any]:
    """Return what the list of conversations shows."""
    principal = principal_of(request)
    view = request.GET.get("view", "")
    view = view if view in listing.VIEWS else listing.WAITING
    words = request.GET.get("q", "").strip()[: listing.MAX_WORDS]
    found = listing.find(principal.organization, principal.user, view=view, words=words)
    shown = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    counts = listing.counts(principal.organization, principal.user)
    return {
        "view": view,
        "words": words,
        "page": shown,
        "rows": listing.rows(shown.object_list, principal.user),
        "views": [(name, TITLES[name], counts.get(name)) for name in listing.VIEWS],
        "counts": counts,
    }


def _conversation(request: HttpRequest, session: Session) -> dict[str, Any]:
    """Return what an open conversation shows, and note that it was read."""
    principal = principal_of(request)
    listing.see(session, principal.user)
    row = listing.Row(session, principal.user)
    holder = row.entry.holder if row.entry else Holder.AGENT
    return {
        "row": row,
        "session": session,
        "agent": session.agent_ref,
        "turns": listing.timeline(session, TURNS),
        "is_waiting": holder == Holder.WAITING,
        "is_mine": holder == Holder.PERSON and row.is_mine,
        "is_others": holder == Holder.PERSON and not row.is_mine,
        "is_held": holder != Holder.AGENT,
        # Sent twice by an impatient hand, an answer is still one.
        "key": uuid4(),
        "colleagues": listing.colleagues(principal.organization),
    }


@require_safe
@never_cache
@page("sessions:read")
def inbox_list(request: HttpRequest) -> HttpResponse:
    """Show a queue; on a wide screen a conversation opens beside it."""
    organization = principal_of(request).organization
    # Read before the rows: what changes in between is told twice, never lost.
    after = event_stream.last_event_id(inbox_feed.channel(organization.pk))
    return render(
        request, "agents/inbox/inbox.html", {"after": after, **_queue(request)}
    )


@require_safe
@never_cache
@page("sessions:read")
def threads(request: HttpRequest) -> HttpResponse:
    """Show the queue again; the open page asks when something changed."""
    opened = request.GET.get("open", "")
    return render(
        request, "agents/inbox/_threads.html", {"open": opened, **_queue(request)}
    )


@require_safe
@never_cache
@page("sessions:read")
def badge(request: HttpRequest) -> HttpResponse:
    """Show how many conversations the viewer should look at."""
    principal = principal_of(request)
    counts = listing.counts(principal.organization, principal.user)
    return render(request, "agents/inbox/_badge.html", {"counts": counts})


@require_safe
@never_cache
@page("sessions:read")
def inbox_conversation(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """Show one conversation of a queue, beside the queue."""
    session = find_conversation(request, session_id)
    organization = principal_of(request).organization
    after = event_stream.last_event_id(inbox_feed.channel(organization.pk))
    opened = _conversation(request, session)
    context = {"after": after, "open": str(session.pk), **opened, **_queue(request)}
    return render(request, "agents/inbox/inbox.html", context)


@require_safe
@never_cache
@page("sessions:read")
def talk(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """Show an open conversation again; the open page asks when it changed."""
    session = find_conversation(request, session_id)
    context = {"open": str(session.pk), **_conversation(request, session)}
    return render(request, "agents/inbox/_changes.html", context)


@require_safe
@page("sessions:read")
def canned_choices(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """Offer the texts that match, filled in for a conversation."""
    session = find_conversation(request, session_id)
    words = request.GET.get("q", "").replace("\x00", "")[:40]
    mine = CannedReply.objects.for_organization(principal_of(request).organization)
    choices = [
        (reply, canned_replies.fill(reply.text, session))
        for reply in mine.matching(words)[:8]
    ]
    return render(request, "agents/inbox/_canned_choices.html", {"choices": choices})


# --- Deeds ------------------------------------------------------------------
def _do(request: HttpRequest, session_id: UUID, deed: Callable[..., Any]) -> bool:
    """Do something with a conversation; say so where the domain refuses it."""
    session = find_conversation(request, session_id)
    try:
        deed(session=session, actor=principal_of(request).user)
    except DomainError as error:
        messages.error(request, error.detail)
        return False
    return True


def _to(request: HttpRequest, name: str, *args: Any) -> HttpResponse:
    """Go on with the same queue beside it."""
    query = request.GET.urlencode()
    return redirect(reverse(name, args=args) + (f"?{query}" if query else ""))


def _back(request: HttpRequest, session_id: UUID) -> HttpResponse:
    return _to(request, "agents:inbox_conversation", session_id)


@require_POST
@page(MAY)
def take(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """Answer this conversation in the agent's stead."""
    _do(request, session_id, handover.take)
    return _back(request, session_id)


@require_POST
@page(MAY)
def hand_back(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """Let the agent answer again."""
    if _do(request, session_id, handover.hand_back):
        messages.success(request, "The agent answers again.")
    return _back(request, session_id)


@require_POST
@page(MAY)
def close(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """Be done with a conversation and go back to its queue."""
    if _do(request, session_id, listing.close):
        messages.success(request, "Done. It stands under All.")
        return _to(request, "agents:inbox")
    return _back(request, session_id)


@require_POST
@page(MAY)
def assign(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """Make a conversation a colleague's, or nobody's."""
    chosen = request.POST.get("user", "")

    def deed(**known: Any) -> None:
        handover.assign_by_text(user_id=chosen, **known)

    _do(request, session_id, deed)
    return _back(request, session_id)


@require_POST
@page(MAY)
@withholds_body
def say(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """Answer the visitor, or leave a note for colleagues."""
    text = request.POST.get("text", "").replace("\r\n", "\n")
    key = request.POST.get("key") or None

    def deed(*, session: Session, actor: Any) -> None:
        if request.POST.get("note"):
            notes.add_note(session=session, author=actor, text=text)
        else:
            handover.answer(
                session=session, actor=actor, content=text, idempotency_key=key
            )

    is_fragment = bool(request.headers.get("HX-Request"))
    answer_now_with(204 if is_fragment else 302)
    said = _do(request, session_id, deed)
    if is_fragment:
        return HttpResponse(status=204 if said else 422)
    return _back(request, session_id)


@require_POST
@page(MAY)
@withholds_body
def delete_note(request: HttpRequest, session_id: UUID, note_id: UUID) -> HttpResponse:
    """Delete a note of one's own, or as an admin any."""
    is_admin = principal_of(request).may("admin")

    def deed(**known: Any) -> None:
        notes.delete_note(note_id=note_id, is_admin=is_admin, **known)

    if _do(request, session_id, deed):
        messages.success(request, "The note is deleted.")
    return _back(request, session_id)
