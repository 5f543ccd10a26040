"""CSV: each row said with its column names, so that it can be read on its own."""

import csv
from collections.abc import Iterator

from agents.knowledge.file_types import delimiter_of
from agents.knowledge.readers.reading import MAX_CHARACTERS, Reading, Unreadable
from agents.knowledge.readers.texts import decoded

MAX_CELL = 50_000
MAX_COLUMNS = 500


def read(raw: bytes) -> Reading:
    text = decoded(raw)
    csv.field_size_limit(MAX_CELL)
    rows = csv.reader(text.splitlines(keepends=True), delimiter=delimiter_of(text))
    lines: list[str] = []
    length = 0
    try:
        for line in _sentences(rows):
            lines.append(line)
            length += len(line)
            if length > MAX_CHARACTERS:
                break
    except csv.Error as error:
        if "field limit" in str(error):
            raise Unreadable(
                f"Line {rows.line_num:,}: a cell is longer than {MAX_CELL:,} characters"
                " (perhaps a quotation mark is missing)."
            ) from None
        raise Unreadable(f"Line {rows.line_num:,} is not CSV: {error}.") from None
    return Reading("\n".join(lines))


def _sentences(rows: Iterator[list[str]]) -> Iterator[str]:
    """Yield one list item for each row: its first cell, then what the others are."""
    filled = (row for row in rows if any(cell.strip() for cell in row))
    names = [_flat(name) for name in next(filled, [])]
    if len(names) > MAX_COLUMNS:
        raise Unreadable(f"The table has more than {MAX_COLUMNS} columns.")
    is_alone = True
    for row in filled:
        is_alone = False
        cells = [_flat(cell) for cell in row[: len(names)]]
        facts = [
            f"{name} {cell}".strip()
            for name, cell in zip(names[1:], cells[1:], strict=False)
            if cell
        ]
        yield f"- {cells[0] or names[0]}" + (f": {', '.join(facts)}" if facts else "")
    if is_alone and names:
        yield f"- {', '.join(filter(None, names))}"


def _flat(cell: str) -> str:
    return " ".join(cell.split())
