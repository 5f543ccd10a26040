"""Files become text, or a cause in words; nothing else becomes of the worker."""

import pytest

from agents.knowledge.extraction import TOO_LARGE, TOO_SLOW, read_file
from agents.knowledge.file_types import Kind, UnknownKind, kind_of
from agents.knowledge.readers.reading import Reading, Unreadable, cleaned
from agents.tests import files

CSV = 'country;days;price\nAustria;3;9 €\nNorway;5;"12 €, taxed"\nPeru;9;30 €\n'
MARKED = """---
title: "How we ship"
---
# Shipping

See [our *terms*](https://shop.example/terms) and **do not** wait.

* one
* two

<script>alert(1)</script>
<b>bold</b>

| Country | Days |
|---------|------|
| Austria | 3    |
"""
PAGE = """<!DOCTYPE html><html><head><title>Shipping - Shop</title>
<meta name="robots" content="noindex"></head><body><nav>Home</nav><main>
<h1>Shipping</h1><script>steal()</script><p>Parcels take <b>three</b> days.</p>
<ul><li>no plastic</li></ul><a href="/returns#top">Returns</a>
<a rel="nofollow" href="/secret">x</a><a href="javascript:alert(1)">y</a>
</main></body></html>"""


def read(raw: bytes | str, name: str = "") -> Reading:
    raw = raw.encode() if isinstance(raw, str) else raw
    return read_file(raw, kind_of(raw, name), url="https://shop.example/help/")


@pytest.mark.parametrize(
    ("raw", "name", "kind"),
    [
        (files.pdf("Hello"), "a.txt", Kind.PDF),
        (files.docx(), "a.pdf", Kind.DOCX),
        (PAGE.encode(), "a.md", Kind.HTML),
        (b"<p>Three days.</p>", "", Kind.HTML),
        (MARKED.encode(), "a.html", Kind.MARKDOWN),
        (CSV.encode(), "a.txt", Kind.CSV),
        (b"name,days\nAustria,3\n", "a.csv", Kind.CSV),
        (b"Price list\n\nname;days\nAustria;3\n", "a.csv", Kind.CSV),
        (b"Dear all, hello.\nWe, too, greet.\nBye, now.", "", Kind.TEXT),
        ("Größe und Maße".encode("utf-16"), "", Kind.TEXT),
        ("Größe und Maße".encode("utf-16-be"), "", Kind.TEXT),
        ("Größe und Maße".encode("cp1252"), "", Kind.TEXT),
        (b"<?xml version='1.0'?><urlset></urlset>", "", Kind.SITEMAP),
    ],
)
def test_the_content_says_what_a_file_is(raw, name, kind):
    assert kind_of(raw, name) is kind


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b" \n ", "empty"),
        (b"\x89PNG\r\n\x1a\n", "picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "drawing"),
        (b"PK\x03\x04 xl/workbook.bin", "binary workbook"),
        (b"PK\x03\x04 anything", "ZIP archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 old", "Save it as .docx"),
        (b"{\\rtf1 hello}", "RTF"),
        (bytes(range(256)) * 40, "none of PDF"),
        (b"\x7fELF\x02\x01\x01\x00\x00\x00", "none of PDF"),
    ],
)
def test_what_no_reader_reads_is_refused_with_a_way_out(raw, words):
    with pytest.raises(UnknownKind, match=words):
        kind_of(raw, "shipping.pdf")


def test_a_pdf_is_read_page_by_page():
    assert read(files.pdf("Parcels take three days.", "Returns are free.")).text == (
        "Parcels take three days.\n\nReturns are free."
    )


def test_a_word_document_keeps_headings_lists_and_tables():
    assert read(files.docx()) == Reading(
        "# Shipping\n\nParcels to Graz take three days.\n\n- No plastic\n\n"
        "| Country | Price |\n| Austria | 9 euros |",
        "Shipping",
    )


def test_markdown_loses_addresses_emphasis_and_html():
    reading = read(MARKED)
    assert reading.title == "How we ship"
    assert reading.text == (
        "# Shipping\n\nSee our terms and do not wait.\n\n- one\n- two\n\nbold\n\n"
        "| Country | Days |\n| Austria | 3 |"
    )


