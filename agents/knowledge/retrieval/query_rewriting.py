"""What a question leans on: other questions in it, and the one before it."""

import re
from collections.abc import Sequence

ASKING = (
    "what|how|when|where|who|which|why|do|does|did|is|are|can|could|may|will|would|"
    "was|wie|wann|wo|wer|welche[rsn]?|warum|kann|kannst|ist|sind|gibt"
)
ANOTHER = re.compile(
    # From where white space begins, and all of it: tried once, however long it is.
    r"(?<=[?.!])\s++(?=\w)|"
    rf"(?:[,;]|(?<!\s)(?=\s))\s++(?:and|und|also)\s++(?=(?:{ASKING})\b)",
    re.IGNORECASE,
)
ASKS = re.compile(rf"\A(?:{ASKING})\b", re.IGNORECASE)
MAX_PARTS = 3

# Words by which a question shows that it goes on with an earlier one.
OPENINGS = re.compile(
    r"\A\s*(?:and|but|or|so|what about|how about|what if|und|aber|oder|was ist mit|"
    r"et|y|e|en)\b",
    re.IGNORECASE,
)
POINTERS = re.compile(
    r"\b(?:it|that|this|those|these|they|them|there|its|their|one|ones|then|"
    r"es|das|dies\w*|sie|ihn|dort|dafür|davon|damit)\b",
    re.IGNORECASE,
)
LONGEST_FOLLOW_UP = 12


def parts(question: str) -> list[str]:
    """Split a message that asks several things; at most three are told apart."""
    found = [part.strip(" ,;") for part in ANOTHER.split(question)]
    found = [part for part in found if part]
    return found if 1 < len(found) <= MAX_PARTS else [question.strip()]


def asks(part: str) -> bool:
    """Tell a question from a statement: "My cup tastes sour. What should I do?"."""
    return part.endswith("?") or bool(ASKS.match(part))


def goes_on(question: str) -> bool:
    """Say whether a question opens as the next of a row: "And to Austria?"."""
    return bool(OPENINGS.match(question))


def leans_back(question: str) -> bool:
    """Say whether a question is understood only with an earlier one."""
    if len(question.split()) > LONGEST_FOLLOW_UP:
        return False
    return goes_on(question) or bool(POINTERS.search(question))


def subject(question: str, earlier: Sequence[str]) -> str:
    """Return the earlier question that this one is about, or nothing.

    That is the last one that stood on its own.
    """
    if not earlier or not leans_back(question):
        return ""
    on_their_own = [each for each in earlier if not leans_back(each)]
    return (on_their_own or earlier)[-1]


def standalone(question: str, earlier: Sequence[str]) -> str:
    """Return the question with what it leans on, for a search."""
    return f"{question}\n{subject(question, earlier)}".strip()
