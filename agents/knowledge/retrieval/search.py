"""Find the passages of a pack that a question is about: by its words, by its sense."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

import structlog
from django.db import connection
from django.db.backends.utils import CursorWrapper

from agents.knowledge.retrieval.embedder import Embedder, EmbeddingError
from agents.knowledge.retrieval.embeddings import embedder_for
from agents.knowledge.retrieval.lexical import (
    alike,
    former_stems,
    in_one_word,
    quoted,
    stems,
)
from agents.knowledge.retrieval.normalization import normalized
from agents.knowledge.retrieval.vector_search import nearest
from agents.models.knowledge import WORDS_VERSION, KnowledgePack

log = structlog.get_logger(__name__)

MAX_QUESTION = 4_000
MAX_WORDS = 32
# A word that only stands for one of the question's counts for less.
ALIKE_WEIGHT = 0.6
# How many of each kind are put in one order, and how fast a place counts for less.
CANDIDATES = 30
FUSION = 3

# A word that so many passages of a pack have is common: how many exactly is not
# worth counting. Small packs count to the end.
COMMON, COMMON_SHARE = 1_000, 0.02
# Passages with rare words are looked at one by one, so many in all; the rest of the
# question's words are only looked for in these.
LOOKED_AT = 3_000
RANKED_CLOSELY = 300

COUNTED = """
SELECT (SELECT count(*) FROM (
    SELECT FROM chunks
    WHERE knowledge_pack_id = %(pack)s AND search_vector @@ asked.query::tsquery
    LIMIT %(most)s
) AS found)
FROM unnest(%(queries)s::text[]) WITH ORDINALITY AS asked (query, place)
ORDER BY place
"""
# Rare words decide: a word is worth the more the fewer passages have it. Between
# passages worth the same, PostgreSQL's rank does, which knows headings from text.
# The share says how much of the question's own words a passage covers, by worth.
RANKED = """
WITH asked AS (
    SELECT query::tsquery AS query, worth
    FROM unnest(%(queries)s::text[], %(worths)s::float8[]) AS given (query, worth)
), candidates AS (
    SELECT found.id FROM unnest(%(leading)s::text[]) AS rare (query), LATERAL (
        SELECT id FROM chunks
        WHERE knowledge_pack_id = %(pack)s AND search_vector @@ rare.query::tsquery
        LIMIT %(most)s
    ) AS found
    GROUP BY found.id
), rated AS (
    SELECT chunks.id, sum(worth) AS worth
    FROM candidates JOIN chunks USING (id) JOIN asked ON search_vector @@ query
    GROUP BY chunks.id ORDER BY sum(worth) DESC, chunks.id LIMIT %(closely)s
)
SELECT chunks.id,
       sum(asked.worth * (1 + ts_rank(chunks.search_vector, query, 1))) AS score,
       least(1, rated.worth / %(whole)s) AS share
FROM rated JOIN chunks USING (id) JOIN asked ON search_vector @@ query
GROUP BY chunks.id, rated.worth
ORDER BY score DESC, chunks.id
LIMIT %(limit)s
"""
PASSAGES = """
SELECT chunks.id, documents.id, documents.title, documents.source_url,
       chunks.heading, chunks.text, chunks.position
FROM chunks JOIN documents ON documents.id = chunks.document_id
WHERE chunks.id = ANY(%s)
"""


class ByWords(NamedTuple):
    """A passage that shares words with the question."""

    chunk: UUID
    score: float
    # How much of the question it covers: 0 to 1.
    share: float


@dataclass(frozen=True)
class Found:
    """A passage's place among all, and its places by its words and by its sense."""

    chunk: UUID
    score: float
    word_rank: int | None = None
    sense_rank: int | None = None
    word_score: float = 0.0


@dataclass(frozen=True)
class Passage:
    """A piece of a document, as search found it."""

    document_id: UUID
    title: str
    url: str
    heading: str
    text: str
    position: int
    score: float
    # How well its words fit; nothing where only its sense does.
    word_score: float = 0.0
    # Its places, from 1, in the two orders that are put in one.
    word_rank: int | None = None
    sense_rank: int | None = None


def search(*, knowledge_pack_id: UUID, question: str, limit: int = 6) -> list[Passage]:
    """Return the passages nearest to the question, best first.

    Those that share its rarest words and those that mean the same, put in one order.
    """
    pack = pack_of(knowledge_pack_id)
    if pack is None:
        return []
    return read(ranked(pack, question[:MAX_QUESTION])[:limit])


def ranked(pack: KnowledgePack, question: str) -> list[Found]:
    """Return what is about the question, best first."""
    words = words_of(pack, question)
    if not words:
        return []
    embedder = embedder_for(pack.organization, pack.language)
    found = by_words(pack, words, CANDIDATES)
    near = by_sense(pack, question, CANDIDATES, embedder)
    return relevant(found, near, embedder)


def relevant(
    words: Sequence[ByWords], sense: Sequence[tuple[UUID, float]], embedder: Embedder
) -> list[Found]:
    """Put both in one order, without what neither shares a word nor is near enough."""
    far = {chunk for chunk, near in sense if near < embedder.nearest}
    return [
        each
        for each in fused(words, [chunk for chunk, _ in sense], embedder.trust)
        if each.word_rank or each.chunk not in far
    ]


