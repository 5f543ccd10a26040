"""Presentations (.pptx): the words of each slide and of what its speaker says."""

from collections import Counter

from agents.knowledge.readers.grids import Cell, in_a_cell, markdown, spread
from agents.knowledge.readers.parcels import Parcel, children
from agents.knowledge.readers.reading import Reading, Unreadable, counted

TITLES = frozenset({"title", "ctrTitle"})
# What every slide repeats.
MARGINS = frozenset({"dt", "ftr", "sldNum", "hdr"})


def read(raw: bytes) -> Reading:
    deck = Deck(Parcel(raw, "presentation"))
    blocks = [block for slide in deck.slides() for block in slide]
    titles = (block[2:] for block in blocks if block.startswith("# "))
    return Reading("\n\n".join(blocks), next(titles, ""), left_out=deck.notes())


class Deck:
    def __init__(self, parcel: Parcel) -> None:
        self.parcel = parcel
        self.left_out: Counter[str] = Counter()

    def notes(self) -> list[str]:
        return [
            *counted(self.left_out["hidden"], "slide that is hidden"),
            *counted(self.left_out["pictures"], "picture without a description"),
            *counted(self.left_out["charts"], "chart"),
        ]

    def slides(self):
        """Yield each slide's blocks, in the order they are shown."""
        main = self.parcel.main()
        relations = self.parcel.relations(main)
        listed = children(self.parcel.part(main), "sldIdLst")
        for entry in listed if listed is not None else ():
            relation = relations.get(entry.get("r-id", ""))
            if relation is None or not self.parcel.has(relation.target):
                raise Unreadable(self.parcel.broken)
            yield self.slide(relation.target)

    def slide(self, name: str) -> list[str]:
        root = self.parcel.part(name)
        if root.get("show") in ("0", "false"):
            self.left_out["hidden"] += 1
            return []
        relations = self.parcel.relations(name)
        tree = children(root, "cSld", "spTree")
        blocks = self.shapes(tree, relations) if tree is not None else []
        # A title is often drawn after what stands below it.
        blocks.sort(key=lambda block: not block.startswith("# "))
        for relation in relations.values():
            if relation.kind == "notesSlide" and self.parcel.has(relation.target):
                notes = children(self.parcel.part(relation.target), "cSld", "spTree")
                blocks += self.shapes(notes, {}, is_body_only=True)
        return blocks

    def shapes(self, tree, relations, *, is_body_only: bool = False) -> list[str]:
        blocks: list[str] = []
        for shape in tree:
            place = next(shape.iter("ph"), None) if shape.tag == "sp" else None
            kind = place.get("type", "body") if place is not None else ""
            if kind in MARGINS or (is_body_only and kind != "body"):
                continue
            if shape.tag in ("grpSp", "AlternateContent", "Choice", "Fallback"):
                blocks += self.shapes(shape, relations)
            elif shape.tag == "sp":
                blocks += self.words(shape, is_title=kind in TITLES)
            elif shape.tag == "pic":
                blocks += self.picture(shape)
            elif shape.tag == "graphicFrame":
                blocks += self.frame(shape, relations)
        return blocks

    def words(self, shape, *, is_title: bool) -> list[str]:
        body = shape.find("txBody")
        if body is None:
            return []
        lines = [line for line in map(paragraph, body.iter("p")) if line]
        if is_title:
            return [f"# {' '.join(lines)}"] if lines else []
        is_list = len(lines) > 1
        return (
            ["\n".join(f"- {line}" if is_list else line for line in lines)]
            if lines
            else []
        )

    def picture(self, shape) -> list[str]:
        named = next(shape.iter("cNvPr"), None)
        words = (
            " ".join((named.get("descr") or "").split()) if named is not None else ""
        )
        self.left_out["pictures"] += not words
        return [f"({words})"] if words else []

    def frame(self, frame, relations) -> list[str]:
        table = next(frame.iter("tbl"), None)
        if table is not None:
            text = markdown(
                spread(
                    [
                        [_cell(cell) for cell in row if cell.tag == "tc"]
                        for row in table.iter("tr")
                    ]
                )
            )
            return [text] if text else []
        self.left_out["charts"] += next(frame.iter("chart"), None) is not None
        found: list[str] = []
        for diagram in frame.iter("relIds"):
            relation = relations.get(diagram.get("r-dm", ""))
            if relation and self.parcel.has(relation.target):
                points = self.parcel.part(relation.target).iter("p")
                found += [f"- {line}" for line in map(paragraph, points) if line]
        return ["\n".join(found)] if found else []


def _cell(cell) -> Cell:
    if cell.get("hMerge") or cell.get("vMerge"):
        return Cell("")
    body = cell.find("txBody")
    lines = map(paragraph, body.iter("p")) if body is not None else ()
    return Cell(in_a_cell("\n".join(filter(None, lines))))


def paragraph(element) -> str:
    """Return a paragraph's words on one line."""
    words = ""
    for part in element.iter("t", "br", "tab"):
        words += (part.text or "") if part.tag == "t" else " "
    return " ".join(words.split())
