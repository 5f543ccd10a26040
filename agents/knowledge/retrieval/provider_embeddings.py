"""Vectors made by an account of the organization's, at a model's maker."""

from urllib.parse import urlsplit

from agents.knowledge.retrieval.embedder import EmbeddingError
from agents.llm.accounts import account_of
from agents.llm.embeddings import vectors_by
from agents.llm.provider import ProviderError
from agents.models.providers import ProviderAccount

# Somebody waits for the answer to one question, nobody for a batch of passages.
QUESTION_SECONDS, BATCH_SECONDS = 5, 60
LONGEST_IDENTITY = 200


class ByProvider:
    """An embedder: the account's embedding model, as its last test found it."""

    nearest = 0.25
    trust = 0.6

    def __init__(self, row: ProviderAccount) -> None:
        self.row = row
        place = urlsplit(row.base_url).netloc
        self.identity = f"{row.embedding_model}@{place}"[:LONGEST_IDENTITY]
        self.dimensions = row.embedding_dimensions

    def embed(self, texts: list[str]) -> list[list[float]]:
        seconds = QUESTION_SECONDS if len(texts) == 1 else BATCH_SECONDS
        try:
            account = account_of(self.row, self.row.embedding_model)
            vectors = vectors_by(account, texts, seconds=seconds)
        except ProviderError as error:
            raise EmbeddingError(str(error)) from None
        if any(len(vector) != self.dimensions for vector in vectors):
            raise EmbeddingError(
                f"The vectors of {self.row.name} have another size than at its test: "
                "test it again."
            )
        return vectors
