"""Word documents are read as they look once every change is accepted."""

import pytest

from agents.knowledge.extraction import read_file
from agents.knowledge.file_types import Kind
from agents.knowledge.readers.reading import Unreadable
from agents.tests.knowledge.office import paragraph, table, word

RUN = "<w:r><w:t xml:space='preserve'>{}</w:t></w:r>"
BOX = "<w:txbxContent><w:p><w:r><w:t>With an adult.</w:t></w:r></w:p></w:txbxContent>"
PICTURE = "<w:drawing><wp:inline><wp:docPr {}/><pic:pic/></wp:inline></w:drawing>"
DESCRIBED = PICTURE.format('descr="A map"')
CELL = "<w:tc><w:tcPr>{}</w:tcPr>{}</w:tc>"
BULLET, NUMBER, ANEW = (
    f'<w:numPr><w:ilvl w:val="0"/><w:numId w:val="{n}"/></w:numPr>' for n in (1, 2, 3)
)
NUMBERING = (
    "<w:numbering>"
    '<w:abstractNum w:abstractNumId="0"><w:lvl w:ilvl="0"><w:numFmt w:val="bullet"/>'
    '</w:lvl></w:abstractNum><w:abstractNum w:abstractNumId="1"><w:lvl w:ilvl="0">'
    '<w:start w:val="1"/><w:numFmt w:val="decimal"/></w:lvl></w:abstractNum>'
    '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>'
    '<w:num w:numId="2"><w:abstractNumId w:val="1"/></w:num>'
    '<w:num w:numId="3"><w:abstractNumId w:val="1"/><w:lvlOverride w:ilvl="0"/></w:num>'
    "</w:numbering>"
)
STYLES = (
    '<w:styles><w:style w:styleId="T"><w:name w:val="toc 1"/></w:style>'
    '<w:style w:styleId="H"><w:name w:val="heading 2"/></w:style>'
    '<w:style w:styleId="Mine"><w:basedOn w:val="H"/></w:style></w:styles>'
)


