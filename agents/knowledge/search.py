"""Find the passages of a pack that a question is about."""

from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from agents.knowledge.words import alike, in_one_word, stems
from agents.models.knowledge import KnowledgePack

MAX_QUESTION = 4_000
MAX_WORDS = 32
# A word that only stands for one of the question's counts for less.
ALIKE_WEIGHT = 0.6

# Rare words decide: a word is worth the more the fewer passages have it. Between
# passages worth the same, PostgreSQL's rank does, which knows headings from text.
PASSAGES = """
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
), best AS (
    SELECT chunks.id,
           sum(worth * (1 + ts_rank(chunks.search_vector, rated.query, 1))) AS score
    FROM chunks JOIN rated ON chunks.search_vector @@ rated.query
    WHERE chunks.knowledge_pack_id = %(pack)s
    GROUP BY chunks.id
    ORDER BY score DESC, chunks.id
    LIMIT %(limit)s
)
SELECT documents.id, documents.title, documents.source_url,
       chunks.heading, chunks.text, chunks.position, best.score
FROM best JOIN chunks USING (id) JOIN documents ON documents.id = chunks.document_id
ORDER BY best.score DESC, chunks.id
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


def search(*, knowledge_pack_id: UUID, question: str, limit: int = 6) -> list[Passage]:
    """Return the passages that share the question's rarest words, best first."""
    language = language_of(knowledge_pack_id)
    if language is None:
        return []
    asked = in_one_word(language, question[:MAX_QUESTION])
    own = set(sorted(stems(language, [asked])[0])[:MAX_WORDS])
    if not own:
        return []
    weights = dict.fromkeys(own, 1.0)
    for others in alike(language, own).values():
        for word in others:
            weights.setdefault(word, ALIKE_WEIGHT)
    with connection.cursor() as cursor:
        cursor.execute(
            PASSAGES,
            {
                "pack": knowledge_pack_id,
                "queries": [_as_query(word) for word in weights],
                "weights": list(weights.values()),
                "limit": limit,
            },
        )
        return [Passage(*row) for row in cursor.fetchall()]


def language_of(knowledge_pack_id: UUID) -> str | None:
    """Return the language of a pack, or None when there is no such pack."""
    packs = KnowledgePack.objects.filter(pk=knowledge_pack_id).order_by()
    return packs.values_list("language", flat=True).first()


def _as_query(word: str) -> str:
    """Quote one stem as PostgreSQL writes it in a query."""
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"
