"""Print which share of the visible words reaches the passages, for each kind of file.

With -v, also which words do not. Each file lies under `files/` beside what it says
(`.words`): of pages and documents what Chromium shows of their source, of tables their
cells, of slides what was put on them.
"""

import sys
from collections import Counter
from pathlib import Path

from agents.knowledge.chunks import Piece
from agents.knowledge.extraction import read_file
from agents.knowledge.file_types import kind_of
from agents.knowledge.readers.reading import Unreadable
from benchmarks.readers.words import words_in

FILES = Path(__file__).parent / "files"
GOAL = 0.99
# While the readers were written, only files made from these were looked at.
LOOKED_AT = frozenset({"prices", "questions", "opening", "delivery"})


def main() -> int:
    missed = []
    print(f"{'kind':<10}{'files':>6}{'unseen':>8}{'words':>8}{'arrive':>9}{'worst':>9}")
    for folder in sorted(path for path in FILES.iterdir() if path.is_dir()):
        shares, wanted, arrived, lost = {}, 0, 0, {}
        for reference in sorted(folder.glob("*.words")):
            said, found, missing = measured(reference)
            wanted, arrived = wanted + said, arrived + found
            shares[reference.stem] = found / said
            lost[reference.stem] = missing
        unseen = sum(Path(name).stem not in LOOKED_AT for name in shares)
        share, worst = arrived / wanted, min(shares, key=shares.get)
        print(
            f"{folder.name:<10}{len(shares):>6}{unseen:>8}{wanted:>8}"
            f"{share:>9.2%}{shares[worst]:>9.2%}  {worst}"
        )
        if shares[worst] < 1 and "-v" in sys.argv:
            for name, missing in lost.items():
                print(f"    {name}: {missing}")
        if share < GOAL:
            missed.append(folder.name)
    print(f"Below {GOAL:.0%}: {', '.join(missed) or 'none'}.")
    return int(bool(missed))


def measured(reference: Path) -> tuple[int, int, str]:
    """Return how many words a file says, how many arrive, and some that do not."""
    source = reference.with_suffix("")
    raw = source.read_bytes()
    said = words_in(reference.read_text())
    try:
        pieces = read_file(raw, kind_of(raw, source.name), is_split=True).pieces
    except Unreadable as error:
        return said.total(), 0, str(error)
    missing = said - words_in(once(pieces))
    return said.total(), said.total() - missing.total(), " ".join(list(missing)[:20])


def once(pieces: list[Piece]) -> str:
    """Return passages without what they repeat: headings, and the one before."""
    parts, headings, before = [], Counter(), ""
    for piece in pieces:
        path = piece.heading.split(" > ")
        parts += [title for title in path if not headings[title]]
        headings.update(path)
        length = min(len(before), len(piece.text), 200)
        overlap = next(
            (
                size
                for size in range(length, 0, -1)
                if before.endswith(piece.text[:size])
            ),
            0,
        )
        parts.append(piece.text[overlap:])
        before = piece.text
    return "\n".join(parts)


if __name__ == "__main__":
    sys.exit(main())
