"""Markdown, also as documentation sites write it: read as the page it becomes."""

import re

from agents.knowledge.readers import pages
from agents.knowledge.readers.dialects import plain
from agents.knowledge.readers.reading import Reading, Unreadable
from agents.knowledge.readers.texts import decoded

FRONT_MATTER = re.compile(
    r"\A\ufeff?(?:---[ \t]*\n(.*?\n)(?:---|\.\.\.)|\+\+\+[ \t]*\n(.*?\n)\+\+\+)"
    r"[ \t]*(?:\n|\Z)",
    re.DOTALL,
)
TITLE = re.compile(r"^title[ \t]*[:=][ \t]*(.+)$", re.MULTILINE | re.IGNORECASE)


def read(raw: bytes) -> Reading:
    # Heavy, and needed for these files only.
    from markdown_it import MarkdownIt

    text = decoded(raw).replace("\r\n", "\n")
    title = ""
    if matter := FRONT_MATTER.match(text):
        text = text[matter.end() :]
        named = TITLE.search(matter[1] or matter[2])
        title = named[1].strip().strip("'\"") if named else ""
    marked = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    page = marked.render(plain(text))
    if not page.strip():
        raise Unreadable("There is no text in it.")
    reading = pages.read(f"<body>{page}".encode(), charset="utf-8")
    return Reading(reading.text, title or reading.title, left_out=reading.left_out)
