"""Web pages and sitemaps: the text without menus and scripts, and the links."""

import re
from urllib.parse import urljoin, urlsplit

from agents.knowledge.readers.reading import Reading, Unreadable
from agents.knowledge.readers.texts import decoded

MAX_LINKS = 2_000
MAX_ENTRIES = 50_000
MAX_ADDRESS = 2_000
DECLARED = re.compile(
    rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w-]{2,40})", re.IGNORECASE
)
XML_DECLARATION = re.compile(r"\A\s*<\?xml[^>]*\?>")
# Not part of what a page says, wherever it stands.
UNREAD = frozenset(
    "head script style noscript template svg iframe object nav header footer aside "
    "form button select".split()
)
BLOCKS = frozenset(
    "p div section article main ul ol li h1 h2 h3 h4 h5 h6 table tr br dt dd pre "
    "blockquote".split()
)
MARKS = {f"h{level}": f"{'#' * level} " for level in range(1, 7)} | {"li": "- "}
# What says less has no parts that would need telling apart from it.
SHORT = 3_000
# What is longer takes longer to tell apart than anybody waits.
LONG = 300_000


def read(raw: bytes, url: str = "", charset: str = "") -> Reading:
    tree = _tree(raw, charset)
    directives = " ".join(_named(tree, "robots")).lower()
    is_closed = "nofollow" in directives or "none" in directives
    reading = Reading(
        Visible(tree).text,
        _title(tree),
        [] if is_closed else _links(tree, url),
        is_private="noindex" in directives or "none" in directives,
    )
    if SHORT < len(reading.text) <= LONG:
        reading.text = _main_text(tree) or reading.text
    return reading


def _main_text(tree) -> str | None:
    # Heavy, and needed for long pages only.
    from trafilatura import extract

    return extract(
        tree,
        output_format="markdown",
        include_comments=False,
        include_tables=True,
        favor_recall=True,
    )


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
        raise Unreadable("There is no text in the page.") from None


def _named(tree, name: str) -> list[str]:
    """Return the contents of the <meta> of a name."""
    return [
        meta.get("content", "")
        for meta in tree.iter("meta")
        if meta.get("name", "").lower() == name
    ]


def _title(tree) -> str:
    for tag in ("h1", "title"):
        for element in tree.iter(tag):
            if words := " ".join(element.itertext()).strip():
                return words
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


class Visible:
    """All a page shows outside its menus: blocks apart, headings and lists marked."""

    def __init__(self, tree) -> None:
        from lxml.etree import iterwalk

        self.blocks = [""]
        walk = iterwalk(tree, events=("start", "end"))
        for event, element in walk:
            tag = element.tag if isinstance(element.tag, str) else ""
            if event == "end":
                self.leave(tag)
                self.say(element.tail)
            elif tag in UNREAD:
                walk.skip_subtree()
            else:
                self.enter(tag)
                self.say(element.text)

    @property
    def text(self) -> str:
        lines = (" ".join(block.split()) for block in self.blocks)
        marks = {mark.strip() for mark in MARKS.values()}
        return "\n\n".join(line for line in lines if line and line not in marks)

    def enter(self, tag: str) -> None:
        if tag in BLOCKS:
            self.blocks.append(MARKS.get(tag, ""))
        elif tag in ("td", "th"):
            self.blocks[-1] += " | " if self.blocks[-1].strip() else ""

    def leave(self, tag: str) -> None:
        if tag in BLOCKS:
            self.blocks.append("")

    def say(self, words: str | None) -> None:
        self.blocks[-1] += words or ""


# --- Sitemaps -----------------------------------------------------------------
def read_sitemap(raw: bytes, url: str = "") -> Reading:
    """Read the addresses a sitemap lists, or those of other sitemaps."""
    from lxml import etree

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
