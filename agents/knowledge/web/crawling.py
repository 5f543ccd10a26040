"""Read a site page by page: leased work in short turns, each by any worker."""

import time
from functools import partial
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models.lifecycle import WorkStatus
from accounts.outbound.addresses import Resolver, resolve
from accounts.work.leases import (
    GAVE_UP,
    claim,
    finish,
    holds,
    nudge,
    renew,
    retry_later,
    store_paid,
)
from agents.knowledge.documents import (
    DocumentLimitReached,
    DuplicateDocument,
    add,
    mark_found,
    mark_missing,
    replace_text,
)
from agents.knowledge.extraction import read_file
from agents.knowledge.file_types import MEDIA_TYPES, Kind, UnknownKind, kind_of
from agents.knowledge.readers.reading import Reading, Unreadable
from agents.knowledge.web.fetching import (
    MAX_HOPS,
    Busy,
    Fetched,
    LeadsAway,
    NotFetched,
    NotThere,
    fetch,
    rules_of,
)
from agents.knowledge.web.links import may_hold_text, own_address, same_site, written
from agents.knowledge.web.robots import Rules
from agents.knowledge.web.sites import next_crawl, record_crawl
from agents.models.knowledge import Document, DocumentOrigin
from agents.models.sources import KnowledgeSource, PageState, SourcePage

log = structlog.get_logger(__name__)

LEASE_SECONDS = 150
# Then others get their turn: a worker is held no longer by a site that is slow.
TURN_SECONDS = 20
RETRY_SECONDS = 60
TRIES = 3
# A list of lists of lists is the end.
LISTS_DEEP = 3
# Pages that are known but hold no document count for the limit of pages only in bulk.
KNOWN_FOR_EACH = 5
STOPPED_WORKERS = "Reading it never came to an end, so we gave up."
UNREACHABLE = "Its robots.txt could not be read: "


class Lost(Exception):
    """Another worker has the site by now."""


class OutOfRoom(Exception):
    """The organization may have no more documents."""


def crawl_source(
    source_id: str, *, resolver: Resolver = resolve
) -> KnowledgeSource | None:
    """Go on with a crawl for one turn; may be called repeatedly."""
    source = claim(
        KnowledgeSource, source_id, lease_seconds=LEASE_SECONDS, give_up=give_up
    )
    if source is None:
        return None
    try:
        is_complete = Turn(source, resolver).take()
    except Busy as busy:
        retry_later(
            source, error=str(busy), delay_seconds=busy.seconds, resets_claims=True
        )
    except NotFetched as error:
        _complete(source, f"{UNREACHABLE}{error}")
    except OutOfRoom as error:
        _complete(source, str(error))
    except Lost:
        log.info("Crawl went on elsewhere", source=str(source.pk))
    except Exception as error:
        log.exception("Crawl stopped", source=str(source.pk))
        name = type(error).__name__
        store_paid(
            partial(retry_later, source, error=name, delay_seconds=RETRY_SECONDS)
        )
    else:
        if is_complete:
            _complete(source)
        elif retry_later(source, error="", delay_seconds=0, resets_claims=True):
            nudge(source)
    return source


def give_up(source: KnowledgeSource) -> None:
    """End a crawl that stopped whoever went on with it; what was read stays."""
    _complete(source, STOPPED_WORKERS, error=GAVE_UP)


@transaction.atomic
def _complete(source: KnowledgeSource, cause: str = "", *, error: str = "") -> None:
    """End a crawl: failed if it has read nothing, and say what there is to say."""
    pages = SourcePage.objects.filter(source=source)
    first = pages.filter(url=source.url).first()
    has_read = pages.filter(state=PageState.READ).exists()
    if not cause and not has_read and first is not None:
        cause = first.cause or "There is no text to read."
    if not cause and pages.count() >= _most_known(source):
        cause = f"It has more pages; the first {source.max_pages:,} were read."
    now = timezone.now()
    is_mine = finish(
        source,
        WorkStatus.DONE if has_read and not error else WorkStatus.FAILED,
        error=error or ("" if has_read else cause),
        cause=cause[:500],
        finished_at=now,
        next_crawl_at=next_crawl(source, now),
    )
    if is_mine:
        record_crawl(source, pages.counted_by_state())


