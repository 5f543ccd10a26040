"""Addresses of pages: written in one way, and whether they are of the same site."""

import re
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

MAX_URL = 2_000
PORTS = {"http": 80, "https": 443}
HOST = re.compile(
    r"\A(?:[a-z0-9_](?:[a-z0-9._-]{0,252}[a-z0-9])?\.?|\[[0-9a-f:.]+\])\Z"
)
# What only tells where a visitor came from.
TRACKING = re.compile(r"(?:utm_\w+|fbclid|gclid|mc_[ce]id|msclkid)\Z")
# Nothing in these is text; asking for them would only cost both sides.
NOT_READ = re.compile(
    r"\.(?:jpe?g|png|gif|webp|avif|svg|ico|bmp|tiff?|mp[34]|m4[av]|mov|avi|webm|og[gv]|"
    r"wav|zip|gz|tgz|bz2|xz|rar|7z|tar|dmg|exe|msi|apk|iso|css|js|mjs|json|woff2?|ttf|"
    r"eot|xls|ppt|docm|epub|ics|rss|atom)\Z",
    re.IGNORECASE,
)


def written(url: str) -> str:
    """Return an address as we keep it, or nothing when it is none we read.

    Host and scheme in small letters, no fragment, no usual port, no tracking.
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode() if parts.hostname else ""
    except (ValueError, UnicodeError):
        return ""
    if parts.scheme not in PORTS or parts.username is not None or not host:
        return ""
    host = f"[{host}]" if ":" in host else host
    if not HOST.match(host):
        return ""
    place = host if port in (None, PORTS[parts.scheme]) else f"{host}:{port}"
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    kept = urlunsplit((parts.scheme, place, path, _query(parts.query), ""))
    return kept if len(kept) <= MAX_URL else ""


def _query(query: str) -> str:
    if not query:
        return ""
    pairs = parse_qsl(query[:MAX_URL], keep_blank_values=True, max_num_fields=100)
    kept = [(name, value) for name, value in pairs if not TRACKING.match(name)]
    return (
        urlencode(kept)
        if len(kept) < len(pairs)
        else quote(query, safe="/%:@!$&'()*+,;=?~-._")
    )


def same_site(one: str, other: str) -> bool:
    """Say whether two addresses are of one site: the same host and port.

    With or without "www." and https, which sites lead visitors to and fro between.
    """
    return _site(one) == _site(other)


def _site(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    host = (parts.hostname or "").removeprefix("www.")
    port = parts.port or PORTS.get(parts.scheme, 0)
    return host, 443 if port == 80 else port


def own_address(url: str, canonical: str) -> str:
    """Return the address a page is kept by: its canonical one, where that may be true.

    Many sites by mistake call every page by their first one's address.
    """
    said = written(canonical) if canonical else ""
    is_start = urlsplit(said).path == "/" and not urlsplit(said).query
    return said if said and same_site(url, said) and not is_start else url


def may_hold_text(url: str) -> bool:
    """Say whether an address looks like a page or a document, by its ending."""
    return not NOT_READ.search(urlsplit(url).path)


def root_of(url: str) -> str:
    """Return where a site's robots.txt stands."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, "/robots.txt", "", ""))
