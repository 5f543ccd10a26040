"""Tables are read whatever wrote them: no cell is lost, and none stands alone."""

import re

import pytest

from agents.knowledge.extraction import read_file
from agents.knowledge.file_types import Kind

PARTED = re.compile(r"[;,\t]")


def read(source: str | bytes):
    raw = source.encode() if isinstance(source, str) else source
    return read_file(raw, Kind.CSV, is_split=True)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (
            "sep=;\r\nLand;Preis\r\nÖsterreich;9,90 €\r\nSchweiz;14,50 €\r\n",
            "- Land Österreich: Preis 9,90 €\n- Land Schweiz: Preis 14,50 €",
        ),
        (
            "Item,Price\r\nApron,14 euros\r\nMug,9 euros,only in Lisbon\r\n",
            "- Item Apron: Price 14 euros\n- Item Mug: Price 9 euros, only in Lisbon",
        ),
        (
            "Prices, from May\n\nItem;Price;Note\nApron;14,50;blue, red\nMug;9,00;\n",
            "Prices, from May.\n\n- Item Apron: Price 14,50, Note blue, red\n"
            "- Item Mug: Price 9,00",
        ),
        (
            'name|text\na|one, two\nb|"x|y, z"\nc|it\'s, fine\n',
            "- name a: text one, two\n- name b: text x|y, z\n- name c: text it's, fine",
        ),
        (
            "id\tQuestion\tAnswer\n1\tHow long?\tTwo days.\n2\tWhere?\tIn Graz.\n",
            "## How long?\n\nTwo days.\n\nid 1.\n\n## Where?\n\nIn Graz.\n\nid 2.",
        ),
        (
            'Question,Answer\nHow?,"First:\n1. Open\n2. Close"\n',
            "## How?\n\nFirst:\n1. Open\n2. Close",
        ),
        ("City,Opens\n,8:00\nGraz,\n", "- City: Opens 8:00\n- City Graz"),
    ],
)
def test_every_cell_is_said_with_its_row(source, text):
    assert read(source).text == text


@pytest.mark.parametrize(
    ("source", "encoding"),
    [
        ("Город;Срок\r\nМосква;2 дня\r\nКазань;4 дня\r\n", "cp1251"),
        ("都市,日数,送料\r\n東京,1日,500円\r\n大阪,2日,700円\r\n", "shift_jis"),
        ("City\tOpens\r\nMünchen\t8:00\r\nŁódź\t9:00\r\n", "utf-16"),
    ],
)
def test_a_table_is_read_as_it_was_saved(source, encoding):
    text = read(source.encode(encoding)).text
    first, *rows = (PARTED.split(line) for line in source.split("\r\n") if line)
    assert [line.partition(":")[0] for line in text.split("\n")] == [
        f"- {first[0]} {row[0]}" for row in rows
    ]


def test_every_passage_of_a_long_answer_carries_its_question():
    answer = "Open the menu, choose Returns, and print the label. " * 40
    pieces = read(f'Question,Answer\nHow do I return it?,"{answer}"\n').pieces
    assert len(pieces) > 1
    assert {piece.heading for piece in pieces} == {"How do I return it?"}


def test_every_passage_of_a_long_cell_carries_its_rows_name():
    text = "It is washed cold and dried flat in the shade. " * 60
    pieces = read(f'Item,Care,Price\nApron,"{text}",9\nMug,"By hand.",8\n').pieces
    assert len(pieces) > 3
    assert all(piece.text.startswith("- Item Apron: ") for piece in pieces[:-1])
    assert any("Price 9" in piece.text for piece in pieces)
    assert "- Item Mug: Care By hand., Price 8" in pieces[-1].text
