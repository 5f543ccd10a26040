"""PDF: the text of its pages. What is only pictured there stays unread."""

import logging
import re
from io import BytesIO

from agents.knowledge.readers.reading import MAX_CHARACTERS, Reading, Unreadable

MAX_PAGES = 5_000
HYPHENATED = re.compile(r"(?<=[^\W\d_])-\n(?=[a-zäöüßà-ÿ])")
BROKEN = "The PDF is damaged; open it and save or print it as PDF again."


def read(raw: bytes) -> Reading:
    # Heavy, and needed for these files only.
    from pypdf import PdfReader
    from pypdf.errors import DependencyError, PyPdfError

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        reader = PdfReader(BytesIO(raw))
        if reader.is_encrypted and not reader.decrypt(""):
            raise Unreadable("The PDF is protected by a password.")
        text = _text_of(reader)
    except DependencyError:
        raise Unreadable("The PDF is protected in a way we cannot read.") from None
    except (PyPdfError, OSError, ValueError, KeyError, TypeError, AttributeError):
        raise Unreadable(BROKEN) from None
    except RecursionError:
        raise Unreadable(BROKEN) from None
    if not text.strip():
        raise Unreadable(
            "There is no text in the PDF. If it is a scan, have its text recognised "
            "(OCR) first."
        )
    return Reading(text)


def _text_of(reader) -> str:
    if len(reader.pages) > MAX_PAGES:
        raise Unreadable(f"The PDF has more than {MAX_PAGES:,} pages.")
    pages: list[str] = []
    length = 0
    for page in reader.pages:
        # Lines of a page are one flow; a paragraph may go on behind the page's end.
        pages.append(HYPHENATED.sub("", page.extract_text() or ""))
        length += len(pages[-1])
        if length > MAX_CHARACTERS:
            break
    return "\n\n".join(pages)
