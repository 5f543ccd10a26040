"""PDF: the text of its pages and of its forms. What is only pictured stays unread."""

import logging
import re
import unicodedata
from io import BytesIO

from agents.knowledge.readers.reading import (
    MAX_CHARACTERS,
    Reading,
    Unreadable,
    counted,
)

MAX_PAGES = 5_000
MAX_FIELDS = 2_000
HYPHENATED = re.compile(r"([^\W\d_]{1,40})-\n([a-zäöüßà-ÿ]\w{0,40})")
WORD = re.compile(r"\w+")
BROKEN = "The PDF is damaged; open it and save or print it as PDF again."
GARBLED = (
    "Its letters cannot be read: the PDF does not say which sign is which. Save it "
    "as PDF again from the program it was written in, or have its text recognised "
    "(OCR) first."
)
# Glyphs by their numbers, as some programs name what they cannot read.
NUMBERED = re.compile(r"\(cid:\d{1,6}\)|/[gG]\d{1,5}\b|\\u00[01][0-9a-f]")
LATIN = re.compile(r"[A-Za-z]")
VOWEL = re.compile(r"[aeiouyAEIOUY]")
# Shares of the signs of a page: so many strange ones, or so few vowels, no text has.
TOO_STRANGE, TOO_FEW_VOWELS, TOO_MANY_MARKS = 0.1, 0.2, 0.5
# Small letters whose numbers are taken for codes come out as capitals, 29 places off.
TOO_FEW_VOWELS_IN_CAPITALS = 0.3
TELLING = 60
# So much of a document may be garbled; the rest of it is still worth reading.
MOST_GARBLED = 0.3


def read(raw: bytes) -> Reading:
    # Heavy, and needed for these files only.
    from pypdf import PdfReader
    from pypdf.errors import DependencyError, PyPdfError

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        reader = PdfReader(BytesIO(raw))
        if reader.is_encrypted and not reader.decrypt(""):
            raise Unreadable("The PDF is protected by a password.")
        pages = _pages(reader)
        fields = _fields(reader)
        title = (reader.metadata or {}).get("/Title", "") or ""
    except DependencyError:
        raise Unreadable("The PDF is protected in a way we cannot read.") from None
    except (PyPdfError, OSError, ValueError, LookupError, TypeError, AttributeError):
        raise Unreadable(BROKEN) from None
    except (RecursionError, ArithmeticError, AssertionError):
        raise Unreadable(BROKEN) from None
    return _reading(pages, fields, str(title))


def _reading(pages: list[str], fields: str, title: str) -> Reading:
    garbled = [is_garbled(page) for page in pages]
    written = [page for page, is_bad in zip(pages, garbled, strict=True) if not is_bad]
    lost = sum(map(len, pages)) - sum(map(len, written))
    if lost > MOST_GARBLED * sum(map(len, pages)):
        raise Unreadable(GARBLED)
    text = "\n\n".join(filter(None, [*written, fields]))
    if not text.strip():
        raise Unreadable(
            "There is no text in the PDF. If it is a scan, have its text recognised "
            "(OCR) first."
        )
    empty = sum(not page.strip() for page in pages)
    left_out = [
        *counted(empty, "page without text (a picture or a scan)"),
        *counted(sum(garbled), "page whose letters cannot be read"),
    ]
    # Many programs write a file's name there.
    is_title = " " in title.strip() and not title.lower().startswith("microsoft word")
    return Reading(text, title if is_title else "", left_out=left_out)


def _pages(reader) -> list[str]:
    if len(reader.pages) > MAX_PAGES:
        raise Unreadable(f"The PDF has more than {MAX_PAGES:,} pages.")
    pages: list[str] = []
    length = 0
    for page in reader.pages:
        # Lines of a page are one flow; a paragraph may go on behind the page's end.
        pages.append(page.extract_text() or "")
        length += len(pages[-1])
        if length > MAX_CHARACTERS:
            break
    return unhyphenated(pages)


def unhyphenated(pages: list[str]) -> list[str]:
    """Join words that a line's end breaks, but not those that have a hyphen anyway."""
    whole = (HYPHENATED.sub(" ", page).lower() for page in pages)
    known = {word for page in whole for word in WORD.findall(page)}

    def joined(found: re.Match[str]) -> str:
        first, last = found.groups()
        is_word = f"{first}{last}".lower() in known
        are_words = len(last) > 1 and first.lower() in known and last.lower() in known
        return f"{first}{'' if is_word or not are_words else '-'}{last}"

    return [HYPHENATED.sub(joined, page) for page in pages]


def _fields(reader) -> str:
    """Return what a form is filled in with, each value behind its field's name."""
    lines = []
    for name, field in list((reader.get_fields() or {}).items())[:MAX_FIELDS]:
        kind, value = field.get("/FT"), field.get("/V")
        label = str(field.get("/TU") or name).strip()
        if kind == "/Btn":
            # A box that is ticked.
            is_on = value not in (None, "/Off", "")
            lines += [f"- {label}"] if is_on else []
        elif kind in ("/Tx", "/Ch") and value not in (None, "", []):
            values = value if isinstance(value, list) else [value]
            said = " ".join(", ".join(map(str, values)).split())
            lines += [f"- {label}: {said}"] if said else []
    return "\n".join(lines)


def is_garbled(text: str) -> bool:
    """Say whether signs stand for other letters than they are, as without a font's map.

    Known by signs no text has, by words without vowels, or by marks without words.
    """
    signs = "".join(text.split())
    if len(signs) < TELLING:
        return False
    strange = sum(
        unicodedata.category(sign) in ("Cc", "Co", "Cn", "Cs") for sign in signs
    )
    strange += signs.count("\ufffd")
    strange += sum(len(found[0]) for found in NUMBERED.finditer(text))
    if strange > TOO_STRANGE * len(signs):
        return True
    marks = sum(unicodedata.category(sign)[0] in "PSC" for sign in signs)
    # Dots that lead to a page's number are many in a table of contents.
    if marks - signs.count(".") - signs.count("_") > TOO_MANY_MARKS * len(signs):
        return True
    letters = LATIN.findall(signs)
    are_capitals = sum(map(str.isupper, letters)) > 0.9 * len(letters)
    few = TOO_FEW_VOWELS_IN_CAPITALS if are_capitals else TOO_FEW_VOWELS
    is_latin = len(letters) > max(TELLING, len(signs) / 2)
    return is_latin and len(VOWEL.findall(signs)) < few * len(letters)
