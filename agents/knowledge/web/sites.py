"""Sites of a pack: add, change, delete, and have them read again."""

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.audit import log as audit
from accounts.errors import DomainError, Invalid, NotFound
from accounts.models.audit import AuditAction
from accounts.models.lifecycle import WorkStatus, request_fingerprint
from accounts.models.organizations import Organization
from accounts.models.users import User
from accounts.work.leases import nudge
from accounts.work.places import wanted
from agents.knowledge.readiness import settle_readiness
from agents.knowledge.web.links import written
from agents.models.knowledge import Document, KnowledgePack
from agents.models.sources import KnowledgeSource, PageState, Recrawl, SourcePage

MAX_SOURCES = 50
MAX_PAGES, MAX_DEPTH = 1_000, 5
CHANGEABLE = ("max_pages", "max_depth", "recrawl")
DUE_AT_ONCE = 50


class SourceLimitReached(DomainError):
    status = 403
    code = "source-limit-reached"
    detail = f"An organization has at most {MAX_SOURCES} sites."


class DuplicateSource(Invalid):
    code = "duplicate-source"
    detail = "This pack already has this site."
    pointer = "/url"


class CrawlUnderWay(DomainError):
    status = 422
    code = "crawl-under-way"
    detail = "The site is being read right now."


@transaction.atomic
def create_source(
    *,
    knowledge_pack: KnowledgePack,
    url: str,
    max_pages: int = 100,
    max_depth: int = 2,
    recrawl: str = Recrawl.NEVER,
    created_by: User | None,
    idempotency_key: str | None = None,
) -> tuple[KnowledgeSource, bool]:
    """Have a site read into a pack, or return what this idempotency key already added.

    Raises SourceLimitReached, DuplicateSource, KeyReused, Invalid.
    """
    address = written(url)
    if not address:
        raise Invalid(
            "This is not an address that begins with http:// or https://.",
            pointer="/url",
        )
    _check_bounds(max_pages, max_depth)
    fingerprint = request_fingerprint(
        [str(knowledge_pack.pk), address, max_pages, max_depth, recrawl]
    )
    # Lock first: without it two requests could both see the last free place.
    organization = Organization.objects.locked(knowledge_pack.organization_id)
    mine = KnowledgeSource.objects.for_organization(organization).order_by()
    if idempotency_key is not None and (
        twin := mine.filter(idempotency_key=idempotency_key).first()
    ):
        twin.check_same_request(fingerprint)
        return twin, False
    if mine.filter(knowledge_pack=knowledge_pack, url=address).exists():
        raise DuplicateSource
    if mine.count() >= MAX_SOURCES:
        raise SourceLimitReached(limit=MAX_SOURCES, used=MAX_SOURCES)
    source = _new_source(
        knowledge_pack,
        organization=organization,
        url=address,
        max_pages=max_pages,
        max_depth=max_depth,
        recrawl=recrawl,
        created_by_user=created_by,
        idempotency_key=idempotency_key,
        request_fingerprint=fingerprint,
    )
    _begin(source)
    _record(source, AuditAction.CREATE, created_by, {}, audited(source))
    return source, True


def _new_source(pack: KnowledgePack, **values: Any) -> KnowledgeSource:
    return KnowledgeSource.objects.create(knowledge_pack=pack, **values)


def get_source(*, organization: Organization, source_id: Any) -> KnowledgeSource:
    """Return one of the organization's sites; another's is as if it did not exist."""
    mine = KnowledgeSource.objects.for_organization(organization).with_counts()
    source = mine.filter(pk=source_id).order_by().first()
    if source is None:
        raise NotFound
    return source


@transaction.atomic
def update_source(
    *, source: KnowledgeSource, actor: User | None, changes: dict[str, Any]
) -> KnowledgeSource:
    """Change a site's limits or how often it is read again."""
    found = _locked(source)
    before = audited(found)
    for name in CHANGEABLE:
        if name in changes:
            setattr(found, name, changes[name])
    _check_bounds(found.max_pages, found.max_depth)
    if before == audited(found):
        return found
    if found.is_finished:
        found.next_crawl_at = next_crawl(found, found.finished_at or timezone.now())
    found.save(update_fields=[*CHANGEABLE, "next_crawl_at", "updated_at"])
    _record(found, AuditAction.UPDATE, actor, before, audited(found))
    return found


