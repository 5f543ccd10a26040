"""Split a text into passages: short enough to quote, whole enough to understand."""

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field

from agents.knowledge.sentences import split_sentences

SMALLEST, LARGEST = 600, 900
OVERLAP = 150
MAX_PIECES = 5_000
HEADING_LENGTH = 500
PATH_SEPARATOR = " > "

ATX = re.compile(r"\A#{1,6}(?=\s)")
LIST_ITEM = re.compile(r"\A\s*(?:[-*+•]|\d{1,3}[.)])\s+")
FENCE = re.compile(r"\A\s*(?:```|~~~)")
TABLE_RULE = re.compile(r"\A[\s|:-]+\Z")
# Where emphasis may begin and end; the marks of one word may overlap.
EMPHASIS_BEGINS = re.compile(r"(?=(\*\*|__)\S)")
EMPHASIS_ENDS = re.compile(r"(?<=\S)(?=(\*\*|__))")
LINK = re.compile(r"!?\[([^\[\]\n]{1,300})\]\([^()\s]{1,2000}\)")
PLAIN_HEADING_LEVEL = 7


@dataclass(frozen=True)
class Piece:
    """One passage, and the headings above it as a path."""

    heading: str
    text: str


@dataclass
class Section:
    """What stands under one heading: paragraphs, each a list of units to keep whole."""

    path: list[str] = field(default_factory=list)
    paragraphs: list[list[str]] = field(default_factory=list)

    @property
    def heading(self) -> str:
        return PATH_SEPARATOR.join(self.path)[:HEADING_LENGTH]


def split_text(text: str) -> list[Piece]:
    """Return the passages of a document, in order."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").expandtabs(2).strip()
    pieces = _pieces(_sections(text.split("\n")))
    if not pieces or len(pieces) > MAX_PIECES:
        # Nothing but headings: then they are the text.
        plain = Section(paragraphs=[split_sentences(line) for line in text.split("\n")])
        pieces = _pieces([plain])
    return pieces


# --- Lines to sections ------------------------------------------------------
class Reader:
    """Read lines into sections; knows which headings stand above."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.levels: list[tuple[int, str]] = []
        self.section = Section()
        # Units so far, each the lines that make it up.
        self.paragraph: list[list[str]] = []

    def read(self) -> Iterator[Section]:
        at = 0
        while at < len(self.lines):
            level, title, used = self.heading_at(at)
            if level:
                yield from self.close(level, title)
            else:
                used = self.take(at)
            at += used
        self.end_paragraph()
        yield self.section

    def close(self, level: int, title: str) -> Iterator[Section]:
        """End the section; a lone line that only looked like a heading is text."""
        self.end_paragraph()
        if not self.section.paragraphs and self.levels and level <= self.levels[-1][0]:
            orphan_level, orphan = self.levels[-1]
            if orphan_level == PLAIN_HEADING_LEVEL:
                self.section.path.pop()
                self.section.paragraphs.append([orphan])
        yield self.section
        self.levels = [item for item in self.levels if item[0] < level]
        self.levels.append((level, title))
        self.section = Section([title for _, title in self.levels])

    def heading_at(self, at: int) -> tuple[int, str, int]:
        """Return level, title and lines used; level 0 where there is no heading."""
        line = self.lines[at].strip()
        following = self.lines[at + 1].strip() if at + 1 < len(self.lines) else ""
        if match := ATX.match(line):
            return match.end(), clean(_atx_title(line[match.end() :])), 1
        if self.paragraph or not line or _is_structure(line):
            return 0, "", 0
        if _underlines(following):
            return (1 if following[0] == "=" else 2), clean(line), 2
        if self.is_plain_heading(line, following, at):
            return PLAIN_HEADING_LEVEL, clean(line), 1
        return 0, "", 0

    def is_plain_heading(self, line: str, following: str, at: int) -> bool:
        """Take a short line on its own, or a question, for a heading."""
        if len(line) > 80 or len(line.split()) > 12 or not self.has_text_after(at):
            return False
        bare = line.strip("*_")
        if line.endswith("?"):
            return True
        begins = bare[:1].isupper() or bare[:1].isdigit()
        return begins and bare[-1] not in ".,;:!…" and following == ""

    def has_text_after(self, at: int) -> bool:
        return any(line.strip() for line in self.lines[at + 1 : at + 4])

    def take(self, at: int) -> int:
        """Add what starts at this line to the paragraph; return the lines used."""
        line = self.lines[at]
        if not line.strip():
            self.end_paragraph()
            return 1
        if FENCE.match(line):
            return self.take_fenced(at)
        if _is_table_row(line):
            return self.take_table(at)
        if LIST_ITEM.match(line) or not self.paragraph:
            self.paragraph.append([line.rstrip()])
        else:
            self.paragraph[-1].append(line.strip())
        return 1

    def take_fenced(self, at: int) -> int:
        self.end_paragraph()
        end = at + 1
        while end < len(self.lines) and not FENCE.match(self.lines[end]):
            end += 1
        code = [line for line in self.lines[at + 1 : end] if line.strip()]
        self.section.paragraphs += [[line] for line in code]
        return end - at + 1

    def take_table(self, at: int) -> int:
        self.end_paragraph()
        end = at
        while end < len(self.lines) and _is_table_row(self.lines[end]):
            end += 1
        rows = [
            [clean(cell.strip()) for cell in line.strip().strip("|").split("|")]
            for line in self.lines[at:end]
            if not TABLE_RULE.match(line)
        ]
        self.section.paragraphs += [[line] for line in _table_sentences(rows)]
        return end - at

    def end_paragraph(self) -> None:
        """Keep list items whole; what stands before or after them is prose."""
        units = []
        for lines in self.paragraph:
            unit = clean(" ".join(lines))
            if LIST_ITEM.match(unit):
                units.append(unit)
            else:
                units += split_sentences(unit)
        if units:
            self.section.paragraphs.append(units)
        self.paragraph = []


