"""Find conversations by the words that were said in them.

The index splits texts as the configuration `simple` does, in any language and
without stems; each word of a search also finds longer words that begin with it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import or_
from uuid import UUID

from django.contrib.postgres.search import (
    SearchHeadline,
    SearchQuery,
    SearchRank,
    SearchVector,
)
from django.db.models import QuerySet

from agents.models.sessions import SEARCHED_AS, Message, MessageRole, Session

LONGEST = 200
MOST_TERMS = 8
SPOKEN = (MessageRole.USER, MessageRole.ASSISTANT)
# Characters for private use mark what was found: a text is never taken for markup.
BEGIN, END = "\ue000", "\ue001"
VECTOR = SearchVector("content", config=SEARCHED_AS)


@dataclass(frozen=True)
class Match:
    """The message of a conversation that fits a search best, and a piece of it."""

    message_id: UUID
    sequence: int
    # Pieces of text in turn: plain, found, plain, and so on.
    pieces: tuple[str, ...]

    @property
    def parts(self) -> list[dict[str, str | bool]]:
        return [
            {"text": text, "found": bool(number % 2)}
            for number, text in enumerate(self.pieces)
            if text
        ]

    def as_dict(self) -> dict:
        return {
            "message_id": self.message_id,
            "sequence": self.sequence,
            "parts": self.parts,
        }


TERM = re.compile(r'"([^"]+)"|([^\s"]+)')
LETTER = re.compile(r"\w")
MARKED = re.compile(f"[{BEGIN}{END}]")


def terms(words: str) -> list[SearchQuery]:
    """Read a search: words by their beginning, and phrases in quotation marks."""
    found = TERM.findall(words.replace("\x00", "")[:LONGEST])
    return [
        SearchQuery(phrase, config=SEARCHED_AS, search_type="phrase")
        if phrase
        else _beginning(word)
        for phrase, word in found[:MOST_TERMS]
        if LETTER.search(phrase or word)
    ]


def _beginning(word: str) -> SearchQuery:
    quoted = word.replace("\\", "\\\\").replace("'", "''")
    return SearchQuery(f"'{quoted}':*", config=SEARCHED_AS, search_type="raw")


def saying(sessions: QuerySet[Session], words: str) -> QuerySet[Session]:
    """Keep the conversations in which every word was said, by whomever."""
    asked = terms(words)
    if not asked:
        return sessions.none()
    for term in asked:
        said = Message.objects.alias(vector=VECTOR).filter(vector=term, role__in=SPOKEN)
        sessions = sessions.filter(pk__in=said.values("session_id"))
    return sessions


def matches(session_ids: Iterable[UUID], words: str) -> dict[UUID, Match]:
    """Show, in two queries, what fits a search best in each of some conversations."""
    asked = terms(words)
    ids = list(session_ids)
    if not asked or not ids:
        return {}
    any_of = reduce(or_, asked)
    best = (
        Message.objects.filter(session_id__in=ids, role__in=SPOKEN)
        .annotate(vector=VECTOR)
        .filter(vector=any_of)
        .order_by("session_id", SearchRank(VECTOR, any_of).desc(), "sequence")
        .distinct("session_id")
        .values_list("pk", flat=True)
    )
    headline = SearchHeadline(
        "content",
        any_of,
        config=SEARCHED_AS,
        start_sel=BEGIN,
        stop_sel=END,
        max_words=30,
        min_words=12,
    )
    # Of the chosen ones only: cutting a piece out costs more than finding it.
    rows = (
        Message.objects.filter(pk__in=list(best))
        .annotate(headline=headline)
        .values_list("session_id", "pk", "sequence", "headline")
    )
    return {
        session_id: Match(pk, sequence, tuple(MARKED.split(text)))
        for session_id, pk, sequence, text in rows
    }
