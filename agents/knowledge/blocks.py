"""Read a text into sections: what stands under a heading, block by block."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from functools import cache

from agents.knowledge.formatting import LIST_ITEM, clean, rows_at, said_rows
from agents.knowledge.sentences import split_sentences

HEADING_LENGTH = 500
PATH_SEPARATOR = " > "
# Below those that Markdown knows.
PLAIN_HEADING_LEVEL, QUESTION_LEVEL = 7, 8
MAX_NESTING = 20
# So many lines, so short, are no text that anybody structured.
MANY_LINES, SHORT_LINE = 5_000, 8
LONGEST_LEAD = 300
LONGEST_QUESTION = 300
ASKS = ("?", "？", "؟")
COLONS = (":", "：")
QUESTION = re.compile(
    r"\A\s*(?:Q|Question|F|Frage|P|Pregunta|Pergunta|Domanda|D|Вопрос|В|问|問|質問)"
    r"\s?(?:\d{0,3}\s?[:：]|\d{1,3}[.)])\s*(?=\S)",
    re.IGNORECASE,
)
ANSWER = re.compile(
    r"\A\s*(?:A|Answer|Antwort|R|Respuesta|Resposta|Réponse|Risposta|Ответ|О|答|回答)"
    r"\s?(?:\d{0,3}\s?[:：]|\d{1,3}[.)])\s*(?=\S)",
    re.IGNORECASE,
)


class Form(Enum):
    PROSE = "prose"
    ITEMS = "items"
    STEPS = "steps"
    CODE = "code"


@dataclass
class Block:
    """A paragraph's sentences, a list's items, a table's rows, or lines of code."""

    form: Form
    units: list[str]
    # What introduces it, and is repeated wherever it is divided.
    lead: str = ""

    def __len__(self) -> int:
        return len(self.lead) + sum(len(unit) + 1 for unit in self.units)


@dataclass
class Section:
    """What stands under one heading."""

    path: list[str] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)

    @property
    def heading(self) -> str:
        return PATH_SEPARATOR.join(self.path)[:HEADING_LENGTH]


def sections_of(text: str) -> list[Section]:
    """Return what a text says, by its headings."""
    lines = text.split("\n")
    filled = sum(map(bool, lines))
    if filled > MANY_LINES and len(text) < SHORT_LINE * filled:
        return plain_sections(text)
    tokens = _parser().parse(text)
    if any(map(_is_too_deep, tokens)):
        return plain_sections(text)
    return _with_lone_headings(list(Reader(lines).read(tokens)))


def plain_sections(text: str) -> list[Section]:
    """Return a text as one section, line by line."""
    blocks = [
        Block(Form.PROSE, units)
        for line in text.split("\n")
        if (units := split_sentences(line))
    ]
    return [Section(blocks=blocks)]


def _is_too_deep(token) -> bool:
    """Say whether the parser left out what stands in a list or a quotation."""
    opens = token.type in ("list_item_open", "blockquote_open")
    return opens and token.level >= MAX_NESTING - 1


@cache
def _parser():
    # Heavy, and needed only where texts are divided.
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"maxNesting": MAX_NESTING})
    # What these take away, or take long for, is text to us.
    parser.disable(["reference", "html_block"])
    parser.core.ruler.enableOnly(["normalize", "block"])
    return parser


def _with_lone_headings(sections: list[Section]) -> list[Section]:
    """Put headings with nothing below them where something is said.

    That is the section above, the next one, or else the one before.
    """
    kept: list[Section] = []
    above: dict[tuple[str, ...], Section] = {}
    waiting: list[Block] = []
    for section, said in zip(sections, _said_next(sections), strict=True):
        path = tuple(section.path)
        if section.blocks:
            section.blocks[:0] = waiting
            waiting = []
            kept.append(section)
            above[path] = section
        elif path and said[: len(path)] != section.path:
            lone = Block(Form.PROSE, [path[-1]])
            parent = above.get(path[:-1])
            (parent.blocks if parent else waiting).append(lone)
    if kept:
        kept[-1].blocks += waiting
    return kept


def _said_next(sections: list[Section]) -> list[list[str]]:
    """Return for each section the path of the next in which something is said."""
    paths: list[list[str]] = []
    path: list[str] = []
    for section in reversed(sections):
        paths.append(path)
        path = section.path if section.blocks else path
    return paths[::-1]


