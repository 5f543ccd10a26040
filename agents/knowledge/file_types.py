"""What kind of file something is: its content says so, not its name."""

import csv
import re
import zipfile
from enum import StrEnum
from io import BytesIO


class Kind(StrEnum):
    PDF = "pdf"
    DOCX = "docx"
    PPTX = "pptx"
    XLSX = "xlsx"
    HTML = "html"
    MARKDOWN = "markdown"
    CSV = "csv"
    TEXT = "text"
    # Met by crawls only: a list of a site's pages.
    SITEMAP = "sitemap"


MEDIA_TYPES = {
    Kind.PDF: "application/pdf",
    Kind.DOCX: (
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    ),
    Kind.PPTX: (
        "application/vnd.openxmlformats-officedocument.presentationml.presentation"
    ),
    Kind.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Kind.HTML: "text/html",
    Kind.MARKDOWN: "text/markdown",
    Kind.CSV: "text/csv",
    Kind.TEXT: "text/plain",
    Kind.SITEMAP: "application/xml",
}
READABLE = (
    "PDF, Word (.docx), Excel (.xlsx), PowerPoint (.pptx), Markdown, HTML, CSV and "
    "plain text"
)


class UnknownKind(Exception):
    """No reader reads it; the message says what it is and what to do."""


# So much of a text shows what it is.
LOOKED_AT = 65_536
PDF_WITHIN = 1_024
LOOKED_AT_IN_ZIP = 200
OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
IN_ZIP = (
    (b"word/document", Kind.DOCX),
    (b"xl/workbook.bin", "This is a binary workbook. Save it as .xlsx."),
    (b"xl/workbook", Kind.XLSX),
    (b"ppt/presentation", Kind.PPTX),
    (b"opendocument", "This is an OpenDocument file. Save it as .docx or PDF."),
    (b"epub+zip", "This is an e-book. Save it as PDF or HTML."),
)
PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\x00", b"MM\x00*")
MARKS = (
    ("utf-8-sig", b"\xef\xbb\xbf"),
    ("utf-32", b"\xff\xfe\x00\x00"),
    ("utf-32", b"\x00\x00\xfe\xff"),
    ("utf-16", b"\xff\xfe"),
    ("utf-16", b"\xfe\xff"),
)
CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f]")
SPACE = re.compile(r"\s*")
HTML_START = re.compile(
    r"<(?:!doctype\s+html|html|head|body|title|meta|main|article|section|div|h1|p|"
    r"table|ul|ol)\b",
    re.IGNORECASE,
)
XML_START = re.compile(
    r"\A\s*(?:<\?xml|<!doctype|<svg|<rss|<feed|<\w+:)", re.IGNORECASE
)
ADDRESS = re.compile(r"https?://\S+")
SITEMAP_START = re.compile(r"<(?:\w+:)?(?:urlset|sitemapindex)\b")
MARKDOWN = re.compile(
    r"^(?:#{1,6} +\S|```|~~~|---\s*$|\|.+\|\s*$)|\[[^\[\]\n]+\]\([^()\s]+\)|\*\*\S",
    re.MULTILINE,
)
QUOTED = re.compile(r'"[^"]*"')
DELIMITERS = ",;\t|"
ROWS_LOOKED_AT = 50


def kind_of(raw: bytes, name: str = "") -> Kind:
    """Return the kind of a file. Raises UnknownKind.

    Only between a table and a plain text, which nothing else tells apart in a few
    lines, the ending of the name decides.
    """
    if not raw.strip():
        raise UnknownKind("The file is empty.")
    if b"%PDF-" in raw[:PDF_WITHIN]:
        return Kind.PDF
    if raw.startswith(b"PK\x03\x04"):
        return _kind_of_zip(raw)
    _refuse_known(raw)
    start = beginning(raw)
    if start is None:
        raise UnknownKind(f"This is none of {READABLE}.")
    place = after_prolog(start)
    if SITEMAP_START.match(start, place):
        return Kind.SITEMAP
    if HTML_START.match(start, place):
        return Kind.HTML
    if lists_addresses(start):
        return Kind.SITEMAP
    if XML_START.match(start):
        raise UnknownKind("This is XML or a drawing (SVG). Save it as PDF or HTML.")
    if is_table(start, is_named_so=name.lower().endswith((".csv", ".tsv"))):
        return Kind.CSV
    return Kind.MARKDOWN if MARKDOWN.search(start) else Kind.TEXT


