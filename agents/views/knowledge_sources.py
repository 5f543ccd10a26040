"""The pages about sites that are read into packs."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import (
    require_http_methods,
    require_POST,
    require_safe,
)

from accounts.errors import DomainError, NotFound
from accounts.views.access import page, principal_of
from agents.knowledge import listing
from agents.knowledge.web.sites import (
    crawl_again,
    create_source,
    delete_source,
    get_source,
    update_source,
)
from agents.models.sources import KnowledgeSource
from agents.views.forms.knowledge import SiteForm, SiteLimitsForm
from agents.views.knowledge import PER_PAGE, check_may_write, find_pack, sites_of


@require_http_methods(["GET", "HEAD", "POST"])
@page("agents:read")
def sites(request: HttpRequest, pack_id: UUID) -> HttpResponse:
    """Show a pack's sites again while one is being read; editors add sites."""
    pack = find_pack(request, pack_id)
    if request.method != "POST":
        context = {"pack": pack, **sites_of(pack)}
        return render(request, "agents/knowledge/_sites.html", context)
    check_may_write(request)
    form = SiteForm(request.POST)
    if form.is_valid():
        try:
            source, _ = create_source(
                knowledge_pack=pack,
                created_by=principal_of(request).user,
                **form.cleaned_data,
            )
        except DomainError as error:
            form.refuse(error)
        else:
            return redirect("agents:knowledge_site", pack.pk, source.pk)
    context = {"pack": pack, "form": form}
    return render(request, "agents/knowledge/new_site.html", context, status=422)


@require_http_methods(["GET", "HEAD", "POST"])
@page("agents:read")
def site(request: HttpRequest, pack_id: UUID, source_id: UUID) -> HttpResponse:
    """Show a site's pages and how its crawl goes; editors change its limits."""
    source = _find(request, pack_id, source_id)
    form = SiteLimitsForm(request.POST or None, initial=vars(source))
    if request.method == "POST":
        check_may_write(request)
    if request.method == "POST" and form.is_valid():
        update_source(
            source=source,
            actor=principal_of(request).user,
            changes=form.cleaned_data,
        )
        messages.success(request, "The site's limits are saved.")
        return redirect("agents:knowledge_site", pack_id, source_id)
    context = {"form": form, **_progress(request, source)}
    return render(request, "agents/knowledge/site.html", context)


@require_safe
@page("agents:read")
def site_pages(request: HttpRequest, pack_id: UUID, source_id: UUID) -> HttpResponse:
    """Show the pages again; the page asks while a crawl is under way."""
    source = _find(request, pack_id, source_id)
    return render(
        request, "agents/knowledge/_site_pages.html", _progress(request, source)
    )


@require_POST
@page("knowledge:write")
def crawl_site(request: HttpRequest, pack_id: UUID, source_id: UUID) -> HttpResponse:
    """Read a site once more."""
    source = _find(request, pack_id, source_id)
    try:
        crawl_again(source=source, actor=principal_of(request).user)
    except DomainError as error:
        messages.error(request, error.detail)
    return redirect("agents:knowledge_site", pack_id, source_id)


@require_POST
@page("knowledge:write")
def remove_site(request: HttpRequest, pack_id: UUID, source_id: UUID) -> HttpResponse:
    """Delete a site with the documents its pages became."""
    source = _find(request, pack_id, source_id)
    delete_source(source=source, actor=principal_of(request).user)
    messages.success(request, f"{source.url} and its documents are deleted.")
    return redirect("agents:knowledge_detail", pack_id)


def _find(request: HttpRequest, pack_id: UUID, source_id: UUID) -> KnowledgeSource:
    """Return a site of a pack of the viewer's organization, or answer 404."""
    pack = find_pack(request, pack_id)
    try:
        source = get_source(organization=pack.organization, source_id=source_id)
    except NotFound:
        raise Http404 from None
    if source.knowledge_pack_id != pack.pk:
        raise Http404
    source.knowledge_pack = pack
    return source


def _progress(request: HttpRequest, source: KnowledgeSource) -> dict[str, Any]:
    listed = Paginator(listing.pages_of(source), PER_PAGE)
    return {
        "source": source,
        "pack": source.knowledge_pack,
        "page": listed.get_page(request.GET.get("page")),
        "looked_at": source.page_count - source.waiting_count,
    }
