"""What counts as a word: letters and digits, whatever their typographic form."""

import re
import unicodedata
from collections import Counter

WORD = re.compile(r"\w+")


def words_in(text: str) -> Counter[str]:
    return Counter(WORD.findall(unicodedata.normalize("NFKC", text).casefold()))
