"""Split texts into words, in every script and without any locale."""

import re
import unicodedata
from collections.abc import Iterator

from agents.knowledge.retrieval.normalization import normalized

# Longer ones are cut: no word of any language is, and PostgreSQL takes 2,046 bytes.
LONGEST = 100
# Inside a word: "e-mail", "2.1.3", "info@shop.example", "MAX_SIZE".
JOINTS = ".,_@-"
# Scripts without spaces between words, and Korean, whose endings stick to words:
# every two neighbours count as a word.
UNSPACED = (
    ("\u0e00", "\u0eff"),  # Thai, Lao
    ("\u1000", "\u109f"),  # Burmese
    ("\u1780", "\u17ff"),  # Khmer
    ("\u2e80", "\u2fdf"),  # radicals
    ("\u3005", "\u3007"),
    ("\u3031", "\u3035"),
    ("\u3040", "\u30ff"),  # Hiragana, Katakana
    ("\u31f0", "\u31ff"),
    ("\u3400", "\u4dbf"),
    ("\u4e00", "\u9fff"),  # Chinese characters
    ("\ua9e0", "\ua9fe"),
    ("\uaa60", "\uaa7f"),
    ("\uac00", "\ud7a3"),  # Hangul
    ("\uf900", "\ufaff"),
    ("\U0001aff0", "\U0001b16f"),
    ("\U00020000", "\U000323af"),
)
RUNS = re.compile("([{}]+)".format("".join(map("-".join, UNSPACED))))
# Full stops and commas hold numbers together, and nothing else.
APART = re.compile(r"(?<![0-9])[.,]+|[.,]+(?![0-9])|[_@-]+")
NUMBER = re.compile(r"(?<![0-9])v?([0-9]+(?:[.,][0-9]+)+)")
THOUSANDS = re.compile(r"[0-9]{1,3}(?:[.,][0-9]{3})+")
LETTER = re.compile(r"[^\W\d_]")


class Ends(dict[int, str]):
    """What ends a word becomes a space; it learns the characters it meets."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        belongs = unicodedata.category(character)[0] in "LMN" or character in JOINTS
        self[code] = kept = character if belongs else " "
        return kept


ENDS = Ends()
DOTTED = str.maketrans({"I": "\u0131", "\u0130": "i"})


def words_in(text: str, language: str = "") -> list[list[str]]:
    """Return the words of a text in order, each in all the ways it may be looked for.

    "Wi-Fi" is also two words, and "2.1.3" stays one. Letters are small ones.
    """
    plain = normalized(text)
    if language == "turkish":
        plain = plain.translate(DOTTED)
    # A capital I with a dot leaves the dot behind.
    plain = plain.lower().replace("i\u0307", "i").translate(ENDS)
    return [
        [form[:LONGEST] for form in forms]
        for token in plain.split()
        for forms in _forms_of(token)
    ]


def _forms_of(token: str) -> Iterator[list[str]]:
    """Yield the words that stand between two spaces."""
    for place, run in enumerate(RUNS.split(token)):
        if place % 2:
            yield from ([pair] for pair in _pairs(run))
        elif run.isalnum():
            yield [run]
        elif forms := _forms(run.strip(JOINTS)):
            yield forms


def _forms(word: str) -> list[str]:
    """Return a word that may have joints: its parts, and all of it as one."""
    parts = [part for part in map(_begun, APART.split(word)) if part]
    forms = [form for part in parts for form in _numbers(part)]
    if len(parts) > 1 and LETTER.search(word):
        forms.append("".join(parts))
    return list(dict.fromkeys(forms))


def _numbers(part: str) -> list[str]:
    """Return a number in the ways it is written, and any other part as it is."""
    number = NUMBER.fullmatch(part)
    if not number:
        return [part]
    whole = number[1].replace(",", ".")
    return [whole, whole.replace(".", "")] if THOUSANDS.fullmatch(whole) else [whole]


def _begun(part: str) -> str:
    """Return a part from its first letter or digit; marks alone are no word."""
    for place, character in enumerate(part):
        if unicodedata.category(character)[0] != "M":
            return part[place:]
    return ""


def _pairs(run: str) -> Iterator[str]:
    """Yield every two neighbours, each a letter with the marks on it."""
    starts = [
        place
        for place, character in enumerate(run)
        if unicodedata.category(character)[0] != "M"
    ]
    ends = [*starts[2:], len(run)]
    for start, end in zip(starts, ends, strict=False):
        yield run[start:end]
