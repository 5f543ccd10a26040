"""Find the vectors of a pack that are nearest to one, exactly or by an index."""

from uuid import UUID

from django.db import connection, transaction

from agents.models.knowledge import VectorIndex

# Sizes an approximate index exists for; others are compared one by one.
INDEXED = frozenset({256, 384, 512, 768, 1024, 1536, 3072})
# So many are compared exactly faster than an index of everybody's vectors finds
# those of one pack.
FEW = 2_000
CANDIDATES = 100

EXACT = """
SELECT id, 1 - (embedding <=> %(vector)s::vector) AS near FROM chunks
WHERE knowledge_pack_id = %(pack)s AND embedding_model = %(model)s
ORDER BY near DESC, id LIMIT %(limit)s
"""
# Halves are near enough to choose by; what is chosen is compared exactly.
APPROXIMATE = """
WITH found AS MATERIALIZED (
    SELECT id, embedding FROM chunks
    WHERE vector_dims(embedding) = {size} AND knowledge_pack_id = %(pack)s
    AND embedding_model = %(model)s
    ORDER BY embedding::halfvec({size}) <=> %(vector)s::halfvec({size})
    LIMIT %(limit)s
)
SELECT id, 1 - (embedding <=> %(vector)s::vector) AS near FROM found
ORDER BY near DESC, id
"""
# Goes on through the index until as many of the pack's own are found.
SEARCH_ON = """
SELECT set_config('hnsw.iterative_scan', 'relaxed_order', true),
       set_config('hnsw.ef_search', %s, true)
"""


def nearest(
    index: VectorIndex, vector: list[float], limit: int
) -> list[tuple[UUID, float]]:
    """Return a pack's chunks nearest to a vector with their cosine, nearest first."""
    if len(vector) != index.dimensions:
        return []
    given = {
        "pack": index.pk,
        "model": index.embedding_model,
        "vector": literal(vector),
        "limit": limit,
    }
    if index.vector_count <= FEW or index.dimensions not in INDEXED:
        with connection.cursor() as cursor:
            cursor.execute(EXACT, given)
            return cursor.fetchall()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(SEARCH_ON, [str(CANDIDATES)])
        cursor.execute(statement_for(index.dimensions), given)
        return cursor.fetchall()


def statement_for(size: int) -> str:
    return APPROXIMATE.format(size=size)


def literal(vector: list[float]) -> str:
    """Write a vector as PostgreSQL reads it."""
    return "[" + ",".join(map(repr, vector)) + "]"
