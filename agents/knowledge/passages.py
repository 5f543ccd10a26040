"""Store a document's passages with the words that find them."""

from collections.abc import Mapping

from agents.knowledge.chunks import Piece
from agents.knowledge.retrieval.lexical import search_vectors
from agents.knowledge.retrieval.normalization import visible
from agents.models.knowledge import Chunk, Document

# What made a passage's vector, and the vector.
Vector = tuple[str, object]


def replace_passages(
    document: Document,
    pieces: list[Piece],
    vectors: Mapping[Piece, Vector] | None = None,
) -> None:
    """Replace a document's passages; those in `vectors` have theirs at once."""
    pieces = [seen(piece) for piece in pieces]
    found_by = search_vectors(
        document.knowledge_pack.language,
        [
            ((document.title, "A"), (piece.heading, "A"), (piece.text, "B"))
            for piece in pieces
        ],
    )
    chunks = [
        Chunk(
            document=document,
            knowledge_pack_id=document.knowledge_pack_id,
            position=position,
            heading=piece.heading,
            text=piece.text,
            search_vector=found,
        )
        for position, (piece, found) in enumerate(zip(pieces, found_by, strict=True))
    ]
    for chunk, piece in zip(chunks, pieces, strict=True):
        if vectors and piece in vectors:
            chunk.embedding_model, chunk.embedding = vectors[piece]
    Chunk.objects.filter(document=document).delete()
    Chunk.objects.bulk_create(chunks, batch_size=500)


def vectors_of(document: Document) -> dict[Piece, Vector]:
    """Return the vectors of a document's passages by what they say."""
    chunks = Chunk.objects.filter(document=document).exclude(embedding=None)
    return {
        seen(Piece(heading, text)): (model, vector)
        for heading, text, model, vector in chunks.order_by().values_list(
            "heading", "text", "embedding_model", "embedding"
        )
    }


def seen(piece: Piece) -> Piece:
    return Piece(visible(piece.heading), visible(piece.text))