def _most_known(source: KnowledgeSource) -> int:
    return source.max_pages * KNOWN_FOR_EACH


class Turn:
    """What one worker does of a crawl before it lets others go on."""

    def __init__(self, source: KnowledgeSource, resolver: Resolver) -> None:
        self.source = source
        self.resolver = resolver
        self.ends_at = time.monotonic() + TURN_SECONDS
        self.rules = Rules()

    def take(self) -> bool:
        """Read pages until none waits or the time is over; say whether none waits.

        Raises NotFetched, Busy, OutOfRoom, Lost.
        """
        self.rules = rules_of(self.source.url, resolver=self.resolver)
        pause = max(settings.CRAWL_DELAY_SECONDS, self.rules.delay)
        waiting = SourcePage.objects.filter(
            source=self.source, state=PageState.WAITING
        ).select_related("document")
        while page := waiting.order_by("depth", "created_at", "id").first():
            if time.monotonic() > self.ends_at:
                return False
            if not renew(self.source, lease_seconds=LEASE_SECONDS):
                raise Lost
            asked_at = time.monotonic()
            self.visit(page)
            # So often the site is asked, and not more.
            time.sleep(max(0.0, asked_at + pause - time.monotonic()))
        return True

    def visit(self, page: SourcePage) -> None:
        """Look at one page, and keep what became of it."""
        try:
            fetched = fetch(
                page.url,
                site=self.source.url,
                rules=self.rules,
                etag=page.etag if page.document else "",
                last_modified=page.last_modified if page.document else "",
                resolver=self.resolver,
            )
            self.take_in(page, fetched)
        except Busy as busy:
            if self.put_off(page, str(busy)):
                raise
        except NotThere as error:
            self.settle(page, PageState.GONE, str(error), is_missing=True)
        except LeadsAway as error:
            self.settle(page, PageState.SKIPPED, str(error), is_missing=True)
        except (NotFetched, Unreadable) as error:
            # It may be back tomorrow: what is known of it stays.
            self.settle(page, PageState.FAILED, str(error))
        except (UnknownKind, DuplicateDocument) as error:
            self.settle(page, PageState.SKIPPED, _said(error))
        except DocumentLimitReached as error:
            self.settle(page, PageState.SKIPPED, error.detail)
            raise OutOfRoom(error.detail) from None
        except Lost:
            raise
        except Exception:
            self.put_off(page, "It could not be read.")
            raise

    def take_in(self, page: SourcePage, fetched: Fetched) -> None:
        """Read what was fetched, follow its links, and make it a document."""
        if fetched.is_unchanged:
            if page.document and page.document.missing_since:
                mark_found(document=page.document)
            self.settle(page, PageState.READ)
            return
        fetched, kind, reading = self.read(fetched)
        url = own_address(fetched.url, reading.canonical)
        if url != page.url and not self.rename(page, url):
            return
        page.etag, page.last_modified = fetched.etag, fetched.last_modified
        if kind is Kind.SITEMAP:
            self.follow(page, reading, is_list=True)
            self.settle(page, PageState.FOLLOWED)
            return
        self.follow(page, reading)
        if fetched.is_private or reading.is_private:
            raise LeadsAway("The page asks not to be kept (noindex).")
        if not reading.text:
            self.settle(page, PageState.FOLLOWED, "There is no text in it.")
            return
        self.keep(page, kind, reading)

    def read(self, fetched: Fetched) -> tuple[Fetched, Kind, Reading]:
        """Read a page, or the one it leads to by itself. Raises NotFetched."""
        for _ in range(MAX_HOPS):
            kind = kind_of(fetched.body, fetched.url)
            reading = read_file(
                fetched.body, kind, url=fetched.url, charset=fetched.charset
            )
            onward = written(reading.leads_to) if reading.leads_to else ""
            if not onward or onward == written(fetched.url):
                return fetched, kind, reading
            fetched = fetch(
                onward, site=self.source.url, rules=self.rules, resolver=self.resolver
            )
        raise NotFetched(f"It leads on and on, more than {MAX_HOPS} times.")

    @transaction.atomic
    def rename(self, page: SourcePage, url: str) -> bool:
        """Call a page by the address it leads to, unless that is a page already."""
        self.check_held()
        if SourcePage.objects.filter(source=self.source, url=url).exists():
            cause = f"It leads to {url}"
            self.settle(page, PageState.SKIPPED, cause, is_missing=True)
            return False
        page.url = url
        page.save(update_fields=["url"])
        return True

    @transaction.atomic
    def keep(self, page: SourcePage, kind: Kind, reading: Reading) -> None:
        """Store what a page says as its document. Raises what documents raise."""
        self.check_held()
        title = reading.title or page.url.rstrip("/").rpartition("/")[2] or page.url
        if page.document:
            replace_text(
                document=page.document,
                title=title,
                content=reading.text,
                left_out=reading.left_out,
            )
        else:
            page.document, _ = add(
                Document(
                    knowledge_pack=self.source.knowledge_pack,
                    title=title,
                    origin=DocumentOrigin.PAGE,
                    content=reading.text,
                    content_hash=Document.hash_of(reading.text),
                    source_url=page.url,
                    media_type=MEDIA_TYPES[kind],
                    left_out=reading.left_out,
                    created_by_user=self.source.created_by_user,
                )
            )
        self.settle(page, PageState.READ)

    @transaction.atomic
    def follow(self, page: SourcePage, reading: Reading, is_list: bool = False) -> None:
        """Let the pages wait that this one leads to, as far as the limits go."""
        self.check_held()
        if not is_list and page.depth >= self.source.max_depth:
            return
        # What a list names is read and not followed; a list of lists is.
        depth = page.depth + 1
        if is_list and not reading.is_index:
            depth = max(depth, self.source.max_depth)
        if is_list and page.depth > LISTS_DEEP:
            return
        links = dict.fromkeys(written(link) for link in reading.links)
        wished = [
            link
            for link in links
            if link
            and same_site(self.source.url, link)
            and (reading.is_index or may_hold_text(link))
        ]
        known = SourcePage.objects.filter(source=self.source)
        old = set(known.filter(url__in=wished).values_list("url", flat=True))
        new = [link for link in wished if link not in old]
        pages = [
            SourcePage(source=self.source, url=link, depth=depth)
            for link in new[: self.room()]
        ]
        SourcePage.objects.bulk_create(pages, ignore_conflicts=True)

    def room(self) -> int:
        """Return for how many more pages there is room."""
        known = SourcePage.objects.filter(source=self.source)
        counted = known.filter(state__in=[PageState.WAITING, PageState.READ])
        by_pages = self.source.max_pages - counted.count()
        return max(0, min(by_pages, _most_known(self.source) - known.count()))

    def put_off(self, page: SourcePage, cause: str) -> bool:
        """Come back later, some times; then leave the page for this crawl."""
        page.tries += 1
        if page.tries >= TRIES:
            # As it was read: what was changed on the way is not kept.
            page = SourcePage.objects.get(pk=page.pk)
            self.settle(page, PageState.FAILED, cause)
            return False
        SourcePage.objects.filter(pk=page.pk).update(tries=page.tries)
        return True

    @transaction.atomic
    def settle(
        self, page: SourcePage, state: PageState, cause: str = "", *, is_missing=False
    ) -> None:
        """Keep what became of a page, and of its document."""
        self.check_held()
        if page.document and is_missing:
            mark_missing(document=page.document)
        page.state, page.cause = state, cause[:500]
        page.checked_at = timezone.now()
        page.save()

    def check_held(self) -> None:
        if not holds(self.source):
            raise Lost


def _said(error: Any) -> str:
    if isinstance(error, DuplicateDocument):
        return f"Its text is that of “{error.facts['twin_title'][:200]}”."
    return str(error)
