"""The pages about knowledge packs and their documents."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import (
    require_http_methods,
    require_POST,
    require_safe,
)

from accounts.errors import DomainError
from accounts.pages import page, principal_of
from accounts.permissions import may
from agents import overviews
from agents.forms import DocumentForm, KnowledgePackForm
from agents.knowledge.documents import create_document, delete_document
from agents.knowledge.packs import create_knowledge_pack
from agents.models.knowledge import KnowledgePack

PER_PAGE = 25


def find_pack(request: HttpRequest, pack_id: UUID) -> KnowledgePack:
    """Return a pack of the viewer's organization, or answer 404."""
    packs = KnowledgePack.objects.for_organization(principal_of(request).organization)
    return get_object_or_404(packs, pk=pack_id)


def _check_may_write(request: HttpRequest) -> None:
    if not may(principal_of(request).role, "knowledge:write"):
        raise PermissionDenied


@require_http_methods(["GET", "HEAD", "POST"])
@page("agents:read")
def knowledge_list(request: HttpRequest) -> HttpResponse:
    """List the packs; editors make new ones."""
    principal = principal_of(request)
    form = KnowledgePackForm(request.POST or None)
    if request.method == "POST":
        _check_may_write(request)
    if request.method == "POST" and form.is_valid():
        try:
            pack = create_knowledge_pack(
                organization=principal.organization,
                created_by=principal.user,
                **form.cleaned_data,
            )
        except DomainError as error:
            form.refuse(error)
        else:
            return redirect("agents:knowledge_detail", pack.pk)
    packs = KnowledgePack.objects.for_organization(principal.organization)
    listed = Paginator(packs.with_counts().order_by("name", "id"), PER_PAGE)
    shown = listed.get_page(request.GET.get("page"))
    context = {"page": shown, "form": form}
    return render(request, "agents/knowledge_list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@page("agents:read")
def knowledge_detail(request: HttpRequest, pack_id: UUID) -> HttpResponse:
    """Show a pack's documents; editors add texts."""
    principal = principal_of(request)
    pack = find_pack(request, pack_id)
    form = DocumentForm(request.POST or None)
    if request.method == "POST":
        _check_may_write(request)
    if request.method == "POST" and form.is_valid():
        try:
            document, _ = create_document(
                knowledge_pack=pack, created_by=principal.user, **form.cleaned_data
            )
        except DomainError as error:
            form.refuse(error)
        else:
            messages.success(request, f"{document.title} is added.")
            return redirect("agents:knowledge_detail", pack.pk)
    context = {
        "form": form,
        "agents": overviews.agents_using(pack),
        **_documents(request, pack),
    }
    return render(request, "agents/knowledge_detail.html", context)


@require_safe
@page("agents:read")
def documents(request: HttpRequest, pack_id: UUID) -> HttpResponse:
    """Show the documents again; the page asks while some are being indexed."""
    context = _documents(request, find_pack(request, pack_id))
    return render(request, "agents/_documents.html", context)


@require_POST
@page("knowledge:write")
def remove_document(
    request: HttpRequest, pack_id: UUID, document_id: UUID
) -> HttpResponse:
    """Delete a document with its passages."""
    pack = find_pack(request, pack_id)
    document = get_object_or_404(overviews.documents_of(pack), pk=document_id)
    delete_document(document=document, actor=principal_of(request).user)
    messages.success(request, f"{document.title} is deleted.")
    return redirect("agents:knowledge_detail", pack.pk)


def _documents(request: HttpRequest, pack: KnowledgePack) -> dict[str, Any]:
    listed = Paginator(overviews.documents_of(pack), PER_PAGE)
    return {
        "pack": pack,
        "page": listed.get_page(request.GET.get("page")),
        "indexing": overviews.unindexed(pack),
    }