@transaction.atomic
def delete_source(*, source: KnowledgeSource, actor: User | None) -> None:
    """Delete a site with the documents its pages became."""
    Organization.objects.locked(source.organization_id)
    found = _locked(source)
    before = audited(found)
    pages = Document.objects.filter(source_page__source=found).order_by("pk")
    # A worker that is storing passages ends first, or starts too late.
    documents = list(pages.select_for_update(of=("self",)).values_list("pk", flat=True))
    Document.objects.filter(pk__in=documents).delete()
    found.delete()
    settle_readiness(source.knowledge_pack_id)
    before |= {"documents": len(documents)}
    _record(source, AuditAction.DELETE, actor, before, {})


@transaction.atomic
def crawl_again(*, source: KnowledgeSource, actor: User | None) -> KnowledgeSource:
    """Read a site once more, at once. Raises CrawlUnderWay."""
    found = _locked(source)
    if not found.is_finished:
        raise CrawlUnderWay
    before = {"status": found.status}
    _begin(found)
    _record(found, AuditAction.UPDATE, actor, before, {"status": found.status})
    return found


def start_due() -> int:
    """Begin the crawls whose time has come; return how many."""
    due = KnowledgeSource.objects.filter(
        wanted(KnowledgeSource),
        status__in=[WorkStatus.DONE, WorkStatus.FAILED],
        next_crawl_at__lte=timezone.now(),
    )
    begun = 0
    for source_id in due.order_by("next_crawl_at").values_list("pk", flat=True)[
        :DUE_AT_ONCE
    ]:
        begun += _begin_if_due(source_id)
    return begun


@transaction.atomic
def _begin_if_due(source_id: Any) -> bool:
    """Begin one crawl, unless another process was faster."""
    free = KnowledgeSource.objects.select_for_update(skip_locked=True)
    source = free.filter(pk=source_id, next_crawl_at__lte=timezone.now()).first()
    if source is None or not source.is_finished:
        return False
    _begin(source)
    return True


def _begin(source: KnowledgeSource) -> None:
    """Make every known page wait again, and the first one wait if it is new."""
    known = SourcePage.objects.filter(source=source)
    known.exclude(state=PageState.LEFT_OUT).update(
        state=PageState.WAITING, tries=0, cause=""
    )
    SourcePage.objects.get_or_create(source=source, url=source.url)
    source.status = WorkStatus.PENDING
    source.run_after = source.started_at = timezone.now()
    source.finished_at = source.next_crawl_at = None
    source.cause = source.last_error = ""
    source.save(
        update_fields=[
            "status",
            "run_after",
            "started_at",
            "finished_at",
            "next_crawl_at",
            "cause",
            "last_error",
        ]
    )
    nudge(source)


def next_crawl(source: KnowledgeSource, finished_at: Any) -> Any:
    """Return when a site is to be read again, or None."""
    interval: timedelta | None = Recrawl(source.recrawl).interval
    return finished_at + interval if interval else None


def _locked(source: KnowledgeSource) -> KnowledgeSource:
    mine = KnowledgeSource.objects.for_organization(source.organization_id)
    found = mine.select_for_update().filter(pk=source.pk).order_by().first()
    if found is None:
        raise NotFound
    return found


def _check_bounds(max_pages: int, max_depth: int) -> None:
    if not 1 <= max_pages <= MAX_PAGES:
        raise Invalid(f"1 to {MAX_PAGES:,} pages.", pointer="/max_pages")
    if not 0 <= max_depth <= MAX_DEPTH:
        raise Invalid(f"0 to {MAX_DEPTH} links.", pointer="/max_depth")


def audited(source: KnowledgeSource) -> dict[str, Any]:
    return {
        "knowledge_pack_id": str(source.knowledge_pack_id),
        "url": source.url,
        "max_pages": source.max_pages,
        "max_depth": source.max_depth,
        "recrawl": source.recrawl,
    }


def record_crawl(source: KnowledgeSource, pages: dict[str, int]) -> None:
    """Record a crawl that ended, as one change: what became of how many pages."""
    audit.record(
        action=AuditAction.UPDATE,
        resource_type="knowledge_source",
        resource_id=source.pk,
        organization_id=source.organization_id,
        metadata={"crawled": source.url, "pages": pages, "cause": source.cause},
    )


def _record(
    source: KnowledgeSource,
    action: str,
    actor: User | None,
    before: dict[str, Any],
    after: dict[str, Any],
) -> None:
    audit.record(
        action=action,
        resource_type="knowledge_source",
        resource_id=source.pk,
        organization_id=source.organization_id,
        actor=actor,
        changes=audit.difference(before, after),
    )
