"""Word documents (.docx): paragraphs, headings, lists and tables, in order."""

import re
import zipfile
from collections.abc import Iterator
from io import BytesIO

from agents.knowledge.readers.reading import Reading, Unreadable

# Text compresses well, but no text unpacks to more than this.
MAX_UNPACKED = 64 * 2**20
MAX_PARTS = 5_000
FIRST_HEADING = re.compile(r"^#{1,2} (.+)$", re.MULTILINE)
HEADING = re.compile(r"[Hh]eading ([1-6])")
BROKEN = "The Word document is damaged; open it and save it again."


def read(raw: bytes) -> Reading:
    _check_size(raw)
    # Heavy, and needed for these files only.
    from docx import Document
    from docx.opc.exceptions import PackageNotFoundError

    try:
        document = Document(BytesIO(raw))
        text = "\n\n".join(_blocks(document))
        title = document.core_properties.title or ""
    except (PackageNotFoundError, KeyError, ValueError, zipfile.BadZipFile):
        raise Unreadable(BROKEN) from None
    heading = FIRST_HEADING.search(text)
    return Reading(text, heading[1] if heading else title)


def _check_size(raw: bytes) -> None:
    """Add up what it unpacks to before anything is unpacked."""
    try:
        with zipfile.ZipFile(BytesIO(raw)) as parcel:
            parts = parcel.infolist()
    except (zipfile.BadZipFile, ValueError):
        raise Unreadable(BROKEN) from None
    if any(part.flag_bits & 1 for part in parts):
        raise Unreadable("The Word document is protected by a password.")
    unpacked = sum(part.file_size for part in parts)
    if unpacked > MAX_UNPACKED or len(parts) > MAX_PARTS:
        raise Unreadable(
            f"The Word document unpacks to {unpacked / 2**20:,.0f} MB; "
            f"at most {MAX_UNPACKED // 2**20} MB are read."
        )


def _blocks(document) -> Iterator[str]:
    from docx.table import Table

    for block in document.iter_inner_content():
        text = _table(block) if isinstance(block, Table) else _paragraph(block)
        if text:
            yield text


def _paragraph(paragraph) -> str:
    text = paragraph.text.strip()
    name = (paragraph.style.name or "") if paragraph.style else ""
    if not text:
        return ""
    if name == "Title":
        return f"# {text}"
    if level := HEADING.fullmatch(name):
        return f"{'#' * int(level[1])} {text}"
    is_item = (
        name.startswith("List") or paragraph._p.find(f".//{NUMBERING}") is not None
    )
    return f"- {text}" if is_item else text


NUMBERING = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}numPr"


def _table(table) -> str:
    """Write a table as Markdown does, for the passages say each row by its columns."""
    rows = [[_cell(cell) for cell in _distinct(row.cells)] for row in table.rows]
    lines = [f"| {' | '.join(cells)} |" for cells in rows if any(cells)]
    return "\n".join(lines)


def _distinct(cells) -> Iterator:
    """Yield cells, one that spans several columns once."""
    before = None
    for cell in cells:
        if cell._tc is not before:
            yield cell
        before = cell._tc


def _cell(cell) -> str:
    return " ".join(cell.text.split()).replace("|", "/")