def read(raw: bytes):
    return read_file(raw, Kind.DOCX, is_split=True)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (
            f"<w:p>{RUN.format('Kept for ')}<w:del><w:r><w:delText>14</w:delText></w:r>"
            f"</w:del><w:ins>{RUN.format('21')}</w:ins>{RUN.format(' days.')}</w:p>"
            f"<w:p><w:moveTo>{RUN.format('Moved.')}</w:moveTo><w:moveFrom>"
            f"{RUN.format('Gone.')}</w:moveFrom></w:p>",
            "Kept for 21 days.\n\nMoved.",
        ),
        (
            paragraph("One", "<w:rPr><w:del/></w:rPr>") + paragraph("line."),
            "One line.",
        ),
        (
            "<w:sdt><w:sdtPr><w:alias/></w:sdtPr><w:sdtContent>"
            f"{paragraph('A block.')}</w:sdtContent></w:sdt><w:p>{RUN.format('By ')}"
            f"<w:sdt><w:sdtContent>{RUN.format('Ada')}</w:sdtContent></w:sdt></w:p>",
            "A block.\n\nBy Ada",
        ),
        (
            f"<w:p><w:r><w:pict><v:shape><v:textbox>{BOX}</v:textbox></v:shape></w:pict>"
            "</w:r></w:p>",
            "With an adult.",
        ),
        (
            f"<w:p>{RUN.format('Rules')}<w:r><mc:AlternateContent><mc:Choice><w:drawing>"
            f"<wps:txbx>{BOX}</wps:txbx></w:drawing></mc:Choice><mc:Fallback><w:pict>"
            f"{BOX}</w:pict></mc:Fallback></mc:AlternateContent></w:r></w:p>",
            "Rules\n\nWith an adult.",
        ),
        (
            f"<w:p><w:r><w:t>See</w:t>{DESCRIBED}</w:r></w:p>",
            "See (A map)",
        ),
        (
            f"<w:p><w:hyperlink>{RUN.format('Our terms')}</w:hyperlink><w:r><w:tab/>"
            "<w:t>a</w:t><w:br/><w:t>b</w:t></w:r><w:r><w:rPr><w:vanish/></w:rPr>"
            "<w:t>hidden</w:t></w:r></w:p>",
            "Our terms a\nb",
        ),
        (
            paragraph("a", NUMBER) + paragraph("b", NUMBER) + paragraph("c", BULLET)
            + paragraph("d", NUMBER) + paragraph("e", ANEW),
            "1. a\n2. b\n- c\n3. d\n1. e",
        ),
        (paragraph("Fees", '<w:pStyle w:val="Mine"/>'), "## Fees"),
        (paragraph("Fees", '<w:outlineLvl w:val="0"/>'), "# Fees"),
        (table("Plan|Fee", "Team|9", "|3"), "| Plan | Fee |\n| Team | 9 |\n|  | 3 |"),
        (table("Phone|1234", "Fax|none", look="0"), "- Phone: 1234\n- Fax: none"),
        (table("In a frame."), "In a frame."),
        (
            "<w:tbl><w:tr>"
            + CELL.format("", paragraph("Plan"))
            + CELL.format('<w:gridSpan w:val="2"/>', paragraph("Fee"))
            + "</w:tr><w:tr>"
            + CELL.format('<w:vMerge w:val="restart"/>', paragraph("Team"))
            + CELL.format("", paragraph("9"))
            + CELL.format("", table("x|1") + "<w:p/>")
            + "</w:tr><w:tr>"
            + CELL.format("<w:vMerge/>", "<w:p/>")
            + CELL.format("", paragraph("8"))
            + CELL.format("", paragraph("7"))
            + "</w:tr></w:tbl>",
            "| Plan | Fee |  |\n| Team | 9 | x, 1 |\n| Team | 8 | 7 |",
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("is_strict", [False, True])
def test_a_document_is_read_as_it_looks(body, text, is_strict):
    raw = word(body, is_strict=is_strict, numbering=NUMBERING, styles=STYLES)
    assert read(raw).text == text


def test_notes_stand_below_the_paragraph_that_refers_to_them():
    def notes(kind):
        return (
            f'<w:{kind}s><w:{kind} w:id="0" w:type="separator">{paragraph("-")}'
            f'</w:{kind}><w:{kind} w:id="2">{paragraph(f"The {kind}.")}</w:{kind}>'
            f"</w:{kind}s>"
        )

    body = (
        '<w:p><w:r><w:t>Said.</w:t><w:footnoteReference w:id="2"/>'
        f'<w:endnoteReference w:id="2"/></w:r></w:p>{paragraph("More.")}'
    )
    raw = word(body, footnotes=notes("footnote"), endnotes=notes("endnote"))
    assert read(raw).text == "Said.\n\nThe footnote.\n\nThe endnote.\n\nMore."


def test_what_is_no_text_is_named():
    body = (
        f"<w:p><w:r>{PICTURE.format('')}<w:commentReference/></w:r></w:p>"
        + paragraph("Fees ... 3", '<w:pStyle w:val="T"/>')
        + paragraph("Nine.")
    )
    raw = word(body, styles=STYLES, header=f"<w:hdr>{paragraph('Mine')}</w:hdr>")
    reading = read(raw)
    assert reading.text == "Nine."
    assert reading.left_out == [
        "1 picture without a description",
        "1 comment",
        "the headers and footers of its pages",
        "its table of contents",
    ]


@pytest.mark.parametrize(
    "raw",
    [
        word("<w:p/>", types="no types"),
        word("<w:p/>", types="<Other/>"),
        word("<w:p>"),
        word("<w:p/>", styles="<w:styles>"),
        word("<w:p/>").replace(b"officeDocument", b"officeDocumemt"),
    ],
)
def test_a_damaged_document_says_what_to_do(raw):
    with pytest.raises(Unreadable, match=r"damaged; open it and save it again|no text"):
        read(raw)


def test_no_entity_of_a_document_is_read():
    prolog = '<!DOCTYPE d [<!ENTITY file SYSTEM "file:///etc/passwd">]>'
    assert read(word(paragraph("a&file;b"), prolog=prolog)).text == "a"
