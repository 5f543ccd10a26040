"""Files of Office: parcels of XML, opened within limits and read by plain names."""

import posixpath
import zipfile
import zlib
from dataclasses import dataclass
from io import BytesIO

from agents.knowledge.readers.reading import Unreadable

# Text compresses well, but no text unpacks to more than this.
MAX_UNPACKED = 64 * 2**20
MAX_PARTS = 5_000
RELATIONS = ("/relationships", "package/2006/relationships")
DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    KeyError,
    ValueError,
    EOFError,
    NotImplementedError,
    OSError,
)


@dataclass(frozen=True)
class Relation:
    """What a part refers to: the last word of its kind, and which part it is."""

    kind: str
    target: str


class Parcel:
    """One file. `what` names it in what its owner is told. Raises Unreadable."""

    def __init__(self, raw: bytes, what: str) -> None:
        self.what = what
        self.broken = f"The {what} is damaged; open it and save it again."
        try:
            self.zip = zipfile.ZipFile(BytesIO(raw))
            parts = self.zip.infolist()
        except DAMAGED:
            raise Unreadable(self.broken) from None
        if any(part.flag_bits & 1 for part in parts):
            raise Unreadable(f"The {what} is protected by a password.")
        unpacked = sum(part.file_size for part in parts)
        if unpacked > MAX_UNPACKED or len(parts) > MAX_PARTS:
            raise Unreadable(
                f"The {what} unpacks to {unpacked / 2**20:,.0f} MB; "
                f"at most {MAX_UNPACKED // 2**20} MB are read."
            )
        self.names = {part.filename.lower(): part.filename for part in parts}
        # Without it no program opens the file, so what is in it is anybody's guess.
        if self.part("[Content_Types].xml").tag != "Types":
            raise Unreadable(self.broken)

    def main(self) -> str:
        """Return the name of the part that everything else belongs to."""
        for relation in self.relations("").values():
            if relation.kind == "officeDocument":
                return relation.target
        raise Unreadable(self.broken)

    def has(self, name: str) -> bool:
        return name.lower() in self.names

    def part(self, name: str):
        """Return a part's root, its names without namespaces. Raises Unreadable."""
        # Heavy, and needed for these files only.
        from lxml import etree

        parser = etree.XMLParser(
            resolve_entities=False,
            no_network=True,
            remove_comments=True,
            remove_pis=True,
        )
        try:
            raw = self.zip.read(self.names[name.lower()])
            root = etree.fromstring(raw, parser=parser)
        except (*DAMAGED, etree.XMLSyntaxError):
            raise Unreadable(self.broken) from None
        _name_plainly(root)
        return root

    def relations(self, name: str) -> dict[str, Relation]:
        """Return what a part refers to within the file, by id."""
        folder, base = posixpath.split(name)
        place = posixpath.join(folder, "_rels", f"{base}.rels")
        if not self.has(place):
            return {}
        found = {}
        for each in self.part(place).iter("Relationship"):
            if each.get("TargetMode") == "External":
                continue
            target = posixpath.normpath(
                posixpath.join("/", folder, each.get("Target", ""))
            )
            kind = each.get("Type", "").rpartition("/")[2]
            found[each.get("Id", "")] = Relation(kind, target.lstrip("/"))
        return found


def _name_plainly(root) -> None:
    """Take the namespaces away: Strict Open XML has others for the same names.

    Of what is written in several ways, the newest is kept. A relation's id becomes
    "r-id".
    """
    for element in root.iter():
        if not isinstance(element.tag, str):
            continue
        space, _, name = element.tag.rpartition("}")
        element.tag = name
        for key, value in element.items():
            space, _, name = key.rpartition("}")
            if space:
                del element.attrib[key]
                element.set(f"r-{name}" if space.endswith(RELATIONS) else name, value)
    for either in list(root.iter("AlternateContent")):
        if either.find("Choice") is not None:
            for other in either.findall("Fallback"):
                either.remove(other)


def children(element, *path: str):
    """Return a child's child, or nothing where one of them is missing."""
    for name in path:
        element = element.find(name) if element is not None else None
    return element


def value(element, *path: str) -> str | None:
    """Return the `val` of a child's child, "" where that has none."""
    found = children(element, *path)
    return None if found is None else found.get("val", "")


def is_on(element, *path: str) -> bool:
    """Say whether a switch is there and not turned off."""
    return value(element, *path) not in (None, "0", "false", "off", "none")
