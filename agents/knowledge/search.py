"""Find the passages of a pack that a question is about: by its words, by its sense."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog
from django.db import connection

from agents.knowledge.embeddings import EmbeddingError, embedder_for
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
FUSION = 10

# Rare words decide: a word is worth the more the fewer passages have it. Between
# passages worth the same, PostgreSQL's rank does, which knows headings from text.
RANKED = """
WITH asked AS (
    SELECT query::tsquery AS query, weight
    FROM unnest(%(queries)s::text[], %(weights)s::float8[]) AS given (query, weight)
), pack AS (
    SELECT count(*) AS size FROM chunks WHERE knowledge_pack_id = %(pack)s
), rated AS (
    SELECT query, weight * ln(1 + pack.size / (1 + counted.number)::float8) AS worth
    FROM asked, pack, LATERAL (
        SELECT count(*) AS number FROM chunks
        WHERE knowledge_pack_id = %(pack)s AND search_vector @@ asked.query
    ) AS counted
)
SELECT chunks.id,
       sum(worth * (1 + ts_rank(chunks.search_vector, rated.query, 1))) AS score
FROM chunks JOIN rated ON chunks.search_vector @@ rated.query
WHERE chunks.knowledge_pack_id = %(pack)s
GROUP BY chunks.id
ORDER BY score DESC, chunks.id
LIMIT %(limit)s
"""
PASSAGES = """
SELECT documents.id, documents.title, documents.source_url,
       chunks.heading, chunks.text, chunks.position, best.score, best.word_score
FROM unnest(%s::uuid[], %s::float8[], %s::float8[])
    WITH ORDINALITY AS best (id, score, word_score, place)
JOIN chunks USING (id) JOIN documents ON documents.id = chunks.document_id
ORDER BY best.place
"""


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


def search(*, knowledge_pack_id: UUID, question: str, limit: int = 6) -> list[Passage]:
    """Return the passages nearest to the question, best first.

    Those that share its rarest words and those that mean the same, put in one order.
    """
    pack = pack_of(knowledge_pack_id)
    if pack is None:
        return []
    question = question[:MAX_QUESTION]
    words = words_of(pack.language, question)
    if not words:
        return []
    trust = embedder_for(pack.organization, pack.language).trust
    found = by_words(pack, words, CANDIDATES)
    best = fused(found, by_sense(pack, question, CANDIDATES), trust)[:limit]
    word_scores = dict(found)
    with connection.cursor() as cursor:
        ids, scores = [chunk for chunk, _ in best], [score for _, score in best]
        mine = [word_scores.get(chunk, 0.0) for chunk in ids]
        cursor.execute(PASSAGES, [ids, scores, mine])
        return [Passage(*row) for row in cursor.fetchall()]


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


def by_words(
    pack: KnowledgePack, words: dict[str, float], limit: int
) -> list[tuple[UUID, float]]:
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
        return cursor.fetchall()


def by_sense(
    pack: KnowledgePack, question: str, limit: int
) -> list[tuple[UUID, float]]:
    """Return the chunks whose vectors are nearest, if those are like the question's."""
    index = getattr(pack, "vector_index", None)
    embedder = embedder_for(pack.organization, pack.language)
    if index is None or index.embedding_model != embedder.identity:
        return []
    try:
        (vector,) = embedder.embed([question])
    except EmbeddingError as error:
        log.warning("Question without a vector", pack=str(pack.pk), error=str(error))
        return []
    found = nearest(index, vector, limit)
    return [(chunk, near) for chunk, near in found if near >= embedder.nearest]


def fused(
    words: Sequence[tuple[UUID, float]],
    sense: Sequence[tuple[UUID, float]],
    trust: float,
) -> list[tuple[UUID, float]]:
    """Put both in one order by their places in each (reciprocal rank fusion)."""
    scores: dict[UUID, float] = {}
    for ranking, weight in ((words, 1 - trust), (sense, trust)):
        for place, (chunk, _) in enumerate(ranking, start=1):
            scores[chunk] = scores.get(chunk, 0.0) + weight / (FUSION + place)
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))


def _as_query(word: str) -> str:
    """Quote one stem as PostgreSQL writes it in a query."""
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"
