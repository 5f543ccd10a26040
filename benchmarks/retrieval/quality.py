"""Ask paraphrased questions and count where the passage that answers stands."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from accounts.models.organizations import Organization
from agents.demo import harbor
from agents.knowledge.embedding_jobs import embed_pack, want_vectors
from agents.knowledge.indexing import index_document
from agents.knowledge.retrieval import search
from agents.models.knowledge import Chunk, Document, KnowledgePack
from benchmarks.retrieval.questions import CONSTITUTION, SHOP

TEXTS = Path(__file__).parent / "texts"
# Weights and thresholds were chosen by the even questions alone.
PARTS = {"tuned on": 0, "held out": 1}
KINDS = ("full-text", "vectors", "hybrid")
CORPORA = {
    "Harbor Coffee (the demo)": (SHOP, sorted(harbor.TEXTS.glob("*/*.md"))),
    "Constitution of the United States": (CONSTITUTION, [TEXTS / "constitution.md"]),
}
DEPTH = 10


@dataclass
class Score:
    """Places of the right passage among those found; none where it was missed."""

    places: list[int | None] = field(default_factory=list)

    @property
    def recall(self) -> float:
        return sum(place is not None and place <= 5 for place in self.places) / len(
            self.places
        )

    @property
    def mrr(self) -> float:
        return sum(1 / place for place in self.places if place) / len(self.places)


def corpus(organization: Organization, name: str) -> KnowledgePack:
    """Return an indexed pack of a corpus' texts."""
    pack = KnowledgePack.objects.create(organization=organization, name=name)
    for path in CORPORA[name][1]:
        text = path.read_text()
        document = Document.objects.create(
            organization=organization,
            knowledge_pack=pack,
            title=text.splitlines()[0].lstrip("# "),
            content=text,
            content_hash=Document.hash_of(text),
        )
        index_document(str(document.pk))
    return pack


def measured(
    pack: KnowledgePack, *, with_far: bool = False
) -> Iterator[tuple[str, str, Score]]:
    """Yield for each part of the questions and each kind of search its score."""
    want_vectors(pack.pk)
    embed_pack(str(pack.pk))
    pack = search.pack_of(pack.pk)
    questions = CORPORA[pack.name][0]
    chunks = dict(Chunk.objects.filter(knowledge_pack=pack).values_list("pk", "text"))
    for part, first in PARTS.items():
        scores = {kind: Score() for kind in KINDS}
        for question, words in questions[first::2]:
            right = {chunk for chunk, text in chunks.items() if words in text}
            if not right:
                raise LookupError(f"No passage says {words!r}.")
            for kind, found in found_by_each(pack, question, with_far=with_far).items():
                scores[kind].places.append(place_of(right, found))
        for kind, score in scores.items():
            yield part, kind, score


def found_by_each(
    pack: KnowledgePack, question: str, *, with_far: bool
) -> dict[str, list[UUID]]:
    """Return what each kind of search finds, best first.

    `with_far`: also what shares no word with the question and is not near it.
    """
    embedder = search.embedder_for(pack.organization, pack.language)
    weights = search.words_of(pack, question)
    words = search.by_words(pack, weights, search.CANDIDATES) if weights else []
    sense = search.by_sense(pack, question, search.CANDIDATES, embedder)
    senses = [chunk for chunk, _ in sense]
    if with_far:
        both = search.fused(words, senses, embedder.trust)
    else:
        both = search.relevant(words, sense, embedder)
        senses = [chunk for chunk, near in sense if near >= embedder.nearest]
    return {
        "full-text": [each.chunk for each in words],
        "vectors": senses,
        "hybrid": [each.chunk for each in both],
    }


def place_of(right: set[UUID], found: list[UUID]) -> int | None:
    places = (place for place, chunk in enumerate(found[:DEPTH], 1) if chunk in right)
    return next(places, None)
