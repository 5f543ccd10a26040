"""Read one file from standard input and write what was read, as JSON.

With READ in place of a kind, it is a text that was read before. With SPLIT, what is
read is split into passages as well.

A process of its own, so that a hostile file can take nothing else down: its memory,
time and output are limited before the first byte is looked at.
"""

import contextlib
import json
import os
import resource
import sys
from dataclasses import asdict

from agents.knowledge.chunks import split_text
from agents.knowledge.file_types import Kind
from agents.knowledge.readers.reading import (
    MAX_CHARACTERS,
    Reading,
    Unreadable,
    cleaned,
    title_from,
)

READ, SPLIT = "read", "split"
CPU_SECONDS = 30
OUTPUT_BYTES = 32 * 2**20
OPEN_FILES = 64
NICENESS = 10
# What the parent tells from other ends.
OUT_OF_MEMORY, BROKEN = 3, 4


def limit_resources(memory_bytes: int) -> None:
    """Give up what reading a document cannot need; some systems know not all."""
    for what, most in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_FSIZE, OUTPUT_BYTES),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(what, (most, most))
    with contextlib.suppress(OSError):
        os.nice(NICENESS)


def read(kind: Kind, raw: bytes, url: str, charset: str) -> Reading:
    """Read by the reader of a kind; each is loaded only when it is needed."""
    if kind is Kind.HTML:
        from agents.knowledge.readers import pages

        return pages.read(raw, url, charset)
    if kind is Kind.SITEMAP:
        from agents.knowledge.readers import pages

        return pages.read_sitemap(raw, url)
    from agents.knowledge.readers import (
        marked,
        pdf,
        sheets,
        slides,
        tables,
        texts,
        word,
    )

    readers = {
        Kind.PDF: pdf,
        Kind.DOCX: word,
        Kind.PPTX: slides,
        Kind.XLSX: sheets,
        Kind.MARKDOWN: marked,
        Kind.CSV: tables,
        Kind.TEXT: texts,
    }
    return readers[kind].read(raw)


def checked(reading: Reading, kind: Kind) -> Reading:
    """Return what was read as it may be stored. Raises Unreadable."""
    reading.text = cleaned(reading.text)
    reading.title = title_from(reading.title)
    if kind is Kind.SITEMAP:
        return reading
    if not reading.text and not reading.links:
        raise Unreadable("There is no text in it.")
    if len(reading.text) > MAX_CHARACTERS:
        raise Unreadable(
            f"Its text is longer than {MAX_CHARACTERS:,} characters; split it."
        )
    return reading


def reading_of(kind: str, raw: bytes, url: str, charset: str) -> Reading:
    """Return what a file says, or a text that was read before as it is."""
    if kind == READ:
        return Reading(raw.decode())
    return checked(read(Kind(kind), raw, url, charset), Kind(kind))


def main(kind: str, url: str, charset: str, memory_bytes: str, split: str = "") -> int:
    limit_resources(int(memory_bytes))
    try:
        reading = reading_of(kind, sys.stdin.buffer.read(), url, charset)
        if split == SPLIT:
            reading.pieces = split_text(reading.text)
        answer = asdict(reading)
    except Unreadable as error:
        answer = {"cause": str(error)}
    except MemoryError:
        return OUT_OF_MEMORY
    except Exception as error:  # a reader met what nobody foresaw
        sys.stderr.write(f"{type(error).__name__}: {error}"[:500])
        return BROKEN
    json.dump(answer, sys.stdout, ensure_ascii=False)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
