"""Presentations and workbooks are read as they are shown."""

import io
import zipfile
from datetime import date

import pytest
from openpyxl import Workbook
from pptx import Presentation
from pptx.util import Inches

from agents.knowledge.extraction import read_file
from agents.knowledge.file_types import Kind, kind_of
from agents.knowledge.readers.reading import Unreadable

BOX = [Inches(1)] * 4


def saved(made) -> bytes:
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()


def rewritten(raw: bytes, change) -> bytes:
    """Return a parcel whose parts went through a function of name and content."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return made.getvalue()


def presentation() -> bytes:
    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    slide.shapes.title.text = "Fees"
    slide.placeholders[1].text = "Nine euros\nFrom May"
    slide.notes_slide.notes_text_frame.text = "Children are free."
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    slide.shapes.add_textbox(*BOX).text_frame.text = "Ask us."
    slide.shapes.title.text = "Plans"
    table = slide.shapes.add_table(2, 2, *BOX).table
    for place, words in enumerate(("Plan", "Fee", "Team", "9")):
        table.cell(place // 2, place % 2).text = words
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    slide.shapes.title.text = "Hidden"
    slide._element.set("show", "0")
    return saved(deck)


def workbook() -> bytes:
    book = Workbook()
    prices = book.active
    prices.title = "Prices"
    prices.append(["Price list"])
    prices.append(["Item", "Price", "From", "Off", "Inner"])
    prices.append(["Apron", 14.5, date(2026, 5, 1), 0.1, "x"])
    prices.append([None, 9, date(2026, 6, 1), 0.25, "x"])
    prices.append(["Mug", "=1+1", None, None, None])
    prices.merge_cells("A3:A4")
    for row in (3, 4):
        prices.cell(row, 2).number_format = "#,##0.00 €"
        prices.cell(row, 4).number_format = "0%"
    prices.column_dimensions["E"].hidden = True
    asked = book.create_sheet("FAQ")
    for row in (("Question", "Answer"), ("How long?", "Two days.")):
        asked.append(row)
    book.create_sheet("Secret").sheet_state = "hidden"
    return saved(book)


PRICES = (
    "# Prices\n\nPrice list.\n\n- Item Apron: Price 14.50 €, From 2026-05-01, Off 10%\n"
    "- Item Apron: Price 9.00 €, From 2026-06-01, Off 25%\n- Item Mug\n\n"
    "# FAQ\n\n## How long?\n\nTwo days."
)


def test_a_presentation_is_read_slide_by_slide():
    raw = presentation()
    assert kind_of(raw, "a.docx") is Kind.PPTX
    reading = read_file(raw, Kind.PPTX)
    assert reading.title == "Fees"
    assert reading.text == (
        "# Fees\n\n- Nine euros\n- From May\n\nChildren are free.\n\n"
        "# Plans\n\nAsk us.\n\n| Plan | Fee |\n| Team | 9 |"
    )
    assert reading.left_out == ["1 slide that is hidden"]


def test_a_workbook_is_read_sheet_by_sheet_as_it_is_shown():
    raw = workbook()
    assert kind_of(raw, "a.csv") is Kind.XLSX
    reading = read_file(raw, Kind.XLSX)
    assert reading.text == PRICES
    assert reading.left_out == [
        "1 sheet that is hidden or a chart",
        "1 row or column that is hidden",
        "1 formula without a stored result",
    ]


def test_a_strict_workbook_is_read_as_any_other():
    def strictly(name, part):
        for space in (b"spreadsheetml", b"officeDocument"):
            part = part.replace(
                b"http://schemas.openxmlformats.org/%s/2006/" % space,
                b"http://purl.oclc.org/ooxml/%s/" % space,
            )
        return part

    assert read_file(rewritten(workbook(), strictly), Kind.XLSX).text == PRICES


@pytest.mark.parametrize(
    ("made", "kind"), [(presentation, Kind.PPTX), (workbook, Kind.XLSX)]
)
@pytest.mark.parametrize("part", ["[Content_Types].xml", "_rels/.rels", "ppt/", "xl/"])
def test_a_damaged_parcel_says_what_to_do(made, kind, part):
    def cut(name, content):
        return content[: len(content) // 2] if name.startswith(part) else content

    raw = rewritten(made(), cut)
    if any(
        name.startswith(part) for name in zipfile.ZipFile(io.BytesIO(raw)).namelist()
    ):
        with pytest.raises(Unreadable, match="damaged; open it and save it again"):
            read_file(raw, kind)


def test_a_sheet_that_reaches_far_is_refused():
    book = Workbook()
    book.active.cell(1_000_000, 200).value = "far"
    with pytest.raises(Unreadable, match="more than 500,000 cells"):
        read_file(saved(book), Kind.XLSX)


@pytest.mark.parametrize("kind", [Kind.PPTX, Kind.XLSX])
def test_a_bomb_is_refused_before_it_is_unpacked(kind):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as parcel:
        parcel.writestr("[Content_Types].xml", b" " * 70 * 2**20)
    with pytest.raises(Unreadable, match="unpacks to 70 MB; at most 64 MB"):
        read_file(made.getvalue(), kind)