def _sections(lines: list[str]) -> list[Section]:
    return list(Reader(lines).read())


def _atx_title(rest: str) -> str:
    """Return a heading without the marks that may close it."""
    rest = rest.strip()
    return rest.rstrip("#").rstrip() or rest[:1]


def _underlines(line: str) -> bool:
    """Say whether a line makes the one above it a heading."""
    return len(line) >= 3 and line[0] in "=-" and not line.strip(line[0])


def _is_table_row(line: str) -> bool:
    bare = line.strip()
    return len(bare) > 1 and bare[0] == bare[-1] == "|"


def _is_structure(line: str) -> bool:
    return bool(LIST_ITEM.match(line) or FENCE.match(line)) or _is_table_row(line)


def clean(text: str) -> str:
    """Take away what only formats: emphasis, and a link's address."""
    lines = (_without_emphasis(line) for line in text.split("\n"))
    return LINK.sub(r"\1", "\n".join(lines))


def _without_emphasis(line: str) -> str:
    """Take pairs of marks away, each closed by the next of its kind after a word."""
    ends: dict[str, list[int]] = {"**": [], "__": []}
    for end in EMPHASIS_ENDS.finditer(line):
        ends[end[1]].append(end.start())
    kept, place = [], 0
    for begin in EMPHASIS_BEGINS.finditer(line):
        start, closing = begin.start(), ends[begin[1]]
        # A mark that nothing closes stays; so does every later one of its kind.
        nearest = bisect_left(closing, start + 3)
        if start >= place and nearest < len(closing):
            kept += line[place:start], line[start + 2 : closing[nearest]]
            place = closing[nearest] + 2
    return "".join(kept) + line[place:]


def _table_sentences(rows: list[list[str]]) -> list[str]:
    """Say each row with its column names, so that it can be read on its own."""
    if len(rows) < 2:
        return [", ".join(filter(None, row)) for row in rows]
    names = rows[0]
    found = []
    for first, *cells in rows[1:]:
        facts = [
            f"{name} {cell}".strip()
            for name, cell in zip(names[1:], cells, strict=False)
            if cell
        ]
        found.append(f"{first}: {', '.join(facts)}" if facts else first)
    return found


# --- Sections to pieces -----------------------------------------------------
def _pieces(sections: list[Section]) -> list[Piece]:
    return [
        Piece(section.heading, text)
        for section in sections
        for text in _packed(section.paragraphs)
    ]


def _packed(paragraphs: list[list[str]]) -> Iterator[str]:
    """Fill passages up to the largest size, preferring to end with a paragraph."""
    passage = Passage()
    for units in paragraphs:
        if passage.length >= SMALLEST:
            yield passage.flush()
        for index, unit in enumerate(_short_enough(units)):
            joint = "\n" if index == 0 or LIST_ITEM.match(unit) else " "
            if passage.is_new and passage.length:
                joint = " "
            if passage.length + len(unit) >= LARGEST and not passage.is_new:
                yield passage.flush()
                joint = " "
            passage.add(unit, joint)
    if not passage.is_new:
        yield passage.flush()


def _short_enough(units: list[str]) -> Iterator[str]:
    for unit in units:
        while len(unit) > LARGEST:
            cut = unit.rfind(" ", SMALLEST, LARGEST)
            cut = cut if cut > 0 else LARGEST
            yield unit[:cut].strip()
            unit = unit[cut:].strip()
        if unit:
            yield unit


class Passage:
    """A passage being filled; each begins with the end of the one before."""

    def __init__(self) -> None:
        self.units: list[tuple[str, str]] = []
        self.length = 0
        # Only what was repeated from the passage before stands in it so far.
        self.is_new = True

    def add(self, unit: str, joint: str) -> None:
        self.units.append((joint, unit))
        self.length += len(joint) + len(unit)
        self.is_new = False

    def flush(self) -> str:
        text = "".join(joint + unit for joint, unit in self.units).strip()
        last = self.units[-1]
        fits = len(last[1]) <= OVERLAP and len(self.units) > 1
        self.units = [("", last[1])] if fits else []
        self.length = len(last[1]) if fits else 0
        self.is_new = True
        return text
