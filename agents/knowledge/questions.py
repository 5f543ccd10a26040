"""What a question leans on: other questions in it, and the one before it."""

import re

ASKING = (
    "what|how|when|where|who|which|why|do|does|did|is|are|can|could|may|will|would|"
    "was|wie|wann|wo|wer|welche[rsn]?|warum|kann|kannst|ist|sind|gibt"
)
ANOTHER = re.compile(
    rf"(?<=\?)\s+|[,;]?\s+(?:and|und|also)\s+(?=(?:{ASKING})\b)", re.IGNORECASE
)
MAX_PARTS = 3

# Words by which a question shows that it goes on with an earlier one.
OPENINGS = re.compile(
    r"\s*(?:and|but|or|so|what about|how about|what if|und|aber|oder|was ist mit|"
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


def leans_back(question: str) -> bool:
    """Say whether a question is understood only with the one before it."""
    words = question.split()
    if len(words) > LONGEST_FOLLOW_UP:
        return False
    return bool(
        OPENINGS.match(question) or POINTERS.search(question) or len(words) <= 2
    )


def standalone(question: str, earlier: list[str]) -> str:
    """Return the question with what it leans on, for a search."""
    if earlier and leans_back(question):
        return f"{question}\n{earlier[-1]}"
    return question
