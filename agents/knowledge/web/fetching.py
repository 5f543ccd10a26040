"""Fetch one page of a site: every hop is vetted, and none leads away from it."""

import zlib
from dataclasses import dataclass, field
from urllib.parse import urljoin

from django.conf import settings

from accounts.outbound.addresses import Resolver, resolve
from accounts.outbound.requests import Answer, RequestFailed, get
from agents.knowledge.web.links import root_of, same_site, written
from agents.knowledge.web.robots import MAX_BYTES, Rules, rules_in

AGENT = "YourAgent"
SECONDS = 15
MAX_PAGE_BYTES = 10 * 2**20
MAX_HOPS = 5
MOVED = frozenset({301, 302, 303, 307, 308})
GONE = frozenset({404, 410})
BUSY = frozenset({429, 503})
MAX_WAIT_SECONDS = 600
ACCEPT = "text/html,application/pdf,text/plain,application/xml;q=0.9,*/*;q=0.5"


class NotFetched(Exception):
    """There is no page; the message says why."""


class NotThere(NotFetched):
    """The site says that it has no such page."""


class LeadsAway(NotFetched):
    """It is not of this site, or not for us."""


class Busy(NotFetched):
    """The site asks to come back later."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__("The site asks to come back later (429 or 503).")


@dataclass
class Fetched:
    """A page as it came."""

    url: str
    body: bytes = b""
    charset: str = ""
    etag: str = ""
    last_modified: str = ""
    is_unchanged: bool = False
    is_private: bool = False
    headers: dict[str, str] = field(default_factory=dict)


def fetch(
    url: str,
    *,
    site: str,
    rules: Rules,
    etag: str = "",
    last_modified: str = "",
    resolver: Resolver = resolve,
) -> Fetched:
    """Return a page of a site. Raises NotFetched.

    With `etag` or `last_modified`, one that has not changed comes without its body.
    """
    asking = {"Accept": ACCEPT}
    if etag:
        asking["If-None-Match"] = etag
    if last_modified:
        asking["If-Modified-Since"] = last_modified
    for _ in range(MAX_HOPS + 1):
        if not same_site(site, url):
            raise LeadsAway("It leads to another site.")
        if not rules.allows(url):
            raise LeadsAway("The site's robots.txt asks not to read it.")
        answer = _ask(url, asking, MAX_PAGE_BYTES, resolver)
        if answer.status not in MOVED:
            return _judged(url, answer)
        url = written(urljoin(url, answer.headers.get("location", "")))
        if not url:
            raise NotFetched("It leads to no address.")
    raise NotFetched(f"It leads on and on, more than {MAX_HOPS} times.")


def _ask(
    url: str, headers: dict[str, str], most_bytes: int, resolver: Resolver
) -> Answer:
    try:
        return get(
            url,
            headers=headers | _our_headers(),
            seconds=SECONDS,
            most_bytes=most_bytes,
            resolver=resolver,
        )
    except RequestFailed as error:
        raise NotFetched(str(error)) from None


def _our_headers() -> dict[str, str]:
    about = f"{AGENT}/1 (+{settings.PUBLIC_BASE_URL})"
    return {"User-Agent": about, "Accept-Encoding": "identity"}


def _judged(url: str, answer: Answer) -> Fetched:
    status, headers = answer.status, answer.headers
    if status in GONE:
        raise NotThere(f"The site answers {status}: it is not there.")
    if status in BUSY:
        raise Busy(_wait(headers.get("retry-after", "")))
    if status == 304:
        return Fetched(url, is_unchanged=True)
    if status != 200:
        raise NotFetched(f"The site answers {status}.")
    directives = headers.get("x-robots-tag", "").lower()
    _, _, charset = headers.get("content-type", "").lower().partition("charset=")
    return Fetched(
        url,
        _unpacked(answer),
        charset.split(";")[0].strip(" \"'")[:40],
        headers.get("etag", "")[:500],
        headers.get("last-modified", "")[:100],
        is_private="noindex" in directives or "none" in directives.split(),
    )


def _wait(retry_after: str) -> float:
    seconds = (
        float(retry_after) if retry_after.isascii() and retry_after.isdigit() else 60
    )
    return min(max(seconds, 1.0), MAX_WAIT_SECONDS)


def _unpacked(answer: Answer) -> bytes:
    """Unpack what a server packed although it was asked not to, within the limit."""
    encoding = answer.headers.get("content-encoding", "identity").strip().lower()
    is_packed = answer.body.startswith(b"\x1f\x8b")
    if encoding not in ("", "identity", "gzip", "x-gzip"):
        raise NotFetched("The answer is packed in a way we did not ask for.")
    if not is_packed:
        return answer.body
    try:
        body = zlib.decompressobj(31).decompress(answer.body, MAX_PAGE_BYTES + 1)
    except zlib.error:
        raise NotFetched("The answer is damaged.") from None
    if len(body) > MAX_PAGE_BYTES:
        raise NotFetched(f"It unpacks to more than {MAX_PAGE_BYTES:,} bytes.")
    return body


def rules_of(site: str, *, resolver: Resolver = resolve) -> Rules:
    """Read a site's robots.txt. Raises NotFetched when it could not be read.

    One that is not there forbids nothing; one that fails, everything for now.
    """
    url = root_of(site)
    for _ in range(MAX_HOPS + 1):
        answer = _ask(url, {"Accept": "text/plain,*/*;q=0.5"}, 4 * MAX_BYTES, resolver)
        if answer.status not in MOVED:
            break
        url = written(urljoin(url, answer.headers.get("location", "")))
        # Elsewhere nobody speaks for this site.
        if not url or not same_site(site, url):
            return Rules()
    if answer.status in BUSY:
        raise Busy(_wait(answer.headers.get("retry-after", "")))
    if answer.status >= 500:
        raise NotFetched(f"The site answers {answer.status}.")
    if answer.status != 200:
        return Rules()
    return rules_in(answer.body.decode("utf-8", "replace"), AGENT)
