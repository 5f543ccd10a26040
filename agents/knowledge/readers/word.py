"""Word documents (.docx): all they show once every change is accepted, in order."""

import re
from collections import Counter

from agents.knowledge.readers.grids import (
    MAX_REPEATED,
    MAX_SPAN,
    in_a_cell,
    markdown,
    pairs,
)
from agents.knowledge.readers.numbering import Numbering, Styles
from agents.knowledge.readers.parcels import Parcel, children, is_on, value
from agents.knowledge.readers.reading import Reading, Unreadable, counted

FIRST_HEADING = re.compile(r"^#{1,2} (.+)$", re.MULTILINE)
ITEM = re.compile(r"\A(?:- |\d{1,9}\. )")
# What is not there any more, or is not for readers.
GONE = frozenset(
    "del moveFrom delText delInstrText instrText pPr rPr tblPr trPr tcPr sdtPr "
    "sdtEndPr fldData rt".split()
)
SIGNS = {"tab": " ", "br": "\n", "cr": "\n", "noBreakHyphen": "-", "ptab": " "}
WITHIN = frozenset(
    "ins moveTo sdt sdtContent customXml smartTag AlternateContent Choice Fallback "
    "body".split()
)


def read(raw: bytes) -> Reading:
    parcel = Parcel(raw, "Word document")
    try:
        document = Document(parcel)
        text = document.text
    except RecursionError:
        raise Unreadable(parcel.broken) from None
    heading = FIRST_HEADING.search(text)
    return Reading(
        text,
        heading[1] if heading else _own_title(parcel),
        left_out=document.notes(),
    )


def _own_title(parcel: Parcel) -> str:
    if not parcel.has("docProps/core.xml"):
        return ""
    return parcel.part("docProps/core.xml").findtext("title") or ""


class Document:
    def __init__(self, parcel: Parcel) -> None:
        self.parcel = parcel
        self.left_out: Counter[str] = Counter()
        main = parcel.main()
        self.relations = parcel.relations(main)
        self.styles = Styles(self.related("styles"))
        self.numbering = Numbering(self.related("numbering"))
        self.notes_by_id = {
            kind: self.notes_of(kind) for kind in ("footnote", "endnote")
        }
        body = children(parcel.part(main), "body")
        if body is None:
            raise Unreadable(parcel.broken)
        # Of a paragraph whose end was deleted: the next one goes on with it.
        self.unfinished = ""
        self.text = "\n\n".join(self.blocks(body))

    def related(self, kind: str):
        for relation in self.relations.values():
            if relation.kind == kind and self.parcel.has(relation.target):
                return self.parcel.part(relation.target)
        return None

    def notes_of(self, kind: str) -> dict[str, object]:
        root = self.related(f"{kind}s")
        found = root.iter(kind) if root is not None else ()
        # Others are the lines that part notes from the text.
        return {
            note.get("id"): note
            for note in found
            if note.get("type", "normal") == "normal"
        }

    def notes(self) -> list[str]:
        margins = any(
            relation.kind in ("header", "footer")
            and "".join(self.parcel.part(relation.target).itertext()).strip()
            for relation in self.relations.values()
            if self.parcel.has(relation.target)
        )
        return [
            *counted(self.left_out["pictures"], "picture without a description"),
            *counted(self.left_out["charts"], "chart"),
            *counted(self.left_out["objects"], "embedded file"),
            *counted(self.left_out["comments"], "comment"),
            *(["the headers and footers of its pages"] if margins else []),
            *(["its table of contents"] if self.left_out["contents"] else []),
        ]

    # --- Blocks -----------------------------------------------------------------
    def blocks(self, container) -> list[str]:
        found: list[str] = []
        for child in container:
            if child.tag == "p":
                new = self.paragraph(child)
            elif child.tag == "tbl":
                new = self.table(child)
            elif child.tag in WITHIN:
                new = self.blocks(child)
            else:
                self.left_out["objects"] += child.tag == "altChunk"
                continue
            for block in new:
                # The points of a list are one block.
                if found and ITEM.match(block) and ITEM.match(found[-1]):
                    found[-1] += f"\n{block}"
                else:
                    found.append(block)
        return found

    def paragraph(self, paragraph) -> list[str]:
        run = Run(self)
        run.take(paragraph)
        lines = "".join(run.words).split("\n")
        text = "\n".join(filter(None, (" ".join(line.split()) for line in lines)))
        if self.unfinished:
            text, self.unfinished = f"{self.unfinished} {text}".strip(), ""
        properties = paragraph.find("pPr")
        if children(properties, "rPr", "del") is not None:
            self.unfinished = text
            return run.beside
        style = self.styles.of(properties)
        if style.is_contents:
            self.left_out["contents"] += bool(text)
            return run.beside
        if not text:
            return run.beside
        if style.level:
            return [f"{'#' * style.level} {' '.join(text.split())}", *run.beside]
        mark = self.numbering.mark(properties, style)
        return [f"{mark}{text}", *run.beside]

    def table(self, table) -> list[str]:
        rows = [row for row in _rows(table) if children(row, "trPr", "del") is None]
        grid, large = self.grid(rows)
        width = max(map(len, grid), default=0)
        if width < 2 or large:
            cells = (cell for row in rows for cell in _cells(row))
            return [block for cell in cells for block in self.blocks(cell)]
        names = 0
        while names < len(rows) and is_on(rows[names], "trPr", "tblHeader"):
            names += 1
        look = children(table, "tblPr", "tblLook")
        is_plain = look is not None and look.get("firstRow") in ("0", "false")
        is_list = width == 2 and is_plain and not names
        text = pairs(grid) if is_list else markdown(grid, max(1, names))
        return [text] if text else []

    def grid(self, rows) -> tuple[list[list[str]], bool]:
        """Return the cells as they stand, and whether they are parts of a page."""
        grid: list[list[str]] = []
        is_large = False
        for row in rows:
            before = _whole(value(row, "trPr", "gridBefore"), 0)
            said = [""] * before
            for cell in _cells(row):
                properties = cell.find("tcPr")
                merged = value(properties, "vMerge")
                at = len(said)
                blocks = self.blocks(cell)
                is_large = is_large or any(block.startswith("#") for block in blocks)
                text = in_a_cell("\n".join(blocks))
                above = grid[-1][at] if grid and at < len(grid[-1]) else ""
                if merged is not None and merged != "restart" and not text:
                    text = above if len(above) <= MAX_REPEATED else ""
                said.append(text)
                said += [""] * (_whole(value(properties, "gridSpan"), 1) - 1)
            grid.append(said)
        return grid, is_large


