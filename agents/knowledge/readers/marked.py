"""Markdown: its marks resolved, and no HTML left in it."""

import html
import re
from collections.abc import Iterator

from agents.knowledge.readers.reading import Reading
from agents.knowledge.readers.texts import decoded

FRONT_MATTER = re.compile(
    r"\A\ufeff?---[ \t]*\n(.*?\n)(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL
)
TITLE = re.compile(r"^title:[ \t]*(.+)$", re.MULTILINE | re.IGNORECASE)


def read(raw: bytes) -> Reading:
    # Heavy, and needed for these files only.
    from markdown_it import MarkdownIt

    text = decoded(raw).replace("\r\n", "\n")
    title = ""
    if matter := FRONT_MATTER.match(text):
        text = text[matter.end() :]
        named = TITLE.search(matter[1])
        title = named[1].strip().strip("'\"") if named else ""
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    writer = Writer()
    for token in tokens:
        writer.take(token)
    return Reading("\n\n".join(writer.blocks), title or writer.first_heading)


class Writer:
    """Write tokens as blocks of the plain Markdown that passages are cut from."""

    def __init__(self) -> None:
        self.blocks: list[str] = []
        self.first_heading = ""
        self.heading = 0
        # The marks of the lists we are in; the item that was just opened.
        self.lists: list[str] = []
        self.mark = ""
        self.rows: list[list[str]] | None = None

    def take(self, token) -> None:
        if handler := getattr(self, f"take_{token.type}", None):
            handler(token)

    def take_heading_open(self, token) -> None:
        self.heading = int(token.tag[1])

    def take_heading_close(self, token) -> None:
        self.heading = 0

    def take_inline(self, token) -> None:
        text = "".join(_said(token.children or [])).strip()
        if self.rows is not None:
            self.rows[-1].append(" ".join(text.split()).replace("|", "/"))
        elif self.heading:
            text = " ".join(text.split())
            self.first_heading = self.first_heading or text
            self.add(f"{'#' * self.heading} {text}")
        else:
            self.add(f"{self.mark}{text}" if text else "")
            self.mark = ""

    def take_bullet_list_open(self, token) -> None:
        self.lists.append("- ")

    def take_ordered_list_open(self, token) -> None:
        self.lists.append("1. ")

    def take_bullet_list_close(self, token) -> None:
        self.lists.pop()

    take_ordered_list_close = take_bullet_list_close

    def take_list_item_open(self, token) -> None:
        is_numbered = self.lists[-1] != "- "
        self.mark = f"{token.info}. " if is_numbered else "- "

    def take_fence(self, token) -> None:
        code = token.content.strip("\n").replace("```", "'''")
        self.add(f"```\n{code}\n```" if code else "")

    take_code_block = take_fence

    def take_html_block(self, token) -> None:
        self.add(_without_tags(token.content))

    def take_table_open(self, token) -> None:
        self.rows = []

    def take_tr_open(self, token) -> None:
        self.rows.append([])

    def take_table_close(self, token) -> None:
        self.add("\n".join(f"| {' | '.join(cells)} |" for cells in self.rows))
        self.rows = None

    def add(self, block: str) -> None:
        if block.strip():
            is_next_item = self.lists and self.mark and self.blocks
            if is_next_item and self.blocks[-1].startswith(("- ", "1. ")):
                self.blocks[-1] += f"\n{block}"
            else:
                self.blocks.append(block)


def _said(children) -> Iterator[str]:
    """Yield what an inline says: no addresses, no emphasis, a picture's words."""
    for child in children:
        if child.type in ("text", "code_inline"):
            yield child.content
        elif child.type == "softbreak":
            yield " "
        elif child.type == "hardbreak":
            yield "\n"
        elif child.type == "image":
            yield child.content


def _without_tags(markup: str) -> str:
    import nh3

    # Its default keeps the contents of scripts and styles out as well.
    return html.unescape(nh3.clean(markup, tags=set(), attributes={})).strip()
