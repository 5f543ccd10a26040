"""Packs as they were before their passages were made in today's way."""

from django.db import connection

from agents.models import Chunk, Document, KnowledgePack
from agents.tests.factories import filled_pack

# As PostgreSQL's own parser told words apart.
FORMERLY = """
UPDATE chunks SET search_vector =
setweight(to_tsvector(%s::regconfig, heading || ' ' || text), 'B')
WHERE knowledge_pack_id = %s
"""


def former_pack(*texts: str, **fields) -> KnowledgePack:
    """Return a pack that an earlier release has indexed."""
    pack = filled_pack(*texts, **fields)
    with connection.cursor() as cursor:
        cursor.execute(FORMERLY, [pack.language, pack.pk])
    Document.objects.filter(knowledge_pack=pack).update(index_version=0)
    KnowledgePack.objects.filter(pk=pack.pk).update(index_version=0)
    pack.refresh_from_db()
    return pack


def words_of_all(pack: KnowledgePack) -> list[str]:
    chunks = Chunk.objects.filter(knowledge_pack=pack).order_by("text")
    return list(chunks.values_list("search_vector", flat=True))
