"""CSV: each row said with its column names, so that it can be read on its own."""

import csv
import re
from collections import Counter

from agents.knowledge.file_types import DELIMITERS, delimiter_of
from agents.knowledge.readers.reading import Reading, Unreadable
from agents.knowledge.readers.rows import said
from agents.knowledge.readers.texts import decoded

MAX_CELL = 50_000
# So much of a file tells how it is written.
SAMPLE_LINES, SAMPLE = 100, 20_000
# The library looks at each sign many times.
SNIFFED = 4_000
DECLARED = re.compile(r"\A\s*+\"?sep=([^\n])\"?[;,\t ]*\r?\n", re.IGNORECASE)


def read(raw: bytes) -> Reading:
    text = decoded(raw)
    delimiter = ""
    if declared := DECLARED.match(text):
        delimiter, text = declared[1], text[declared.end() :]
    csv.field_size_limit(MAX_CELL)
    delimiter = delimiter or _delimiter(text)
    rows = csv.reader(text.splitlines(keepends=True), delimiter=delimiter)
    try:
        return Reading(said(rows))
    except csv.Error as error:
        if "field limit" in str(error):
            raise Unreadable(
                f"Line {rows.line_num:,}: a cell is longer than {MAX_CELL:,} characters"
                " (perhaps a quotation mark is missing)."
            ) from None
        raise Unreadable(f"Line {rows.line_num:,} is not CSV: {error}.") from None


def _delimiter(text: str) -> str:
    """Return what parts the cells, as a library judges it, if that bears a look."""
    sample = _sample(text)
    try:
        wished = [csv.Sniffer().sniff(sample[:SNIFFED], DELIMITERS).delimiter]
    except csv.Error:
        wished = []
    wished.append(delimiter_of(text))
    # A first line may be a title: then the rows below it tell.
    wished += sorted(DELIMITERS, key=sample.count, reverse=True)
    return max(
        dict.fromkeys(filter(None, wished)), key=lambda each: _agreement(sample, each)
    )


def _sample(text: str) -> str:
    """Return whole lines from the beginning, if there are any."""
    lines = text[:SAMPLE].splitlines(keepends=True)[:SAMPLE_LINES]
    is_cut = len(text) > SAMPLE and len(lines) > 1
    return "".join(lines[:-1] if is_cut else lines)


def _agreement(sample: str, delimiter: str) -> float:
    """Return which share of the rows are as wide as most, if they have cells."""
    try:
        rows = list(csv.reader(sample.splitlines(keepends=True), delimiter=delimiter))
    except csv.Error:
        return 0.0
    widths = Counter(len(row) for row in rows if row)
    width, times = widths.most_common(1)[0] if widths else (0, 0)
    if width < 2:
        # One cell a row tells nothing, unless a few rows at least have more.
        return (
            0.1
            * sum(times for width, times in widths.items() if width > 1)
            / max(len(rows), 1)
        )
    return times / len(rows)
