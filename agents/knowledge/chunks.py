"""Split a text into passages: short enough to quote, whole enough to understand."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from agents.knowledge.blocks import (
    Block,
    Form,
    Section,
    plain_sections,
    sections_of,
)
from agents.knowledge.sentences import split_sentences

SMALLEST, LARGEST = 600, 900
# Steps and code are worth little in parts.
LARGEST_WHOLE = 1_800
OVERLAP = 150
MAX_PIECES = 5_000
# What a long item or row is about: its question, or its first cell.
SUBJECT = re.compile(r"\A[^\n]{1,200}?[?:？：](?:(?<=[？：])|:?(?=\s))")


@dataclass(frozen=True)
class Piece:
    """One passage, and the headings above it as a path."""

    heading: str
    text: str


def split_text(text: str) -> list[Piece]:
    """Return the passages of a document, in order."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    pieces = _pieces(sections_of(text))
    if not pieces or len(pieces) > MAX_PIECES:
        # Nothing but headings: then they are the text.
        pieces = _pieces(plain_sections(text.strip()))
    return pieces


def _pieces(sections: list[Section]) -> list[Piece]:
    return [
        Piece(section.heading, text)
        for section in sections
        for text in _packed(section.blocks)
    ]


def _packed(blocks: list[Block]) -> Iterator[str]:
    """Fill passages up to the largest size, preferring to end with a block."""
    passage = Passage()
    is_short = sum(map(len, blocks)) <= LARGEST
    for block in blocks:
        if passage.length >= SMALLEST and not is_short:
            yield passage.flush()
        if block.form is Form.PROSE:
            yield from passage.add_sentences(block.units)
        else:
            yield from passage.add_parts(_parts(block))
    if not passage.is_new:
        yield passage.flush()


class Passage:
    """A passage being filled; prose begins with the end of the passage before."""

    def __init__(self) -> None:
        self.units: list[tuple[str, str]] = []
        self.length = 0
        # Only what was repeated from the passage before stands in it so far.
        self.is_new = True

    def add_sentences(self, units: list[str]) -> Iterator[str]:
        """Add a paragraph; yield the passages it fills."""
        for index, unit in enumerate(_short_enough(units)):
            joint = "\n" if index == 0 else " "
            if self.is_new and self.length:
                joint = " "
            if self.length + len(unit) >= LARGEST and not self.is_new:
                yield self.flush()
                joint = " "
            self.add(unit, joint)

    def add_parts(self, parts: list[str]) -> Iterator[str]:
        """Add what is to stay whole, each part; yield the passages that are full."""
        for part in parts:
            if self.length + len(part) >= LARGEST and self.length:
                if not self.is_new:
                    yield self.flush()
                self.clear()
            self.add(part, "\n")
            if len(parts) > 1:
                yield self.flush()
                self.clear()

    def add(self, unit: str, joint: str) -> None:
        self.units.append((joint, unit))
        self.length += len(joint) + len(unit)
        self.is_new = False

    def clear(self) -> None:
        self.units, self.length, self.is_new = [], 0, True

    def flush(self) -> str:
        text = "".join(joint + unit for joint, unit in self.units)
        text = text[len(self.units[0][0]) :]
        last, is_alone = self.units[-1][1], len(self.units) == 1
        self.clear()
        if len(last) <= OVERLAP and "\n" not in last and not is_alone:
            self.units, self.length = [("", last)], len(last)
        return text


def _short_enough(units: list[str], most: int = LARGEST) -> Iterator[str]:
    for unit in units:
        while len(unit) > most:
            cut = unit.rfind(" ", most * 2 // 3, most)
            cut = cut if cut > 0 else most
            yield unit[:cut].strip()
            unit = unit[cut:].strip()
        if unit:
            yield unit


# --- What stays whole ---------------------------------------------------------
def _parts(block: Block) -> list[str]:
    """Divide a list, a table or code between its units; each part has its lead."""
    before = [block.lead] if block.lead else []
    whole = "\n".join([*before, *block.units])
    if len(whole) <= (LARGEST if block.form is Form.ITEMS else LARGEST_WHOLE):
        return [whole]
    most = LARGEST_WHOLE if block.form is Form.CODE else LARGEST
    room = most - len(block.lead) - 1
    is_code = block.form is Form.CODE
    units = (
        part
        for unit in block.units
        for part in (_cut_code(unit, room) if is_code else _cut_item(unit, room))
    )
    return ["\n".join([*before, part]) for part in _filled(units, "\n", room)]


def _filled(units: Iterator[str], joint: str, room: int) -> Iterator[str]:
    """Join units up to a length."""
    held: list[str] = []
    length = 0
    for unit in units:
        if held and length + len(unit) > room:
            yield joint.join(held)
            held, length = [], 0
        held.append(unit)
        length += len(joint) + len(unit)
    if held:
        yield joint.join(held)


def _cut_code(line: str, room: int) -> Iterator[str]:
    """Keep a line, and blank ones too; only one that fits nowhere is cut."""
    yield from [line] if len(line) <= room else _short_enough([line], room)


def _cut_item(item: str, room: int) -> Iterator[str]:
    """Divide a long item or row between lines, then sentences, with its subject."""
    if len(item) <= room:
        yield item
        return
    subject = SUBJECT.match(item)
    carried = f"{subject[0]} " if subject else ""
    left = room - len(carried)
    lines = (
        part
        for line in item[len(carried) :].split("\n")
        for part in _cut_line(line, left)
    )
    for part in _filled(lines, "\n", left):
        yield carried + part


def _cut_line(line: str, room: int) -> Iterator[str]:
    if len(line) <= room:
        yield line
    else:
        yield from _filled(_short_enough(split_sentences(line), room), " ", room)
