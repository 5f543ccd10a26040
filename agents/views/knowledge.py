"""The pages about knowledge packs and their documents."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import (
    require_http_methods,
    require_POST,
    require_safe,
)

from accounts.access.permissions import may
from accounts.errors import DomainError, NotFound
from accounts.views.access import page, principal_of
from agents.api.downloads import as_attachment
from agents.knowledge import listing
from agents.knowledge.documents import create_document, delete_document, try_again
from agents.knowledge.packs import create_knowledge_pack
from agents.knowledge.renewal import progress_of
from agents.knowledge.retrieval.search import MAX_QUESTION, search
from agents.knowledge.uploads import upload_files
from agents.models.knowledge import KnowledgePack
from agents.views.forms.knowledge import (
    DocumentForm,
    FilesForm,
    KnowledgePackForm,
    SiteForm,
)

PER_PAGE = 25
# As many as an answer is made from; of one document all that a search ranks.
RETRIEVED, RETRIEVED_OF_ONE = 6, 60


def find_pack(request: HttpRequest, pack_id: UUID) -> KnowledgePack:
    """Return a pack of the viewer's organization, or answer 404."""
    organization = principal_of(request).organization
    packs = KnowledgePack.objects.for_organization(organization)
    pack = get_object_or_404(packs, pk=pack_id)
    # The domain then knows the organization without asking again.
    pack.organization = organization
    return pack


def check_may_write(request: HttpRequest) -> None:
    """Refuse who only reads."""
    if not may(principal_of(request).role, "knowledge:write"):
        raise PermissionDenied


@require_http_methods(["GET", "HEAD", "POST"])
@page("agents:read")
def knowledge_list(request: HttpRequest) -> HttpResponse:
    """List the packs; editors make new ones."""
    principal = principal_of(request)
    form = KnowledgePackForm(request.POST or None)
    if request.method == "POST":
        check_may_write(request)
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
    return render(request, "agents/knowledge/packs.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@page("agents:read")
def knowledge_detail(request: HttpRequest, pack_id: UUID) -> HttpResponse:
    """Show a pack's documents; editors add texts."""
    principal = principal_of(request)
    pack = find_pack(request, pack_id)
    form = DocumentForm(request.POST or None)
    if request.method == "POST":
        check_may_write(request)
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
        "files": FilesForm(),
        "site_form": SiteForm(auto_id="site_%s"),
        "upload_bytes": settings.UPLOAD_MAX_BYTES,
        "agents": listing.agents_using(pack),
        **_documents(request, pack),
    }
    return render(request, "agents/knowledge/pack.html", context)


@require_safe
@page("agents:read")
def documents(request: HttpRequest, pack_id: UUID) -> HttpResponse:
    """Show the documents again; the page asks while some are being indexed."""
    context = _documents(request, find_pack(request, pack_id))
    return render(request, "agents/knowledge/_documents.html", context)


@require_POST
@page("knowledge:write")
def upload(request: HttpRequest, pack_id: UUID) -> HttpResponse:
    """Add files to a pack; each that is refused says why."""
    pack = find_pack(request, pack_id)
    form = FilesForm(request.POST, request.FILES)
    if not form.is_valid():
        messages.error(request, "Choose one file at least.")
        return redirect("agents:knowledge_detail", pack.pk)
    result = upload_files(
        knowledge_pack=pack,
        files=form.cleaned_data["files"],
        created_by=principal_of(request).user,
    )
    for name, reason in result.refused:
        messages.error(request, f"{name}: {reason}")
    if number := len(result.added):
        noun = "file is" if number == 1 else "files are"
        messages.success(request, f"{number} {noun} added, and being read.")
    return redirect("agents:knowledge_detail", pack.pk)


@require_safe
@page("agents:read")
def retrieval(request: HttpRequest, pack_id: UUID) -> HttpResponse:
    """Show which passages of a pack a question would be answered from."""
    pack = find_pack(request, pack_id)
    template = "_retrieval" if request.htmx else "search"
    context = {"pack": pack, **_asked(request, pack)}
    return render(request, f"agents/knowledge/{template}.html", context)


@require_safe
@page("agents:read")
def document(request: HttpRequest, pack_id: UUID, document_id: UUID) -> HttpResponse:
    """Show a document's passages, and where a question would find them."""
    pack = find_pack(request, pack_id)
    found = get_object_or_404(listing.documents_of(pack), pk=document_id)
    asked = _asked(request, pack, limit=RETRIEVED_OF_ONE)
    listed = Paginator(listing.passages_of(found), PER_PAGE)
    places = {
        passage.position: (place, passage)
        for place, passage in enumerate(asked["passages"], 1)
        if passage.document_id == found.pk
    }
    shown = listed.get_page(request.GET.get("page"))
    context = {
        "pack": pack,
        "document": found,
        "page": shown,
        "rows": [(chunk, places.get(chunk.position)) for chunk in shown],
        "hits": len(places),
        **asked,
    }
    return render(request, "agents/knowledge/document.html", context)


@require_POST
@page("knowledge:write")
def retry_document(
    request: HttpRequest, pack_id: UUID, document_id: UUID
) -> HttpResponse:
    """Read and index a failed document once more."""
    pack = find_pack(request, pack_id)
    document = get_object_or_404(listing.documents_of(pack), pk=document_id)
    try:
        try_again(document=document, actor=principal_of(request).user)
    except DomainError as error:
        messages.error(request, error.detail)
    return redirect("agents:knowledge_document", pack.pk, document.pk)


@require_safe
@page("agents:read")
def document_file(
    request: HttpRequest, pack_id: UUID, document_id: UUID
) -> HttpResponse:
    """Hand back the file of a document."""
    pack = find_pack(request, pack_id)
    document = get_object_or_404(listing.documents_of(pack), pk=document_id)
    try:
        return as_attachment(document)
    except NotFound:
        raise Http404 from None


@require_POST
@page("knowledge:write")
def remove_document(
    request: HttpRequest, pack_id: UUID, document_id: UUID
) -> HttpResponse:
    """Delete a document with its passages."""
    pack = find_pack(request, pack_id)
    document = get_object_or_404(listing.documents_of(pack), pk=document_id)
    delete_document(document=document, actor=principal_of(request).user)
    messages.success(request, f"{document.title} is deleted.")
    return redirect("agents:knowledge_detail", pack.pk)


def sites_of(pack: KnowledgePack) -> dict[str, Any]:
    """Return a pack's sites, and whether one is being read."""
    sites = list(listing.sites_of(pack))
    is_crawling = not all(site.is_finished for site in sites)
    return {"sites": sites, "is_crawling": is_crawling}


def _asked(
    request: HttpRequest, pack: KnowledgePack, limit: int = RETRIEVED
) -> dict[str, Any]:
    """Return the question of the address, and what a search finds for it."""
    question = request.GET.get("q", "")[:MAX_QUESTION].replace("\x00", "").strip()
    found = (
        search(knowledge_pack_id=pack.pk, question=question, limit=limit)
        if question
        else []
    )
    return {"q": question, "passages": found}


def _documents(request: HttpRequest, pack: KnowledgePack) -> dict[str, Any]:
    listed = Paginator(listing.documents_of(pack), PER_PAGE)
    return {
        "pack": pack,
        "page": listed.get_page(request.GET.get("page")),
        "indexing": listing.unindexed(pack),
        "renewal": progress_of(pack),
        **sites_of(pack),
    }
