"""Workbooks (.xlsx): each sheet's rows as Excel shows them, each said on its own."""

import re
import warnings
import zipfile
from datetime import date, datetime, time, timedelta
from io import BytesIO

from agents.knowledge.readers.parcels import DAMAGED, Parcel
from agents.knowledge.readers.reading import (
    MAX_CHARACTERS,
    Reading,
    Unreadable,
    counted,
)
from agents.knowledge.readers.rows import said

MAX_CELLS = 500_000
# Between "0.00" and its sign: "#,##0.00 €", '"EUR" 0.0', "[$€-407] #,##0".
DECIMALS = re.compile(r"[0#?]\.(0+)")
CURRENCY = re.compile(r"\[\$([^\]\-]{1,8})(?:-[^\]]{0,20})?\]")
QUOTED = re.compile(r"\"([^\"]{0,40})\"")
SIGNS = "€$£¥"
STRICT = re.compile(rb"http://purl\.oclc\.org/ooxml/([A-Za-z]{1,20})/([A-Za-z]{1,40})")


def read(raw: bytes) -> Reading:
    # Judged by its size, before anything is unpacked.
    parcel = Parcel(raw, "workbook")
    main = parcel.main()
    # Heavy, and needed for these files only.
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    warnings.simplefilter("ignore")
    try:
        book = load_workbook(BytesIO(_transitional(parcel)), data_only=True)
        reading = _reading(book)
    except (*DAMAGED, InvalidFileException, TypeError, AttributeError, SyntaxError):
        raise Unreadable(parcel.broken) from None
    unknown = sum(
        cell.find("f") is not None and not cell.findtext("v")
        for relation in parcel.relations(main).values()
        if relation.kind == "worksheet" and parcel.has(relation.target)
        for cell in parcel.part(relation.target).iter("c")
    )
    reading.left_out += counted(unknown, "formula without a stored result")
    return reading


def _transitional(parcel: Parcel) -> bytes:
    """Return a workbook in the usual names, where it has those of Strict Open XML."""
    made = BytesIO()
    with zipfile.ZipFile(made, "w") as other:
        for name in parcel.names.values():
            part = parcel.zip.read(name)
            if name.endswith((".xml", ".rels")):
                part = STRICT.sub(
                    rb"http://schemas.openxmlformats.org/\1/2006/\2", part
                )
            other.writestr(name, part)
    return made.getvalue()


def _reading(book) -> Reading:
    sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
    blocks: list[str] = []
    hidden = pictures = length = 0
    for sheet in sheets:
        grid, unseen = _grid(sheet)
        hidden += unseen
        text = said(grid)
        if text:
            blocks += [f"# {sheet.title}", text] if len(sheets) > 1 else [text]
        pictures += len(sheet._charts) + len(sheet._images)
        length += len(text)
        if length > MAX_CHARACTERS:
            break
    left_out = [
        *counted(len(book.sheetnames) - len(sheets), "sheet that is hidden or a chart"),
        *counted(hidden, "row or column that is hidden"),
        *counted(pictures, "picture or chart"),
    ]
    title = (book.properties.title or "") if book.properties else ""
    return Reading("\n\n".join(blocks), title, left_out=left_out)


def _grid(sheet) -> tuple[list[list[str]], int]:
    """Return the cells as they are shown, and how many rows and columns are hidden.

    One that reaches over several rows is said in each.
    """
    filled = [cell for cell in sheet._cells.values() if cell.value is not None]
    height = max((cell.row for cell in filled), default=0)
    width = max((cell.column for cell in filled), default=0)
    if height * width > MAX_CELLS:
        raise Unreadable(f"A sheet of the workbook has more than {MAX_CELLS:,} cells.")
    rows = {
        row for row, how in sheet.row_dimensions.items() if how.hidden and row <= height
    }
    columns = {
        column
        for how in sheet.column_dimensions.values()
        if how.hidden
        for column in range(how.min, min(how.max, width) + 1)
    }
    reaching = {}
    for area in sheet.merged_cells.ranges:
        for row in range(area.min_row + 1, min(area.max_row, height) + 1):
            reaching[row, area.min_col] = sheet.cell(area.min_row, area.min_col)
    grid = (
        [
            [
                shown(reaching.get((cell.row, cell.column), cell))
                for cell in row
                if cell.column not in columns
            ]
            for row in sheet.iter_rows(max_row=height, max_col=width)
            if row[0].row not in rows
        ]
        if filled
        else []
    )
    return grid, len(rows) + len(columns)


def shown(cell) -> str:
    """Write a cell as it is shown: dates, percents and currencies by their format."""
    value, style = cell.value, cell.number_format or "General"
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        has_time = value.time() != time.min
        return value.strftime("%Y-%m-%d %H:%M" if has_time else "%Y-%m-%d")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return value.strftime("%H:%M")
    if isinstance(value, timedelta):
        return str(value)
    if isinstance(value, int | float):
        return _number(value, style)
    return str(value)


def _number(value: float, style: str) -> str:
    style = style.partition(";")[0]
    decimals = DECIMALS.search(style)
    places = len(decimals[1]) if decimals else 0
    if "%" in style:
        return f"{value * 100:.{places}f}%"
    currency = CURRENCY.search(style)
    signs = currency[1] if currency else next((s for s in SIGNS if s in style), "")
    words = QUOTED.search(style)
    signs = signs or (words[1].strip() if words else "")
    if decimals or (
        style not in ("General", "@") and "0" in style and float(value).is_integer()
    ):
        number = f"{value:,.{places}f}" if "," in style else f"{value:.{places}f}"
    else:
        number = f"{value:.10g}" if isinstance(value, float) else str(value)
    if not signs:
        return number
    is_before = style.find(signs) < max(style.find("0"), style.find("#"))
    return f"{signs}{number}" if is_before and signs in SIGNS else f"{number} {signs}"