def _kind_of_zip(raw: bytes) -> Kind:
    names = _names_in(raw)
    for part, what in IN_ZIP:
        if part in names:
            if isinstance(what, Kind):
                return what
            raise UnknownKind(what)
    raise UnknownKind("This is a ZIP archive. Unpack it and add its files.")


def _names_in(raw: bytes) -> bytes:
    """Return the names of a ZIP's parts; of a damaged one they stand in it as well.

    With what an OpenDocument or an e-book says of itself first of all.
    """
    try:
        with zipfile.ZipFile(BytesIO(raw)) as parcel:
            names = parcel.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        return raw
    return "\n".join(names).encode("utf-8", "replace") + raw[:LOOKED_AT_IN_ZIP]


def _refuse_known(raw: bytes) -> None:
    if raw.startswith(OLD_OFFICE):
        raise UnknownKind(
            "This is an old or a protected Office file. Save it as .docx, .xlsx, .pptx "
            "or PDF, without a password."
        )
    if raw.startswith(b"{\\rtf"):
        raise UnknownKind("This is RTF. Save it as .docx or PDF.")
    if raw.startswith(PICTURES) or raw[8:12] == b"WEBP":
        raise UnknownKind("This is a picture; there is no text to read in it.")


# --- Text ---------------------------------------------------------------------
def encoding_of(raw: bytes) -> str | None:
    """Return how a text is encoded, as far as its bytes tell, or None."""
    for name, mark in MARKS:
        if raw.startswith(mark):
            return name
    start = raw[:LOOKED_AT]
    if zeros := start.count(0):
        return _wide_encoding(start, zeros)
    try:
        # Cut in the middle of a character, its rest is no mistake.
        start.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(start) - 4:
            return None
    return "utf-8"


def _wide_encoding(start: bytes, zeros: int) -> str | None:
    """Tell UTF-16 without a mark by its zeros, every second byte in Latin scripts."""
    odd = start[1::2].count(0)
    if zeros * 2.5 < len(start) or min(odd, zeros - odd) > zeros / 20:
        return None
    return "utf-16-le" if odd > zeros / 2 else "utf-16-be"


def beginning(raw: bytes) -> str | None:
    """Return the beginning of a text, roughly decoded, or None if it is no text."""
    encoding = encoding_of(raw)
    if encoding is None and b"\x00" in raw[:LOOKED_AT]:
        return None
    text = raw[:LOOKED_AT].decode(encoding or "latin-1", "replace")
    is_text = len(CONTROL.findall(text)) <= len(text) / 200
    return text.lstrip("\ufeff") if is_text else None


def after_prolog(text: str) -> int:
    """Return where a page or a list of XML begins, after what is only about it."""
    place = SPACE.match(text).end()
    while text.startswith(("<!--", "<?"), place):
        mark = "-->" if text.startswith("<!--", place) else "?>"
        end = text.find(mark, place)
        if end < 0:
            break
        place = SPACE.match(text, end + len(mark)).end()
    return place


def lists_addresses(text: str) -> bool:
    """Say whether a text is a sitemap: addresses, one a line, and nothing else."""
    lines = [line.strip() for line in text.strip().split("\n")]
    return len(lines) > 1 and all(map(ADDRESS.fullmatch, filter(None, lines)))


def delimiter_of(text: str) -> str:
    """Return what separates the cells of the first line outside quotes."""
    line = QUOTED.sub("", text.lstrip()[:LOOKED_AT]).partition("\n")[0]
    return max(DELIMITERS, key=line.count)


def is_table(text: str, *, is_named_so: bool) -> bool:
    """Say whether lines are rows of a table: as many cells in each, and short ones."""
    delimiter = delimiter_of(text)
    lines = text.strip().splitlines()[: ROWS_LOOKED_AT + 1]
    if is_named_so:
        # The first may be a title.
        return any(delimiter_of(line) in line for line in lines)
    try:
        rows = list(csv.reader(lines[:ROWS_LOOKED_AT], delimiter=delimiter))
    except csv.Error:
        return False
    # The last may be cut, or go on in a line we do not see.
    rows = [row for row in rows if row][:-1] if len(lines) > ROWS_LOOKED_AT else rows
    widths = {len(row) for row in rows if row}
    if len(rows) < 3 or len(widths) != 1 or widths == {1}:
        return False
    cells = [cell for row in rows for cell in row]
    is_prose = sum(len(cell.split()) > 8 for cell in cells) > len(cells) / 5
    # "| a | b |" is a table of Markdown, which its own reader knows.
    return not is_prose and not lines[0].lstrip().startswith("|")