def read(found: Sequence[Found]) -> list[Passage]:
    """Read the passages that were found, in their order."""
    with connection.cursor() as cursor:
        cursor.execute(PASSAGES, [[each.chunk for each in found]])
        texts = {chunk: row for chunk, *row in cursor.fetchall()}
    return [
        Passage(
            *texts[each.chunk],
            each.score,
            each.word_score,
            each.word_rank,
            each.sense_rank,
        )
        for each in found
        # Unless it was deleted or indexed anew this moment.
        if each.chunk in texts
    ]


def pack_of(knowledge_pack_id: UUID) -> KnowledgePack | None:
    """Return a pack with all a search needs to know of it."""
    packs = KnowledgePack.objects.filter(pk=knowledge_pack_id).order_by()
    return packs.select_related("organization", "vector_index").first()


def words_of(pack: KnowledgePack, question: str) -> dict[str, float]:
    """Return the stems to look for, and what each weighs."""
    asked = in_one_word(pack.language, normalized(question))
    own = set(sorted(stems(pack.language, [asked])[0])[:MAX_WORDS])
    weights = dict.fromkeys(own, 1.0)
    if own and pack.index_version < WORDS_VERSION:
        former = sorted(former_stems(pack.language, question))
        weights |= dict.fromkeys(former[:MAX_WORDS], 1.0)
    for others in alike(pack.language, own).values():
        for word in others:
            weights.setdefault(word, ALIKE_WEIGHT)
    return weights


def by_words(pack: KnowledgePack, words: dict[str, float], limit: int) -> list[ByWords]:
    """Return the chunks that share the rarest words, best first."""
    queries = [quoted(word) for word in words]
    with connection.cursor() as cursor:
        size = _size_of(pack, cursor)
        most = max(COMMON, int(size * COMMON_SHARE))
        given = {"pack": pack.pk, "queries": queries, "most": most}
        cursor.execute(COUNTED, given)
        numbers = [number for (number,) in cursor.fetchall()]
        worths = [
            weight * math.log(1 + size / (1 + number))
            for weight, number in zip(words.values(), numbers, strict=True)
        ]
        own = zip(words.values(), worths, strict=True)
        given |= {
            "worths": worths,
            "whole": sum(worth for weight, worth in own if weight == 1.0),
            "leading": _leading(queries, numbers, most),
            "closely": RANKED_CLOSELY,
            "limit": limit,
        }
        cursor.execute(RANKED, given)
        return [ByWords(*row) for row in cursor.fetchall()]


def _size_of(pack: KnowledgePack, cursor: CursorWrapper) -> int:
    """Return how many passages a pack has; of a large one as its index counted."""
    index = getattr(pack, "vector_index", None)
    if index is not None and index.vector_count > COMMON:
        return index.vector_count
    cursor.execute(
        "SELECT count(*) FROM chunks WHERE knowledge_pack_id = %s", [pack.pk]
    )
    return cursor.fetchone()[0]


def _leading(queries: list[str], numbers: list[int], most: int) -> list[str]:
    """Choose what the passages to look at must have: the rarest words, in all few.

    Where every word is common: all of them, or else the least common one.
    """
    rarest = sorted(zip(numbers, queries, strict=True))
    leading, looked_at = [], 0
    for number, query in rarest:
        looked_at += number
        if number >= most or (leading and looked_at > LOOKED_AT):
            break
        if number:
            leading.append(query)
    common = [query for number, query in rarest if number >= most]
    if not leading and common:
        leading = [" & ".join(common), common[0]]
    return leading


def by_sense(
    pack: KnowledgePack, question: str, limit: int, embedder: Embedder
) -> list[tuple[UUID, float]]:
    """Return the chunks whose vectors are nearest to the question's, nearest first."""
    index = getattr(pack, "vector_index", None)
    if index is None or index.embedding_model != embedder.identity:
        return []
    try:
        (vector,) = embedder.embed([normalized(question)])
    except EmbeddingError as error:
        log.warning("Question without a vector", pack=str(pack.pk), error=str(error))
        return []
    return nearest(index, vector, limit)


def fused(words: Sequence[ByWords], sense: Sequence[UUID], trust: float) -> list[Found]:
    """Put both in one order by their places in each (reciprocal rank fusion).

    A place by words counts for less where they cover little of the question.
    """
    by_words = {each.chunk: (place, each) for place, each in enumerate(words, 1)}
    by_sense = {chunk: place for place, chunk in enumerate(sense, 1)}
    found = []
    for chunk in by_words.keys() | by_sense.keys():
        word_rank, given = by_words.get(chunk, (None, None))
        sense_rank = by_sense.get(chunk)
        score = trust / (FUSION + sense_rank) if sense_rank else 0.0
        if given:
            score += (1 - trust) * math.sqrt(given.share) / (FUSION + word_rank)
        word_score = given.score if given else 0.0
        found.append(Found(chunk, score, word_rank, sense_rank, word_score))
    return sorted(found, key=lambda each: (-each.score, each.chunk))
