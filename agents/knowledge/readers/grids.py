"""Tables of any file, written so that each row can be read with its column names."""

from dataclasses import dataclass
from itertools import dropwhile

# What spans more says no more; and so much of a cell is said again in each row.
MAX_SPAN = 100
MAX_REPEATED = 200


@dataclass
class Cell:
    """One cell as it is written: how far it reaches, whether it names others."""

    text: str
    columns: int = 1
    rows: int = 1
    is_name: bool = False


def flat(words: str) -> str:
    """Return a cell on one line, without what would end it."""
    return " ".join(words.split()).replace("|", "/")


def markdown(grid: list[list[str]], names: int = 1) -> str:
    """Write rows as Markdown; the first `names` of them name the columns together."""
    rows = [[flat(cell) for cell in row] for row in grid]
    rows = list(dropwhile(lambda row: not any(row), rows))
    width = max(map(len, rows), default=0)
    rows = [row + [""] * (width - len(row)) for row in rows]
    if names > 1 and len(rows) > names:
        head = [
            " ".join(dict.fromkeys(filter(None, part)))
            for part in zip(*rows[:names], strict=True)
        ]
        rows = [head, *rows[names:]]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows if any(row))


def pairs(grid: list[list[str]]) -> str:
    """Write rows that begin with their own name as a list."""
    lines = []
    for name, *cells in grid:
        said = ", ".join(filter(None, map(flat, cells)))
        lines.append(
            f"- {flat(name)}: {said}" if name and said else f"- {flat(name) or said}"
        )
    return "\n".join(line for line in lines if line != "- ")


def spread(rows: list[list[Cell]]) -> list[list[str]]:
    """Lay cells out in a grid: one that reaches down is said in each of its rows.

    Across, only names of columns are said again.
    """
    grid: list[list[str]] = []
    # What reaches down into the next row: by column, its text and for how many rows.
    reaching: dict[int, tuple[str, int]] = {}
    for row in rows:
        said: list[str] = []
        later: dict[int, tuple[str, int]] = {}
        cells = iter(row)
        while True:
            if found := reaching.pop(len(said), None):
                parts, rows_left = [found[0]], found[1]
            elif cell := next(cells, None):
                columns = max(1, min(cell.columns, MAX_SPAN))
                again = cell.text if cell.is_name else ""
                parts, rows_left = [cell.text, *[again] * (columns - 1)], cell.rows
            elif reaching:
                parts, rows_left = [""], 1
            else:
                break
            for part in parts:
                if rows_left > 1 and len(part) <= MAX_REPEATED:
                    later[len(said)] = part, min(rows_left, MAX_SPAN) - 1
                said.append(part)
        reaching = later
        grid.append(said)
    return grid


def in_a_cell(text: str) -> str:
    """Return the blocks of a cell on one line: a list or a table within it as well."""
    lines = (line.strip() for line in text.split("\n") if not line.startswith("```"))
    found = ""
    for line in filter(None, lines):
        is_row = line.startswith("| ")
        said = ", ".join(filter(None, map(str.strip, line.strip("|").split("|"))))
        said = said if is_row else line.removeprefix("- ").lstrip("#")
        joint = "; " if is_row or line.startswith("- ") else " "
        found += (joint if found else "") + said
    return found
