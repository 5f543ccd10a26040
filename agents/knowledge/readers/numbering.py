"""What Word writes before a paragraph, and whether it is a heading."""

import re
from dataclasses import dataclass

from agents.knowledge.readers.parcels import children, value

HEADING = re.compile(r"heading (\d)", re.IGNORECASE)
CONTENTS = re.compile(r"toc \d", re.IGNORECASE)
DEEP = 20


@dataclass
class Style:
    """How a paragraph is meant: its level as a heading (0: none), its list."""

    name: str = ""
    level: int = 0
    number: object = None

    @property
    def is_contents(self) -> bool:
        return bool(CONTENTS.fullmatch(self.name))


class Styles:
    def __init__(self, root) -> None:
        styles = root.iter("style") if root is not None else ()
        self.by_id = {style.get("styleId"): style for style in styles}

    def of(self, properties) -> Style:
        """Return the style of a paragraph by what it and its ancestors say."""
        found = Style()
        style = self.by_id.get(value(properties, "pStyle"))
        found.name = value(style, "name") or ""
        outlines = [value(properties, "outlineLvl")]
        for _ in range(DEEP):
            if style is None:
                break
            name = value(style, "name") or ""
            if heading := HEADING.fullmatch(name):
                outlines.append(str(int(heading[1]) - 1))
            elif name == "Title":
                outlines.append("0")
            outlines.append(value(style, "pPr", "outlineLvl"))
            if found.number is None:
                found.number = children(style, "pPr", "numPr")
            style = self.by_id.get(value(style, "basedOn"))
        level = next((each for each in outlines if each and each.isdigit()), "9")
        found.level = min(int(level) + 1, 6) if int(level) < 9 else 0
        return found


class Numbering:
    """Count the points of lists as Word does."""

    def __init__(self, root) -> None:
        self.levels: dict[str, dict[str, tuple[str, int]]] = {}
        self.list_of: dict[str, str] = {}
        self.counts: dict[tuple[str, int], int] = {}
        if root is None:
            return
        kinds = {}
        for kind in root.iter("abstractNum"):
            kinds[kind.get("abstractNumId")] = {
                level.get("ilvl"): (value(level, "numFmt") or "", _start(level))
                for level in kind.iter("lvl")
            }
        for number in root.iter("num"):
            kind, own = value(number, "abstractNumId"), number.get("numId")
            # Lists of one kind count on, unless one begins anew.
            begins_anew = number.find("lvlOverride") is not None
            self.list_of[own] = f"num {own}" if begins_anew else f"kind {kind}"
            self.levels[own] = kinds.get(kind, {})

    def mark(self, properties, style: Style) -> str:
        """Return what stands before a paragraph: "", "- " or its number."""
        own = children(properties, "numPr")
        given = own if own is not None else style.number
        number = value(given, "numId") or value(style.number, "numId") or ""
        if given is None or number == "0":
            return "- " if style.name.startswith("List") and own is None else ""
        depth = value(given, "ilvl") or "0"
        kind, start = self.levels.get(number, {}).get(depth, ("bullet", 1))
        if kind in ("bullet", "none", "") or not depth.isdigit():
            return "- "
        name, level = self.list_of[number], int(depth)
        count = self.counts.get((name, level), start - 1) + 1
        self.counts = {
            key: value
            for key, value in self.counts.items()
            if key[0] != name or key[1] < level
        } | {(name, level): count}
        return f"{count}. "


def _start(level) -> int:
    start = value(level, "start") or "1"
    return int(start) if start.isascii() and start.isdigit() and len(start) < 9 else 1
