"""Web pages and sitemaps: the text without menus and scripts, and the links."""

import re
from urllib.parse import urljoin, urlsplit

from agents.knowledge.readers.markup import Visible
from agents.knowledge.readers.reading import Reading, Unreadable, counted
from agents.knowledge.readers.texts import decoded

MAX_LINKS = 2_000
MAX_ENTRIES = 50_000
MAX_ADDRESS = 2_000
DECLARED = re.compile(
    rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w-]{2,40})", re.IGNORECASE
)
BLANK = b"\xef\xbb\xbf \t\r\n"
XML_DECLARATION = re.compile(r"\A\s*<\?xml[^>]*\?>")
# A page that leads on only after so many seconds is meant to be read.
AT_ONCE = 10
REFRESH = re.compile(
    r"\A\s*+(\d{1,9})[\d.]*+\s*+[;,]\s*+(?:url\s*+=\s*+)?(\S+)", re.IGNORECASE
)
HEADING = re.compile(r"^# (.+)$", re.MULTILINE)


def read(raw: bytes, url: str = "", charset: str = "") -> Reading:
    tree = _tree(raw, charset)
    directives = " ".join(_named(tree, "robots")).lower()
    is_closed = "nofollow" in directives or "none" in directives
    shown = Visible(tree)
    if not shown.text and len(raw) > MOST_AT_ONCE:
        raise Unreadable(_nothing_in(raw))
    return Reading(
        shown.text,
        _title(tree, shown.text),
        [] if is_closed else _links(tree, url),
        is_private="noindex" in directives or "none" in directives,
        leads_to=_refresh(tree, url),
        canonical=_canonical(tree, url),
        left_out=_left_out(shown),
    )


# The parser takes no piece of text that is longer.
MOST_AT_ONCE = 9_000_000
TOO_LONG = "A piece of its text is longer than 9,000,000 characters; split it."


def _nothing_in(raw: bytes) -> str:
    return TOO_LONG if len(raw) > MOST_AT_ONCE else "There is no text in the page."


def _left_out(shown: Visible) -> list[str]:
    count = shown.left_out
    return [
        *(["menus"] if count["menus"] else []),
        *(["the page's footer"] if count["footers"] else []),
        *counted(count["pictures"], "picture without a description"),
        *counted(count["embedded"], "part from elsewhere (a film, a map)"),
    ]


def _tree(raw: bytes, charset: str):
    from lxml.etree import LxmlError
    from lxml.html import HTMLParser, document_fromstring

    declared = DECLARED.search(raw[:2_048])
    text = decoded(raw, charset or (declared[1].decode("ascii") if declared else ""))
    text = XML_DECLARATION.sub("", text)
    parser = HTMLParser(
        encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True
    )
    try:
        return document_fromstring(text.encode("utf-8", "replace"), parser=parser)
    except (LxmlError, ValueError, AssertionError):
        raise Unreadable(_nothing_in(raw)) from None


def _named(tree, name: str) -> list[str]:
    """Return the contents of the <meta> of a name."""
    return [
        meta.get("content", "")
        for meta in tree.iter("meta")
        if meta.get("name", "").lower() == name
    ]


def _title(tree, text: str) -> str:
    if heading := HEADING.search(text):
        return heading[1]
    titles = ("".join(element.itertext()).strip() for element in tree.iter("title"))
    return next(filter(None, titles), "")


def _refresh(tree, url: str) -> str:
    """Return where a page leads to by itself, or nothing."""
    for meta in tree.iter("meta"):
        if (meta.get("http-equiv") or "").strip().lower() == "refresh":
            found = REFRESH.match(meta.get("content") or "")
            if found and int(found[1]) <= AT_ONCE:
                return _joined(url, found[2].strip("'\""))
    return ""


def _canonical(tree, url: str) -> str:
    """Return what a page says is its own address, or nothing."""
    for link in tree.iter("link"):
        if "canonical" in (link.get("rel") or "").lower().split():
            return _joined(url, (link.get("href") or "").strip())
    return ""


def _links(tree, url: str) -> list[str]:
    """Return the absolute addresses a page links to, each once, in order."""
    bases = [base.get("href") for base in tree.iter("base") if base.get("href")]
    start = _joined(url, bases[0]) if bases else url
    found: dict[str, None] = {}
    for anchor in tree.iter("a", "area"):
        href = (anchor.get("href") or "").strip()
        if not href or "nofollow" in (anchor.get("rel") or "").lower():
            continue
        address = _joined(start or url, href)
        if address.startswith(("http://", "https://")) and len(address) <= MAX_ADDRESS:
            found[address] = None
        if len(found) >= MAX_LINKS:
            break
    return list(found)


def _joined(base: str, href: str) -> str:
    try:
        address = urljoin(base, href)
        urlsplit(address)
    except ValueError:
        return ""
    return address


# --- Sitemaps -----------------------------------------------------------------
def read_sitemap(raw: bytes, url: str = "") -> Reading:
    """Read the addresses a sitemap lists, or those of other sitemaps."""
    from lxml import etree

    if not raw.lstrip(BLANK).startswith(b"<"):
        return Reading("", links=addresses_in(decoded(raw))[:MAX_ENTRIES])
    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True)
    root = etree.fromstring(raw, parser=parser)
    if root is None:
        raise Unreadable("The sitemap is damaged.")
    found: dict[str, None] = {}
    for entry in root.iter("{*}loc"):
        address = _joined(url, (entry.text or "").strip())
        # Pictures and films have a <loc> of their own in some.
        parent = etree.QName(entry.getparent()).localname
        if parent in ("url", "sitemap") and len(address) <= MAX_ADDRESS:
            found[address] = None
        if len(found) >= MAX_ENTRIES:
            break
    is_index = etree.QName(root).localname == "sitemapindex"
    return Reading("", links=list(found), is_index=is_index)


def addresses_in(text: str) -> list[str]:
    """Return the addresses of a sitemap that is a text, one a line."""
    lines = dict.fromkeys(line.strip() for line in text.split("\n"))
    return [line for line in lines if line and len(line) <= MAX_ADDRESS]