def _whole(text: str | None, otherwise: int) -> int:
    is_number = text and text.isascii() and text.isdigit() and len(text) < 4
    return min(int(text), MAX_SPAN) if is_number else otherwise


def _rows(table):
    for child in table:
        if child.tag == "tr":
            yield child
        elif child.tag in WITHIN:
            yield from _rows(child)


def _cells(row):
    for child in row:
        if child.tag == "tc":
            yield child
        elif child.tag in WITHIN:
            yield from _cells(child)


class Run:
    """The words of one paragraph, and what stands beside it: boxes and notes."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.words: list[str] = []
        self.beside: list[str] = []

    def take(self, element) -> None:
        for child in element:
            tag = child.tag
            if tag in GONE or (tag == "r" and is_on(child, "rPr", "vanish")):
                continue
            if tag == "t":
                self.words.append(child.text or "")
            elif tag in SIGNS:
                self.words.append(SIGNS[tag])
            elif tag == "txbxContent":
                self.beside += self.document.blocks(child)
            elif tag in ("footnoteReference", "endnoteReference"):
                self.take_note(tag.removesuffix("Reference"), child.get("id"))
            elif tag in ("inline", "anchor", "pict", "object"):
                self.take_picture(child)
            else:
                self.document.left_out["comments"] += tag == "commentReference"
                self.take(child)

    def take_note(self, kind: str, note_id: str | None) -> None:
        note = self.document.notes_by_id[kind].get(note_id)
        if note is not None:
            self.beside += self.document.blocks(note)

    def take_picture(self, drawing) -> None:
        described = next(drawing.iter("docPr", "shape"), None)
        words = (
            described.get("descr") or described.get("alt")
            if described is not None
            else ""
        )
        kinds = {each.tag for each in drawing.iter()}
        left_out = self.document.left_out
        if words:
            self.words.append(f" ({' '.join(words.split())}) ")
        elif kinds & {"pic", "imagedata"}:
            left_out["pictures"] += 1
        left_out["charts"] += "chart" in kinds
        left_out["objects"] += drawing.tag == "object"
        for diagram in drawing.iter("relIds"):
            self.take_diagram(diagram.get("r-dm"))
        self.take(drawing)

    def take_diagram(self, relation_id: str | None) -> None:
        relation = self.document.relations.get(relation_id or "")
        if relation and self.document.parcel.has(relation.target):
            points = self.document.parcel.part(relation.target).iter("pt")
            said = (
                "".join(part.text or "" for part in point.iter("t")) for point in points
            )
            lines = [f"- {' '.join(words.split())}" for words in said if words.strip()]
            self.beside += ["\n".join(lines)] if lines else []
