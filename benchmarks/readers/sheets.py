"""Tables as offices keep them, written as CSV and as workbooks by several programs."""

import csv
import io
from pathlib import Path

TABLES = {
    "prices": "Item;Price;Note\nApron;14,50 €;blue, red\nMug;9,00 €;only in Lisbon\n"
    "Tea towel;7,25 €;linen, washed at 60 degrees\nTray;22,00 €;beech wood",
    "questions": "Question;Answer\nHow do I return a table?;Open the menu, choose "
    "Returns, and print the label.\nWho pays for it?;We do, within thirty days.\n"
    "May I collect it myself?;Yes, at the side entrance; ring twice.",
    "opening": "Place;Monday;Saturday;Closed\nMünchen;8:00-20:00;9:00-18:00;Sunday\n"
    "Łódź;9:00-18:00;10:00-14:00;Sunday, holidays\nÅrhus;7:30-19:00;;Sunday",
    "delivery": "Valid from May\n\nCountry;Days;Price;Signature\nAustria;3;9.90;no\n"
    "Norway;5;14.50;yes, over 100 euros\nPeru;9;30;yes",
    "staff": "Name;Desk;Telephone\nO'Neill, Ada;Loans \"upstairs\";+43 316 22 33 44\n"
    "Brandl, Bo;Returns;extension 12\nCy;Music;extension 30;on Fridays only",
    "rooms": "Room;Seats;Equipment\nHarbor;12;screen, camera, two whiteboards\nTower;4;"
    "telephone\nGarden;30;screen, stage, loudspeakers for speech and for music",
    "fines": "Kind;Per day;At most\nBooks;0.20 euros;10 euros\nFilms;1 euro;20 euros\n"
    "Games;0.50 euros;15 euros\nInterlibrary loans;2 euros;no limit",
    "russian": "Город;Срок;Цена\nМосква;2 дня;300 рублей\nКазань;4 дня;450 рублей\n"
    "Омск;6 дней;500 рублей",
}  # fmt: skip
# How each CSV is written: what parts its cells, its encoding, what stands first.
DIALECTS = {
    "prices": (";", "utf-8-sig", "sep=;\r\n"),
    "questions": (",", "utf-8", ""),
    "opening": ("\t", "utf-16", ""),
    "delivery": (",", "utf-8", ""),
    "staff": (",", "cp1252", ""),
    "rooms": ("|", "utf-8", ""),
    "fines": (";", "utf-8", ""),
    "russian": (";", "cp1251", ""),
}


def rows_of(name: str) -> list[list[str]]:
    return [line.split(";") if line else [] for line in TABLES[name].split("\n")]


def write(work: Path, keep, converted) -> None:
    for number, name in enumerate(TABLES):
        rows = rows_of(name)
        words = "\n".join(" ".join(row) for row in rows)
        delimiter, encoding, first = DIALECTS[name]
        made = io.StringIO(newline="")
        csv.writer(made, delimiter=delimiter).writerows(rows)
        raw = f"{first}{made.getvalue()}".encode(encoding, "replace")
        keep("csv", f"{name}.csv", words).write_bytes(raw)
        target = keep("xlsx", f"{name}.xlsx", words)
        (by_openpyxl, by_xlsxwriter, by_libreoffice)[number % 3](
            rows, target, work, converted
        )


def by_openpyxl(rows, target: Path, *_) -> None:
    from openpyxl import Workbook

    book = Workbook()
    for row in rows:
        book.active.append(row)
    book.save(target)


def by_xlsxwriter(rows, target: Path, *_) -> None:
    from xlsxwriter import Workbook

    book = Workbook(str(target))
    sheet = book.add_worksheet("Sheet")
    for number, row in enumerate(rows):
        sheet.write_row(number, 0, row)
    book.close()


def by_libreoffice(rows, target: Path, work: Path, converted) -> None:
    source = work / "table.csv"
    with source.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    calc = "--infilter=CSV:44,34,UTF8,1,,0,false,false"
    converted(source, "xlsx:Calc MS Excel 2007 XML", target, calc)