def test_a_row_of_a_table_is_said_with_its_columns():
    assert read(CSV).text == (
        "- country Austria: days 3, price 9 €\n"
        "- country Norway: days 5, price 12 €, taxed\n"
        "- country Peru: days 9, price 30 €"
    )


def test_a_page_is_read_without_its_menu_and_its_scripts():
    reading = read(PAGE)
    assert reading.title == "Shipping"
    assert reading.text == (
        "# Shipping\n\nParcels take three days.\n\n- no plastic\n\nReturns xy"
    )
    assert reading.links == ["https://shop.example/returns#top"]
    assert reading.is_private


def test_a_long_page_is_read_by_what_it_mainly_says():
    said = "".join(
        f"<p>Parcels of kind {n} take {n} days to arrive.</p>" for n in range(99)
    )
    menu = "<div class='menu'><a href='/'>Home</a> <a href='/a'>About</a></div>"
    reading = read(
        f"<html><head><title>Kinds</title></head><body>{menu}"
        f"<article><h1>Kinds</h1>{said}</article></body></html>"
    )
    assert "Parcels of kind 98 take 98 days" in reading.text
    assert "About" not in reading.text


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_text_is_read_in_the_encodings_people_save_it_in(encoding):
    text = "Größe und Maße der Tüten: süß, groß, für Österreich. " * 3
    assert read(text.encode(encoding)).text == text.strip()


@pytest.mark.parametrize(
    ("raw", "name", "cause"),
    [
        (files.zip_bomb(), "a.docx", "unpacks to 200 MB; at most 64 MB"),
        (files.lying_zip_bomb(), "a.docx", "damaged"),
        (files.docx()[:20_000] + b"word/document.xml", "a.docx", "damaged"),
        (b"%PDF-1.7\nnothing of it", "a.pdf", "The PDF is damaged"),
        (files.pdf("Hello")[:300], "a.pdf", "PDF"),
        (files.locked_pdf(), "a.pdf", "protected by a password"),
        (files.pdf(""), "a.pdf", "There is no text in the PDF"),
        (b'a,b\n"' + b"x" * 3_000_000 + b'",2\n', "a.csv", "Line 2: a cell is longer"),
        (b"<html><body>" + b"<div>" * 200_000 + b"x", "", "There is no text in it"),
        (b"<html><script>1</script></html>", "", "There is no text in it"),
        (b"<html>" + b"a" * 10 * 2**20, "", "longer than 9,000,000 characters"),
        (b"a,b\n" + b'",' * 5 * 2**20, "a.csv", "more than 500 columns"),
        (b"word " * 500_000, "", "longer than 2,000,000 characters"),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else None,
)
def test_hostile_and_broken_files_end_with_a_cause(raw, name, cause):
    with pytest.raises(Unreadable, match=cause):
        read(raw, name)


def test_a_reader_that_takes_too_long_is_ended():
    with pytest.raises(Unreadable) as error:
        read_file(b"# x\n" + b"[" * 400_000, Kind.MARKDOWN, seconds=0.5)
    assert str(error.value) == TOO_SLOW


def test_a_reader_gets_no_more_memory_than_its_limit():
    with pytest.raises(Unreadable) as error:
        read_file(b"word " * 12_000_000, Kind.TEXT, memory_bytes=128 * 2**20)
    assert str(error.value) == TOO_LARGE


def test_what_cannot_be_stored_is_left_out():
    assert cleaned("a\x00b\ud800c\r\n\n\n\nd\ufeff") == "ab?c\n\nd"


def test_a_sitemap_lists_pages_and_never_reads_entities():
    raw = b"""<?xml version="1.0"?>
    <!DOCTYPE urlset [<!ENTITY file SYSTEM "file:///etc/passwd">]>
    <urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
            xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">
      <url><loc>https://shop.example/a</loc><image:image>
        <image:loc>https://shop.example/a.png</image:loc></image:image></url>
      <url><loc>https://shop.example/&file;</loc></url></urlset>"""
    found = read_file(raw, Kind.SITEMAP, url="https://shop.example/sitemap.xml")
    assert found.links == ["https://shop.example/a", "https://shop.example/"]
    assert not found.is_index
