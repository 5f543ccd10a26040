"""PDFs are read with what their forms hold, and refused where letters are lost."""

import pytest

from agents.knowledge.extraction import read_file
from agents.knowledge.file_types import Kind
from agents.knowledge.readers.pdf import is_garbled, unhyphenated
from agents.knowledge.readers.reading import Unreadable
from agents.tests import files

SAID = "The office closes at five, and staff find lost keys in the drawer below. " * 3
# Each letter is the number of its glyph: 29 places before its code.
SHIFTED = "".join(chr(ord(sign) - 29) for sign in SAID)


def read(raw: bytes):
    return read_file(raw, Kind.PDF)


def test_what_a_form_is_filled_in_with_is_read():
    raw = files.pdf_form(
        "A form.", name="Ada Lovelace", agrees="/Yes", declines="/Off", empty=""
    )
    assert read(raw).text == "A form.\n\n- name: Ada Lovelace\n- agrees"


@pytest.mark.parametrize(
    "text",
    [
        SHIFTED,
        SHIFTED.replace("\x03", " "),
        "\ue001\ue002\ue003 " * 30,
        "(cid:12)(cid:7)" * 20,
        "\ufffd\ufffdabc" * 30,
        "!\"#$%&'()*+,-/:;<=>?@ " * 5,
    ],
)
def test_letters_without_their_meaning_are_known(text):
    assert is_garbled(text)


@pytest.mark.parametrize(
    "text",
    [
        SAID,
        "Contents ........................................ 3 " * 3,
        "Fee: 12,50 € | 9 % | (+43) 316 / 22-33-44 \n" * 4,
        "配送には三日から五日かかります。" * 8,
        "الشحن يستغرق ثلاثة أيام. " * 8,
        "SKU-100 BX-20 TR-7 4400 mm 12 kg " * 5,
        "SHIFTED",
    ],
)
def test_text_of_any_script_is_not_taken_for_lost_letters(text):
    assert not is_garbled(text)


def test_a_pdf_of_lost_letters_fails_with_a_way_out():
    shifted = SHIFTED.replace("\\", "\\\\").replace("(", r"\(").replace(")", r"\)")
    with pytest.raises(Unreadable, match=r"save it as PDF again|Save it as PDF again"):
        read(files.pdf(shifted))


def test_a_page_that_is_a_picture_is_named():
    reading = read(files.pdf("Parcels take three days.", ""))
    assert reading.left_out == ["1 page without text (a picture or a scan)"]


def test_ligatures_are_read_as_letters():
    reading = read_file("The oﬃce stores aﬀected ﬁles.".encode(), Kind.TEXT)
    assert reading.text == "The office stores affected files."


def test_a_line_breaks_words_but_not_their_hyphens():
    pages = [
        "Read-only keys. The infor-\nmation is read-\nonly. Only read it. UUID-\nx"
    ]
    assert unhyphenated(pages) == [
        "Read-only keys. The information is read-only. Only read it. UUIDx"
    ]
