"""Rows of a sheet: what stands above them, their names, and each said on its own."""

from collections import Counter
from collections.abc import Iterable, Iterator

from agents.knowledge.readers.reading import MAX_CHARACTERS, Unreadable
from agents.knowledge.sentences import split_sentences

MAX_COLUMNS = 500
# Rows that tell how wide a table is, and which of its columns asks.
LOOKED_AT = 200
# What a line has room for beside its name, so that no passage goes on without that.
LONGEST = 700
LONGEST_NAME = 150
QUESTION = ("?", "？", "؟")
# More sections than that are no list of questions.
MAX_QUESTIONS = 2_000


def said(rows: Iterable[list[str]]) -> str:
    """Return a sheet as text: titles, then a point for each row with its names.

    A table of questions and answers becomes headings, each with its answer below.
    """
    rows = [
        ["\n".join(map(_flat, cell.strip().split("\n"))) for cell in row]
        for row in rows
    ]
    rows = [row for row in rows if any(row)]
    if max(map(len, rows), default=0) > MAX_COLUMNS:
        raise Unreadable(f"The table has more than {MAX_COLUMNS} columns.")
    titles, names, rows = _parts(rows)
    names = list(map(_flat, names))
    asking = _asking(rows, len(names))
    if asking is None or len(rows) > MAX_QUESTIONS:
        lines = list(_bounded(_points(names, rows)))
    else:
        lines = list(_bounded(_answers(names, rows, asking)))
    above = [_ended(", ".join(filter(None, row))) for row in titles]
    if not rows and names:
        lines = [f"- {', '.join(filter(None, names))}"]
    return "\n\n".join(filter(None, ["\n".join(above), "\n".join(lines)]))


def _parts(
    rows: list[list[str]],
) -> tuple[list[list[str]], list[str], list[list[str]]]:
    """Return the titles above a table, the names of its columns, and its rows."""
    filled = [sum(map(bool, row)) for row in rows[:LOOKED_AT]]
    # Of the rows as most are, the widest; one that only adds a note is not counted.
    often = Counter(filled).most_common(2)
    usual = (
        max(count for count, times in often if times * 2 >= often[0][1]) if often else 0
    )
    first = next(
        (at for at, count in enumerate(filled) if count * 2 > usual or count >= usual),
        0,
    )
    if usual < 2:
        first = 0
    return rows[:first], rows[first] if rows else [], rows[first + 1 :]


def _asking(rows: list[list[str]], width: int) -> int | None:
    """Return the column whose cells are questions, if one is."""
    looked_at = rows[:LOOKED_AT]
    if width < 2 or not looked_at:
        return None
    for column in range(width):
        asked = sum(
            len(row) > column and row[column].endswith(QUESTION) for row in looked_at
        )
        if asked * 2 > len(looked_at):
            return column
    return None


def _points(names: list[str], rows: list[list[str]]) -> Iterator[str]:
    for row in rows:
        row = list(map(_flat, row))
        first, *facts = _named(names, row)
        head = first or names[0]
        facts = [fact for fact in facts if fact]
        for part in _in_parts(head, facts):
            yield f"- {head}: {part}" if part else f"- {head}"


def _named(names: list[str], row: list[str]) -> list[str]:
    """Return the cells with their columns' names, also those that have none."""
    names = names + [""] * (len(row) - len(names))
    return [
        f"{name} {cell}".strip() if cell else ""
        for name, cell in zip(names, row, strict=False)
    ] or [""]


def _in_parts(head: str, facts: list[str]) -> Iterator[str]:
    """Yield the facts together, or in parts that fit beside their head."""
    room = max(LONGEST - len(head), LONGEST_NAME)
    whole = ", ".join(facts)
    if len(whole) <= room:
        yield whole
        return
    for fact in facts:
        part = ""
        for piece in split_sentences(fact):
            if part and len(part) + len(piece) >= room:
                yield part
                part = ""
            part = f"{part} {piece}".strip()
        if part:
            yield part


def _answers(names: list[str], rows: list[list[str]], asking: int) -> Iterator[str]:
    for row in rows:
        question = row[asking] if len(row) > asking else ""
        if not question:
            yield from _points(names, [row])
            continue
        others = {at: cell for at, cell in enumerate(row) if at != asking and cell}
        answer = max(others, key=lambda at: len(others[at]), default=None)
        named = _named(names, row)
        yield f"\n## {_flat(question)}\n"
        yield "\n\n".join(
            others[at] if at == answer else _ended(_flat(named[at]))
            for at in sorted(others, key=lambda at: at != answer)
        )


def _ended(words: str) -> str:
    """Return words that are no heading of what follows."""
    return words if words.endswith((".", ":", "!", "。", "…")) else f"{words}."


def _bounded(lines: Iterable[str]) -> Iterator[str]:
    """Yield no more than one document may hold, by a little."""
    length = 0
    for line in lines:
        yield line
        length += len(line)
        if length > MAX_CHARACTERS:
            return


def _flat(cell: str) -> str:
    return " ".join(cell.split())
