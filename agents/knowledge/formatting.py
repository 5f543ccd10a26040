"""Read what Markdown marks inside a line: emphasis, links, list items, table rows."""

import re
from bisect import bisect_left

LIST_ITEM = re.compile(r"\A\s*(?:[-*+•]|\d{1,3}[.)])\s+")
# Where emphasis may begin and end; the marks of one word may overlap.
EMPHASIS_BEGINS = re.compile(r"(?=(\*\*|__)\S)")
EMPHASIS_ENDS = re.compile(r"(?<=\S)(?=(\*\*|__))")
LINK = re.compile(r"!?\[([^\[\]\n]{1,300})\]\([^()\s]{1,2000}\)")
TABLE_RULE = re.compile(r"\A[\s|:-]+\Z")
BETWEEN_CELLS = re.compile(r"(?<!\\)\|")


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


# --- Tables -------------------------------------------------------------------
def rows_at(lines: list[str], at: int) -> int:
    """Return how many lines from here on are rows of a table.

    Rows stand between bars, or have bars and a rule below the first.
    """
    end = at
    while end < len(lines) and _is_row(lines[end]):
        end += 1
    if end == at and "|" in lines[at] and _is_rule(lines[at + 1 : at + 2]):
        while end < len(lines) and "|" in lines[end]:
            end += 1
    return end - at


def _is_row(line: str) -> bool:
    bare = line.strip()
    return len(bare) > 1 and bare[0] == bare[-1] == "|"


def _is_rule(lines: list[str]) -> bool:
    return any(
        "|" in line and "-" in line and bool(TABLE_RULE.match(line)) for line in lines
    )


def said_rows(lines: list[str]) -> list[str]:
    """Say each row with its column names, so that it can be read on its own."""
    rows = [_cells(line) for line in lines if not TABLE_RULE.match(line)]
    if len(rows) < 2:
        return [", ".join(filter(None, row)) for row in rows if any(row)]
    return [_said(rows[0], row) for row in rows[1:] if any(row)]


def _cells(line: str) -> list[str]:
    bare = line.strip()
    bare = bare[1:] if bare.startswith("|") else bare
    bare = bare[:-1] if bare.endswith("|") and not bare.endswith("\\|") else bare
    cells = BETWEEN_CELLS.split(bare)
    return [clean(cell.replace("\\|", "|").strip()) for cell in cells]


def _said(names: list[str], row: list[str]) -> str:
    """Say a row; one longer than the header has cells without a name."""
    names = names + [""] * (len(row) - len(names))
    first, *facts = (
        f"{name} {cell}".strip() if cell else ""
        for name, cell in zip(names, row, strict=False)
    )
    told = ", ".join(filter(None, facts))
    return ": ".join(filter(None, (first, told)))
