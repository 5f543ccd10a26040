"""Find the passages of a pack that a question is about: by its words, by its sense."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

import structlog
from django.db import connection

from agents.knowledge.embeddings import Embedder, EmbeddingError, embedder_for
from agents.knowledge.nearest import nearest
from agents.knowledge.words import alike, in_one_word, stems
from agents.models.knowledge import KnowledgePack

log = structlog.get_logger(__name__)

MAX_QUESTION = 4_000
MAX_WORDS = 32
# A word that only stands for one of the question's counts for less.
ALIKE_WEIGHT = 0.6
# How many of each kind are put in one order, and how fast a place counts for less.
CANDIDATES = 30
FUSION = 3

# Rare words decide: a word is worth the more the fewer passages have it. Between
# passages worth the same, PostgreSQL's rank does, which knows headings from text.
# The share says how much of the question's own words a passage covers, by worth.
RANKED = """
WITH asked AS (
    SELECT query::tsquery AS query, weight
    FROM unnest(%(queries)s::text[], %(weights)s::float8[]) AS given (query, weight)
), pack AS (
    SELECT count(*) AS size FROM chunks WHERE knowledge_pack_id = %(pack)s
), rated AS (
    SELECT query, weight,
           weight * ln(1 + pack.size / (1 + counted.number)::float8) AS worth
    FROM asked, pack, LATERAL (
        SELECT count(*) AS number FROM chunks
        WHERE knowledge_pack_id = %(pack)s AND search_vector @@ asked.query
    ) AS counted
)
SELECT chunks.id,
       sum(worth * (1 + ts_rank(chunks.search_vector, rated.query, 1))) AS score,
       least(1, sum(worth) / (SELECT sum(worth) FROM rated WHERE weight = 1)) AS share
FROM chunks JOIN rated ON chunks.search_vector @@ rated.query
WHERE chunks.knowledge_pack_id = %(pack)s
GROUP BY chunks.id
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
    words = words_of(pack.language, question)
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


def words_of(language: str, question: str) -> dict[str, float]:
    """Return the stems to look for, and what each weighs."""
    asked = in_one_word(language, question)
    own = set(sorted(stems(language, [asked])[0])[:MAX_WORDS])
    weights = dict.fromkeys(own, 1.0)
    for others in alike(language, own).values():
        for word in others:
            weights.setdefault(word, ALIKE_WEIGHT)
    return weights


def by_words(pack: KnowledgePack, words: dict[str, float], limit: int) -> list[ByWords]:
    """Return the chunks that share the rarest words, best first."""
    with connection.cursor() as cursor:
        cursor.execute(
            RANKED,
            {
                "pack": pack.pk,
                "queries": [_as_query(word) for word in words],
                "weights": list(words.values()),
                "limit": limit,
            },
        )
        return [ByWords(*row) for row in cursor.fetchall()]


def by_sense(
    pack: KnowledgePack, question: str, limit: int, embedder: Embedder
) -> list[tuple[UUID, float]]:
    """Return the chunks whose vectors are nearest to the question's, nearest first."""
    index = getattr(pack, "vector_index", None)
    if index is None or index.embedding_model != embedder.identity:
        return []
    try:
        (vector,) = embedder.embed([question])
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


def _as_query(word: str) -> str:
    """Quote one stem as PostgreSQL writes it in a query."""
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"
