"""What an element tree of HTML shows, as blocks of Markdown; menus are left out."""

import re
from collections import Counter
from dataclasses import dataclass, field

from agents.knowledge.readers.grids import (
    Cell,
    flat,
    in_a_cell,
    markdown,
    pairs,
    spread,
)

# Nothing of what a page says, wherever it stands.
UNREAD = frozenset(
    "head script style noscript svg iframe object embed video audio canvas nav select "
    "option datalist textarea rp".split()
)
UNREAD_ROLES = frozenset({"navigation", "search", "menu", "menubar"})
MEDIA = frozenset({"iframe", "object", "embed", "video", "audio", "canvas"})
HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
LISTS = frozenset({"ul", "ol", "menu"})
# What has a text of its own, put into what is around it when it ends.
FRAMED = frozenset("li dt dd td th pre table".split()) | HEADINGS | LISTS
BLOCKS = FRAMED | frozenset(
    "p div section article main header footer aside form fieldset legend label details "
    "summary dialog address blockquote figure figcaption caption hgroup center dl tr "
    "body html".split()
)
APART = frozenset({"input", "img", "button", "br"})
PARTS = frozenset({"article", "main", "section", "blockquote"})
# Of menus by their names, those are left out that are made of links.
MENU = re.compile(
    r"nav|menu|breadcrumb|sidebar|toc|pagination|pager|share|social|cookie|consent|skip",
    re.IGNORECASE,
)
GUTTER = re.compile(r"lineno|line-numbers|gutter", re.IGNORECASE)
ICONS = re.compile(r"material-(?:icons|symbols)", re.IGNORECASE)
PICTURE_FILES = (".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".bmp")
# Signs that lead to a heading itself.
ANCHORS = frozenset({"", "¶", "#", "§", "🔗", "link"})
MOSTLY = 0.6
FEW_LINKS = 2
MAX_JUDGED = 3


class Picture(str):
    """A picture's words alone: no heading of what follows, nor an answer without it."""

    __slots__ = ()


@dataclass
class Frame:
    """A part that is being read: its finished blocks, and the words of the next."""

    tag: str = ""
    element: object = None
    blocks: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    # Whether the words are more than those of pictures.
    has_text: bool = False
    rows: list[list[Cell]] = field(default_factory=list)
    # Of a numbered list: the number of its next point.
    number: int = 1

    def end_block(self) -> None:
        lines = ("".join(self.words)).split("\n")
        text = "\n".join(filter(None, (" ".join(line.split()) for line in lines)))
        if text:
            is_picture = not self.has_text and not self.tag
            self.blocks.append(Picture(f"({flat(text)})") if is_picture else text)
        self.words, self.has_text = [], False

    @property
    def line(self) -> str:
        return " ".join(" ".join(self.blocks).split())


class Visible:
    """All a page says outside its menus; `left_out` counts what is not text."""

    def __init__(self, tree) -> None:
        from lxml.etree import iterwalk

        self.frames = [Frame()]
        self.left_out: Counter[str] = Counter()
        # How many parts, such as articles, and judged menus we are in.
        self.within, self.judged = 0, 0
        self.has_main = next(tree.iter("main", "article"), None) is not None
        walk = iterwalk(tree, events=("start", "end"))
        for event, element in walk:
            tag = element.tag if isinstance(element.tag, str) else ""
            if event == "end":
                self.leave(tag, element)
                self.say(element.tail)
            elif self.is_unread(tag, element):
                walk.skip_subtree()
            else:
                self.enter(tag, element)
                self.say(element.text)
        self.frames[0].end_block()

    @property
    def text(self) -> str:
        parts: list[str] = []
        for block in self.frames[0].blocks:
            is_prose = not isinstance(block, Picture) and not MARKED.match(block)
            if parts and isinstance(parts[-1], Picture) and is_prose:
                parts[-1] = f"{parts[-1]} {block}"
            else:
                parts.append(block)
        return "\n\n".join(parts)

    @property
    def frame(self) -> Frame:
        return self.frames[-1]

    # --- What is left out -------------------------------------------------------
    def is_unread(self, tag: str, element) -> bool:
        if tag in MEDIA:
            self.left_out["embedded"] += 1
        role = element.get("role") or ""
        if tag in UNREAD or role in UNREAD_ROLES:
            self.left_out["menus"] += tag == "nav" or role == "navigation"
            return True
        if tag == "template":
            return element.get("shadowrootmode") is None
        if tag == "button":
            return not self.opens(element)
        named = f"{element.get('class') or ''} {element.get('id') or ''}"
        if tag == "a":
            return self.is_anchor(element, named)
        if GUTTER.search(named) or ICONS.search(named):
            return True
        return self.is_margin(tag, element, named)

    def opens(self, button) -> bool:
        """Say whether a button is the head of a panel rather than something to do."""
        within = {frame.tag for frame in self.frames}
        says_so = any(
            button.get(name)
            for name in ("aria-expanded", "aria-controls", "data-bs-toggle")
        )
        is_tab = button.get("role") == "tab"
        parent = button.getparent()
        is_summary = parent is not None and parent.tag == "summary"
        return says_so or is_tab or is_summary or bool(within & (HEADINGS | {"dt"}))

    def is_anchor(self, link, named: str) -> bool:
        if (link.get("href") or "").startswith("#") and "skip" in named.lower():
            return True
        within = {frame.tag for frame in self.frames}
        words = "".join(link.itertext()).strip().lower() if within & HEADINGS else "-"
        return words in ANCHORS

    def is_margin(self, tag: str, element, named: str) -> bool:
        """Say whether this is around a page's text: a menu, or its footer."""
        is_outside = not self.within and tag in ("header", "footer", "aside")
        is_left_out = is_outside and (
            tag == "footer" or (tag == "header" and self.has_main)
        )
        is_named = tag not in ("body", "html") and MENU.search(named)
        # A page's only large heading may stand above its main part.
        if (is_left_out or is_outside or is_named) and holds_main(element):
            return False
        if not is_left_out and (is_outside or is_named) and self.judged < MAX_JUDGED:
            is_left_out = is_made_of_links(element)
        self.left_out["footers" if tag == "footer" else "menus"] += is_left_out
        return is_left_out

    # --- What is read -----------------------------------------------------------
    def enter(self, tag: str, element) -> None:
        if tag in PARTS:
            self.within += 1
        if is_judged(tag, element):
            self.judged += 1
        if self.is_in("pre"):
            if tag == "br" or (tag in BLOCKS and not self.ends_line()):
                self.frame.words.append("\n")
            return
        if tag in BLOCKS or tag == "button":
            self.frame.end_block()
        if tag in FRAMED:
            self.frames.append(Frame(tag, element))
        if tag == "ol":
            self.frame.number = _whole(element.get("start"))
        if tag == "tr":
            self.table().rows.append([])
        elif tag == "br":
            self.frame.words.append("\n")
        elif tag == "img":
            self.picture(element)
        elif tag in APART:
            self.frame.words.append(" ")

    def leave(self, tag: str, element) -> None:
        if tag in PARTS:
            self.within -= 1
        if is_judged(tag, element):
            self.judged -= 1
        if self.is_in("pre") and tag != "pre":
            return
        if (tag in BLOCKS and tag != "pre") or tag == "button":
            self.frame.end_block()
        if tag in FRAMED and self.frame.element is element:
            part = self.frames.pop()
            getattr(self, f"end_{'heading' if tag in HEADINGS else tag}", self.end)(
                part
            )

    def is_in(self, tag: str) -> bool:
        return self.frame.tag == tag

    def ends_line(self) -> bool:
        return not self.frame.words or self.frame.words[-1].endswith("\n")

    def table(self) -> Frame:
        return next(
            (frame for frame in reversed(self.frames) if frame.tag == "table"),
            self.frames[0],
        )

    def say(self, words: str | None) -> None:
        if not words:
            return
        if not self.is_in("pre"):
            words = SPACE.sub(" ", words)
            self.frame.has_text = self.frame.has_text or not words.isspace()
        self.frame.words.append(words)

    def picture(self, image) -> None:
        words = " ".join((image.get("alt") or "").split())
        if not words or (" " not in words and words.lower().endswith(PICTURE_FILES)):
            self.left_out["pictures"] += image.get("alt") != ""
        else:
            self.frame.words.append(f" {words} ")

    # --- Parts that end ---------------------------------------------------------
    def end(self, part: Frame) -> None:
        self.frame.blocks += part.blocks

    def end_heading(self, part: Frame) -> None:
        if part.line:
            self.frame.blocks.append(f"{'#' * int(part.tag[1])} {part.line}")

    def end_pre(self, part: Frame) -> None:
        code = "".join(part.words).strip("\n").replace("```", "'''")
        if code.strip():
            self.frame.blocks.append(f"```\n{code}\n```")

    def end_li(self, part: Frame) -> None:
        # A card or a question with a heading of its own is no point of a list.
        if any(block.startswith("#") for block in part.blocks):
            self.frame.blocks += part.blocks
        elif part.blocks:
            mark = "- "
            if self.is_in("ol"):
                number = _whole(part.element.get("value"), self.frame.number)
                self.frame.number = number + 1
                mark = f"{number}. "
            self.frame.blocks.append(mark + "\n".join(part.blocks))

    def end_ul(self, part: Frame) -> None:
        lines: list[str] = []
        for block in part.blocks:
            if lines and not block.startswith("#") and ITEM.match(block):
                lines[-1] += f"\n{block}"
            else:
                lines.append(block)
        self.frame.blocks += lines

    end_ol = end_menu = end_ul

    def end_dt(self, part: Frame) -> None:
        blocks, terms = self.frame.blocks, self.frame.rows
        if part.line and terms and blocks[-1:] == [terms[-1][0].text]:
            part.blocks.insert(0, f"{blocks.pop()},")
        if part.line:
            blocks.append(part.line)
            terms[:] = [[Cell(part.line)]]

    def end_dd(self, part: Frame) -> None:
        """Say a term with what it means, unless it is a question or that is long."""
        blocks, terms = self.frame.blocks, self.frame.rows
        term = terms.pop()[0].text if terms else ""
        is_short = len(part.blocks) == 1 and "\n" not in part.blocks[0]
        if term and is_short and blocks[-1:] == [term] and not term.endswith("?"):
            blocks[-1] = f"- {term.rstrip(': ')}: {part.blocks[0]}"
        elif not term and is_short and blocks and blocks[-1].startswith("- "):
            blocks[-1] += f"; {part.blocks[0]}"
        else:
            blocks += part.blocks

    def end_td(self, part: Frame) -> None:
        table = self.table()
        if not table.rows:
            table.rows.append([])
        table.rows[-1].append(
            Cell(
                "\n\n".join(part.blocks),
                _whole(part.element.get("colspan")),
                _whole(part.element.get("rowspan")),
                part.tag == "th",
            )
        )

    end_th = end_td

    def end_table(self, part: Frame) -> None:
        """Write a table by its rows, or what only lays a page out by its parts."""
        rows = [row for row in part.rows if row]
        blocks = self.frame.blocks
        blocks += part.blocks
        cells = [cell for row in rows for cell in row]
        has_names = any(cell.is_name for cell in cells)
        is_layout = max(map(len, rows), default=0) < 2 or (
            not has_names and any(_is_large(cell.text) for cell in cells)
        )
        role = part.element.get("role")
        if is_layout or role in ("presentation", "none"):
            blocks += [cell.text for cell in cells if cell.text]
            return
        for cell in cells:
            cell.text = in_a_cell(cell.text)
        names = next(
            (at for at, row in enumerate(rows) if not all(c.is_name for c in row)),
            len(rows),
        )
        is_named_by_row = not names and rows[0][0].is_name
        grid = spread(rows)
        if is_named_by_row:
            text = pairs(grid)
        else:
            text = markdown(grid, max(1, names))
        blocks += [text] if text else []


MARKED = re.compile(r"\A(?:#|\||```|- |\d{1,9}\. )")
SPACE = re.compile(r"\s+")
ITEM = re.compile(r"\A(?:- |\d{1,9}\. )")


def is_judged(tag: str, element) -> bool:
    named = f"{element.get('class') or ''} {element.get('id') or ''}" if tag else ""
    return bool(tag) and tag not in ("a", "button") and bool(MENU.search(named))


def holds_main(element) -> bool:
    return next(element.iter("h1", "main", "article"), None) is not None


def is_made_of_links(element) -> bool:
    """Say whether most of what an element says are several links, as in a menu."""
    links = list(element.iter("a"))
    if len(links) < FEW_LINKS:
        return False
    linked = sum(_length(link) for link in links)
    return linked >= MOSTLY * _length(element)


def _length(element) -> int:
    return sum(len("".join(text.split())) for text in element.itertext())


def _is_large(text: str) -> bool:
    """Say whether a cell holds what no cell of a table of facts does."""
    return text.startswith(("#", "| ")) or "\n\n#" in text or "\n\n| " in text


def _whole(value: str | None, otherwise: int = 1) -> int:
    value = (value or "").strip()
    return (
        int(value)
        if value.isascii() and value.isdigit() and len(value) < 9
        else otherwise
    )
