"""A hundred thousand passages in one pack, and how long a question takes there."""

import random
import statistics
import time
from collections.abc import Callable, Iterator

from django.db import connection, transaction

from accounts.models.lifecycle import WorkStatus, new_id
from accounts.models.organizations import Organization
from agents.knowledge.retrieval import search, vector_search
from agents.knowledge.retrieval.embedder import Embedder
from agents.knowledge.retrieval.embeddings import built_in
from agents.knowledge.retrieval.lexical import search_vectors
from agents.knowledge.sentences import split_sentences
from agents.models.knowledge import Document, KnowledgePack, VectorIndex
from benchmarks.retrieval.quality import CORPORA

SENTENCES = 6
# Names nobody else has, as invoices, parts and people do: words are not all common.
NAMES = 40_000
BATCH = 2_000
ROUNDS = 3


def pack_of_many(organization: Organization, size: int) -> KnowledgePack:
    """Return a pack of so many passages, mixed from the texts of all corpora."""
    pack = KnowledgePack.objects.create(organization=organization, name=f"{size:,}")
    document = Document.objects.create(
        organization=organization,
        knowledge_pack=pack,
        title="Mixed",
        content="Mixed",
        content_hash=Document.hash_of(f"{size}"),
        status=WorkStatus.DONE,
        chunk_count=size,
    )
    embedder = built_in(pack.language)
    with connection.cursor() as cursor:
        _index_afterwards(cursor, embedder.dimensions, lambda: _fill(document, size))
        cursor.execute("VACUUM ANALYZE chunks")
    VectorIndex.objects.create(
        knowledge_pack=pack,
        status=WorkStatus.DONE,
        embedding_model=embedder.identity,
        dimensions=embedder.dimensions,
        vector_count=size,
    )
    return pack


def _fill(document: Document, size: int) -> None:
    embedder, mixed = built_in("english"), passages()
    for start in range(0, size, BATCH):
        texts = [next(mixed) for _ in range(min(BATCH, size - start))]
        found_by = search_vectors("english", [[(text, "B")] for text in texts])
        rows = zip(texts, found_by, embedder.embed(texts), strict=True)
        with connection.cursor() as cursor, cursor.copy(COPY) as copy:
            for position, (text, found, vector) in enumerate(rows, start):
                copy.write_row(
                    (
                        new_id(),
                        document.pk,
                        document.knowledge_pack_id,
                        position,
                        "",
                        text,
                        found,
                        vector_search.literal(vector),
                        embedder.identity,
                    )
                )


COPY = """
COPY chunks (id, document_id, knowledge_pack_id, position, heading, text,
             search_vector, embedding, embedding_model) FROM STDIN
"""


def passages() -> Iterator[str]:
    """Yield texts of some sentences and a name, always the same ones."""
    chance = random.Random(7)  # noqa: S311
    sentences = [
        sentence
        for _, paths in CORPORA.values()
        for path in paths
        for line in path.read_text().splitlines()
        for sentence in split_sentences(line)
        if len(sentence) > 40
    ]
    while True:
        name = f"Order K{chance.randrange(NAMES)} by T{chance.randrange(NAMES)}."
        yield " ".join([*chance.sample(sentences, SENTENCES), name])


def _index_afterwards(cursor, size: int, fill: Callable[[], None]) -> None:
    """Build the index of vectors at once, as restoring a backup does."""
    cursor.execute(
        "SELECT indexdef FROM pg_indexes WHERE indexname = %s", [NAME % size]
    )
    (definition,) = cursor.fetchone()
    cursor.execute(f"DROP INDEX {NAME % size}")
    fill()
    cursor.execute("SET maintenance_work_mem = '1GB'")
    cursor.execute(definition)


NAME = "ix_chunks_nearest_%d"


def timed(pack: KnowledgePack, questions: list[str]) -> dict[str, list[float]]:
    """Return the milliseconds of every search, and of its two halves."""
    pack = search.pack_of(pack.pk)
    words = {question: search.words_of(pack, question) for question in questions}

    embedder = search.embedder_for(pack.organization, pack.language)

    def by_words(question: str) -> None:
        search.by_words(pack, words[question], search.CANDIDATES)

    halves = {
        "words": by_words,
        "vectors": lambda question: search.by_sense(
            pack, question, search.CANDIDATES, embedder
        ),
        "search, whole": lambda question: search.search(
            knowledge_pack_id=pack.pk, question=question
        ),
    }
    found: dict[str, list[float]] = {name: [] for name in halves}
    for _ in range(ROUNDS):
        for question in questions:
            for name, run in halves.items():
                started = time.perf_counter()
                run(question)
                found[name].append((time.perf_counter() - started) * 1000)
    return found


def percentile(times: list[float], percent: int) -> float:
    return statistics.quantiles(times, n=100)[percent - 1]


def agreement(pack: KnowledgePack, questions: list[str]) -> float:
    """Return how many of the truly nearest ten the index finds."""
    pack = search.pack_of(pack.pk)
    embedder: Embedder = built_in(pack.language)
    shares = []
    for question in questions:
        (vector,) = embedder.embed([question])
        given = {
            "pack": pack.pk,
            "model": embedder.identity,
            "vector": vector_search.literal(vector),
            "limit": 10,
        }
        with connection.cursor() as cursor:
            cursor.execute(vector_search.EXACT, given)
            exact = {chunk for chunk, _ in cursor.fetchall()}
        quick = vector_search.nearest(pack.vector_index, vector, 10)
        shares.append(len(exact & {chunk for chunk, _ in quick}) / len(exact))
    return statistics.mean(shares)


@transaction.atomic
def plan(pack: KnowledgePack, question: str) -> list[str]:
    """Return how PostgreSQL finds the nearest vectors."""
    index = VectorIndex.objects.get(knowledge_pack=pack)
    (vector,) = built_in(pack.language).embed([question])
    given = {
        "pack": pack.pk,
        "model": index.embedding_model,
        "vector": vector_search.literal(vector),
        "limit": search.CANDIDATES,
    }
    with connection.cursor() as cursor:
        cursor.execute(vector_search.SEARCH_ON, [str(vector_search.CANDIDATES)])
        cursor.execute(
            "EXPLAIN (ANALYZE, COSTS OFF, BUFFERS OFF) "
            + vector_search.statement_for(index.dimensions),
            given,
        )
        return [line if len(line) < 100 else f"{line[:96]} ..." for (line,) in cursor]
