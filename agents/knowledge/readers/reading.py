"""What a reader returns, and the text as it may be stored."""

import re
from dataclasses import dataclass, field

from agents.knowledge.chunks import Piece

MAX_CHARACTERS = 2_000_000
MAX_TITLE = 500
# What PostgreSQL cannot store, and what nobody sees.
UNSTORABLE = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\ufeff\ufffe\uffff]")
# Where a word may be broken, a letter's typographic forms: none belongs to a word.
BREAKS = re.compile("[\u00ad\u200b\u2060\u180e]")
LIGATURES = str.maketrans(
    {
        "\ufb00": "ff",
        "\ufb01": "fi",
        "\ufb02": "fl",
        "\ufb03": "ffi",
        "\ufb04": "ffl",
        "\ufb05": "st",
        "\ufb06": "st",
    }
)
BLANK_LINES = re.compile(r"\n{3,}")


class Unreadable(Exception):
    """The file has no text for us; the message tells its owner why."""


@dataclass
class Reading:
    """What was read: a text in which Markdown marks headings, lists and tables."""

    text: str
    title: str = ""
    # Of web pages and sitemaps: absolute addresses, in order.
    links: list[str] = field(default_factory=list)
    # Whether the page asks not to be kept.
    is_private: bool = False
    # Of a sitemap: its links are sitemaps themselves.
    is_index: bool = False
    # Of a web page: the address it leads to by itself, and the one it calls its own.
    leads_to: str = ""
    canonical: str = ""
    # What the file holds besides and nobody can be answered from, in a few words each.
    left_out: list[str] = field(default_factory=list)
    # Its passages, where those were asked for.
    pieces: list[Piece] = field(default_factory=list)


def cleaned(text: str) -> str:
    """Return a text without what cannot be stored, its lines in order."""
    text = text.encode("utf-8", "replace").decode("utf-8")
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x0c", "\n\n")
    text = BREAKS.sub("", UNSTORABLE.sub("", text)).translate(LIGATURES)
    text = "\n".join(line.rstrip() for line in text.split("\n"))
    return BLANK_LINES.sub("\n\n", text).strip()


def counted(number: int, what: str) -> list[str]:
    """Return "3 pictures without a description" for one of them, or nothing for 0."""
    thing, *rest = what.split(" ", 1)
    many = f"{thing}s" if number != 1 else thing
    return [" ".join([f"{number:,}", many, *rest])] if number else []


def title_from(words: str) -> str:
    """Return a title on one line, or nothing."""
    return " ".join(cleaned(words).split())[:MAX_TITLE]
