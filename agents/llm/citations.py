"""Turn the numbers a model puts behind its statements into citations, as it speaks."""

import re

from agents.llm.provider import Citation, Passage

# "[2]", "[1, 3]", "[1-3]", with the white space before, which goes with a wrong one.
MARK = re.compile(r"[ \t]?\[(\d{1,3}(?:\s*[,;–-]\s*\d{1,3})*)\]")
COMMA, DASH = (re.compile(rf"(?<!\s)\s*+[{sign}]\s*+") for sign in (",;", "–-"))
# What may still become a mark, at the end of what was said so far.
BEGUN = re.compile(r"[ \t]?(?:\[[\d\s,;–-]{0,24})?\Z")
# Code between single backticks ends with its line, whether it was closed or not.
CODE = re.compile(r"`+|\n")
FENCE = 3


class Marks:
    """Lets a text through piece by piece, its marks numbered as they appear.

    A number that belongs to no passage is left out: a source that was invented is
    worse than none. Inside code, brackets are code.
    """

    def __init__(self, passages: tuple[Passage, ...]) -> None:
        self.passages = passages
        self.cited: list[int] = []
        self.held = ""
        self.fence = ""

    def feed(self, text: str) -> str:
        """Return what can be said by now."""
        text = self.held + text
        begun = BEGUN.search(text)
        cut = begun.start() if begun else len(text)
        if text.endswith("`"):
            # How long a run of backticks is decides what it means.
            cut = min(cut, len(text.rstrip("`")))
        self.held = text[cut:]
        return self._written(text[:cut])

    def end(self) -> str:
        """Return the rest."""
        rest, self.held = self.held, ""
        return self._written(rest)

    def citations(self) -> list[Citation]:
        return [
            Citation.of(number, self.passages[index])
            for number, index in enumerate(self.cited, start=1)
        ]

    def _written(self, text: str) -> str:
        written, place = [], 0
        for run in CODE.finditer(text):
            written.append(self._numbered(text[place : run.start()]))
            written.append(run[0])
            place = run.end()
            if run[0] == "\n":
                self.fence = self.fence if len(self.fence) >= FENCE else ""
            elif not self.fence:
                self.fence = run[0]
            elif self.fence == run[0]:
                self.fence = ""
        written.append(self._numbered(text[place:]))
        return "".join(written)

    def _numbered(self, text: str) -> str:
        return text if self.fence else MARK.sub(self._replaced, text)

    def _replaced(self, mark: re.Match[str]) -> str:
        numbers = [
            number
            for part in COMMA.split(mark[1])
            for number in _named(part)
            if 1 <= number <= len(self.passages)
        ]
        if not numbers:
            return ""
        space = mark[0][: len(mark[0]) - len(mark[0].lstrip())]
        return space + "".join(f"[{self._number(n - 1)}]" for n in numbers)

    def _number(self, index: int) -> int:
        if index not in self.cited:
            self.cited.append(index)
        return self.cited.index(index) + 1


def _named(part: str) -> list[int]:
    """Return the numbers of "2" or "1-3"."""
    first, *last = [int(number) for number in DASH.split(part)]
    return list(range(first, min(last[-1] if last else first, first + 20) + 1))
