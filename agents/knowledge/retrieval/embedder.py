"""What an embedder is."""

from typing import Protocol


class Embedder(Protocol):
    """Makes vectors; two with the same identity make the same ones."""

    identity: str
    dimensions: int
    # The least similarity (cosine) at which a passage is about a question.
    nearest: float
    # How much its order counts, of 1, beside that of the words.
    trust: float

    def embed(self, texts: list[str]) -> list[list[float]]:
        """Return one vector for each text, or raise EmbeddingError."""


class EmbeddingError(Exception):
    """No vectors could be had; the message holds no secret and may be shown."""