class Reader:
    """Read Markdown's tokens into sections; knows which headings stand above."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.levels: list[tuple[int, str]] = []
        self.section = Section()
        self.heading = 0
        # The lists we are in; the mark of the item just opened; the items' lines.
        self.lists: list[str] = []
        self.mark = ""
        self.items: list[list[str]] = []
        self.is_after_code = False
        # A first line that is indented, of a paragraph that goes on.
        self.indented: list[str] = []
        self.at = 0

    def read(self, tokens: list) -> Iterator[Section]:
        for token in tokens:
            if token.type not in ("paragraph_open", "inline"):
                yield from self.end_indented()
            if handler := getattr(self, f"take_{token.type}", None):
                yield from handler(token) or ()
        yield from self.end_indented()
        yield self.section

    # --- Headings and paragraphs ---
    def take_heading_open(self, token) -> None:
        is_lone = token.level == 0 and (
            token.markup[0] == "#" or self.is_underlined(token.map)
        )
        self.heading = int(token.tag[1]) if is_lone else 0

    def take_heading_close(self, token) -> None:
        self.heading = 0

    def is_underlined(self, lines: list[int]) -> bool:
        """Tell a line with a rule below it from a paragraph before a rule."""
        return lines[1] - lines[0] == 2 and len(self.lines[lines[1] - 1].strip()) >= 3

    def take_inline(self, token) -> Iterator[Section]:
        self.at = token.map[0]
        lines = [line.strip() for line in token.content.split("\n")]
        lines, self.indented = [*self.indented, *lines], []
        if self.lists:
            self.add_to_item(lines)
        elif self.heading:
            yield from self.open_section(self.heading, clean(" ".join(lines)))
        elif token.level > 1:
            self.read_lines(lines)
        else:
            yield from self.read_paragraph(lines, self.at)

    def end_indented(self) -> Iterator[Section]:
        lines, self.indented = self.indented, []
        if lines:
            yield from self.read_paragraph(lines, self.at)

    def read_paragraph(self, lines: list[str], at: int) -> Iterator[Section]:
        """Read a paragraph that may begin with a heading, or with a question."""
        if self.awaits_answer and ANSWER.match(clean(lines[0])):
            self.read_lines(lines)
            return
        first, rest = self.question_of(lines, at)
        if first:
            yield from self.open_section(QUESTION_LEVEL, first)
            lines = rest
        elif self.is_plain_heading(lines[0], at):
            yield from self.open_section(PLAIN_HEADING_LEVEL, clean(lines[0]))
            lines = lines[1:]
        self.read_lines(lines)

    def open_section(self, level: int, title: str) -> Iterator[Section]:
        if not title:
            return
        yield self.section
        self.levels = [item for item in self.levels if item[0] < level]
        above = [*(name for _, name in self.levels), ""]
        self.levels.append((level, title[:HEADING_LENGTH]))
        self.section = Section([name for _, name in self.levels])
        if len(PATH_SEPARATOR.join(above)) + len(title) > HEADING_LENGTH:
            # It is cut there, and nothing may be lost.
            self.section.blocks.append(Block(Form.PROSE, split_sentences(title)))

    @property
    def awaits_answer(self) -> bool:
        """Say whether only a marked question was read so far."""
        is_question = bool(self.levels) and self.levels[-1][0] == QUESTION_LEVEL
        return is_question and not self.section.blocks

    def question_of(self, lines: list[str], at: int) -> tuple[str, list[str]]:
        """Return a marked question, and the lines of its answer, if these are both."""
        mark = QUESTION.match(clean(lines[0]))
        if not mark:
            return "", lines
        bare = [clean(line) for line in lines]
        answers = [at for at, line in enumerate(bare) if at and ANSWER.match(line)]
        if not (answers or self.is_answered_at(at + len(lines))):
            return "", lines
        end = answers[0] if answers else len(bare)
        question = " ".join(bare[:end])[mark.end() :]
        if len(question) > LONGEST_QUESTION:
            return "", lines
        return question, lines[end:]

    def is_answered_at(self, at: int) -> bool:
        """Say whether the next paragraph is marked as an answer."""
        following = (line for line in self.lines[at : at + 3] if line.strip())
        return bool(ANSWER.match(clean(next(following, "")[:200])))

    def is_plain_heading(self, line: str, at: int) -> bool:
        """Take a short line on its own, or a question, for a heading."""
        following = self.lines[at + 1 : at + 4]
        is_long = len(line) > 80 or len(line.split()) > 12
        is_other = LIST_ITEM.match(line) or "|" in line or line.startswith("![")
        if is_long or is_other or not any(map(str.strip, following)):
            return False
        bare = line.strip("*_")
        if line.endswith(ASKS):
            return True
        begins = bare[:1].isupper() or bare[:1].isdigit()
        return begins and bare[-1] not in ".,;:!…" and not following[0].strip()

    def read_lines(self, lines: list[str]) -> None:
        """Read a paragraph: sentences, rows, and items that only look like a list."""
        if lines and self.awaits_answer and (mark := ANSWER.match(clean(lines[0]))):
            lines = [clean(lines[0])[mark.end() :], *lines[1:]]
        at, prose = 0, []
        while at < len(lines):
            if rows := rows_at(lines, at):
                self.add_prose(prose)
                self.add(Form.ITEMS, said_rows(lines[at : at + rows]))
                prose = []
            elif LIST_ITEM.match(lines[at]):
                self.add_prose(prose)
                rows, prose = len(lines) - at, []
                self.add(Form.ITEMS, _items(lines[at:]))
            else:
                prose.append(lines[at])
                rows = 1
            at += rows
        self.add_prose(prose)

    def add_prose(self, lines: list[str]) -> None:
        if units := split_sentences(clean(" ".join(lines))):
            self.section.blocks.append(Block(Form.PROSE, units))

    def add(self, form: Form, units: list[str], *, is_list: bool = True) -> None:
        """Add what may not be cut from the words before it."""
        if units:
            lead = self.taken_lead(is_list)
            self.section.blocks.append(Block(form, units, lead))

    def taken_lead(self, is_list: bool) -> str:
        """Take the introduction from the paragraph before, at least its last sentence.

        Whatever stands before a list introduces it; else a colon says so.
        """
        before = self.section.blocks[-1:]
        if not before or before[0].form is not Form.PROSE:
            return ""
        units = before[0].units
        if not (is_list or units[-1].endswith(COLONS)):
            return ""
        whole = " ".join(units)
        if len(whole) <= LONGEST_LEAD:
            self.section.blocks.pop()
            return whole
        return units.pop() if len(units) > 1 and len(units[-1]) <= LONGEST_LEAD else ""

    # --- Lists ---
    def take_bullet_list_open(self, token) -> None:
        self.lists.append(token.type)

    take_ordered_list_open = take_bullet_list_open

    def take_bullet_list_close(self, token) -> None:
        kind = self.lists.pop()
        if self.lists:
            return
        units = ["\n".join(item) for item in self.items if item]
        self.add(Form.STEPS if kind == "ordered_list_open" else Form.ITEMS, units)
        self.items, self.mark = [], ""

    take_ordered_list_close = take_bullet_list_close

    def take_list_item_open(self, token) -> None:
        mark = f"{token.info}{token.markup}" if token.info else "-"
        self.mark = f"{'  ' * (len(self.lists) - 1)}{mark} "
        self.is_after_code = False
        if len(self.lists) == 1:
            self.items.append([])

    def add_to_item(self, lines: list[str]) -> None:
        """Add a paragraph of an item: its first on the line of the mark."""
        item = self.items[-1]
        at = 0
        while at < len(lines):
            rows = rows_at(lines, at)
            if rows:
                said = said_rows(lines[at : at + rows])
            else:
                said, rows = [clean(lines[at])], 1
            starts = LIST_ITEM.match(lines[at]) or self.is_after_code or rows > 1
            if self.mark or starts or not item:
                item.append(self.mark + said[0] if said else self.mark)
            else:
                item[-1] += f" {said[0]}"
            item += said[1:]
            self.mark, self.is_after_code = "", False
            at += rows

    # --- Code ---
    def take_fence(self, token) -> None:
        self.add_code(token.content.strip("\n").split("\n"))

    def take_code_block(self, token) -> Iterator[Section]:
        """Tell code from paragraphs that are indented for looks."""
        lines = token.content.strip("\n").split("\n")
        if self.lists or not (len(lines) == 1 or _is_prose(lines)):
            self.add_code(lines)
            return
        following = self.lines[token.map[1] : token.map[1] + 1]
        lines = [line.strip() for line in lines]
        if len(lines) == 1 and any(map(str.strip, following)):
            self.at, self.indented = token.map[0], lines
        else:
            yield from self.read_paragraph(lines, token.map[0])

    def add_code(self, lines: list[str]) -> None:
        if not any(map(str.strip, lines)):
            return
        if self.lists:
            self.items[-1] += [f"{self.mark}{lines[0]}", *lines[1:]]
            self.mark, self.is_after_code = "", True
        else:
            self.add(Form.CODE, [line.rstrip() for line in lines], is_list=False)


def _items(lines: list[str]) -> list[str]:
    """Return the items of a list; what no mark begins goes on with the item before."""
    items: list[list[str]] = []
    for line in lines:
        if LIST_ITEM.match(line) or not items:
            items.append([])
        items[-1].append(line)
    return [clean(" ".join(item)) for item in items]


def _is_prose(lines: list[str]) -> bool:
    """Tell sentences, which begin and end as such, from code."""
    words = sum(len(line.split()) for line in lines)
    begins = lines[0].strip()[:1].isupper()
    return begins and lines[-1].rstrip()[-1:] in ".!?…。！？" and words > 5 * len(lines)
