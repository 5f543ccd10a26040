"""One way of writing for all texts, before they are compared.

Passages, vectors and questions pass `normalized` alike; people see `visible`.
"""

import re
import unicodedata
from collections.abc import Iterable

# Letters written in several ways that mean no difference to who searches.
ARABIC = {
    "\u0649": "\u064a",  # alef maqsura, and the Persian yeh: yeh
    "\u06cc": "\u064a",
    "\u06a9": "\u0643",  # the Persian kaf
    "\u0629": "\u0647",  # teh marbuta: heh
    "\u0671": "\u0627",  # alef with wasla
    "\u0672": "\u0627",
    "\u0673": "\u0627",
}
APOSTROPHES = (
    "`\u00b4\u02b9\u02bb\u02bc\u02bd\u02c8\u055a\u05f3\u1fbd\u1fbf\u2018\u2019"
    "\u201a\u201b\u2032\u2035\ua78c\u275b\u275c"
)
# Those that no category of Unicode names.
QUOTES = (
    "\u05f4\u2033\u2036\u275d\u275e\u300c\u300d\u300e\u300f\u301d\u301e\u301f\u2e42"
)
HYPHENS = "\u2010\u058a\u05be"
MINUS = "\u2212"


def _characters(*ranges: tuple[int, int]) -> frozenset[int]:
    return frozenset(code for first, last in ranges for code in range(first, last + 1))


# Beside those of category Cf: what is drawn as nothing, in any font.
UNSEEN = _characters(
    (0x034F, 0x034F),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xE0100, 0xE01EF),
)
# Marks that Arabic and Hebrew are mostly written without, and the stroke that only
# makes a word longer.
POINTS = _characters(
    (0x0591, 0x05BD),
    (0x05BF, 0x05BF),
    (0x05C1, 0x05C2),
    (0x05C4, 0x05C5),
    (0x05C7, 0x05C7),
    (0x0610, 0x061A),
    (0x0640, 0x0640),
    (0x064B, 0x065F),
    (0x0670, 0x0670),
    (0x06D6, 0x06DC),
    (0x06DF, 0x06E4),
    (0x06E7, 0x06E8),
    (0x06EA, 0x06ED),
)
# Where a line may be broken, and where a file began. Joiners and marks of direction
# stay: emoji, Persian and Hindi are drawn otherwise without them.
BREAKS = re.compile("[\u00ad\u200b\u2060\ufeff]")


class Rewriting(dict[int, str]):
    """How each character is written; it learns those it meets."""

    def __missing__(self, code: int) -> str:
        self[code] = rewritten = "".join(_parts(chr(code)))
        return rewritten


REWRITING = Rewriting()


def normalized(text: str) -> str:
    """Return a text in one way of writing, which it keeps if normalized again.

    That is NFKC, with digits as `0` to `9`, quotes as `'` and `"`, dashes as ` - `,
    and without what is not seen or, as a vowel of Arabic, mostly not written. No
    letter or digit is lost.
    """
    return unicodedata.normalize("NFC", text.translate(REWRITING))


def visible(text: str) -> str:
    """Return a text as it is written, without what only tells where to break it."""
    return BREAKS.sub("", text)


def _parts(character: str) -> Iterable[str]:
    if character in APOSTROPHES:
        return "'"
    parts = unicodedata.normalize("NFKD", character)
    if parts[0] == " " and len(parts) > 1:
        # An accent that stands alone.
        return " "
    return map(_part, parts)


def _part(character: str) -> str:
    """Return what one character that cannot be taken apart is written as."""
    code, category = ord(character), unicodedata.category(character)
    if category == "Cf" or code in UNSEEN or code in POINTS:
        return ""
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if character in APOSTROPHES:
        return "'"
    if category in ("Pi", "Pf") or character in QUOTES:
        return '"'
    if character in HYPHENS:
        return "-"
    if (category == "Pd" and character != "-") or character == MINUS:
        return " - "
    return ARABIC.get(character, character)
