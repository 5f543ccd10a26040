"""Vectors by a model behind any URL that speaks OpenAI's protocol."""

from agents.llm import circuit_breaker
from agents.llm.accounts import Account
from agents.llm.deadlines import Patience
from agents.llm.provider import ProviderError, do_not_mind


def vectors_by(
    account: Account, texts: list[str], *, seconds: float
) -> list[list[float]]:
    """Return one vector for each text. Raises ProviderError."""
    key = f"{account.key}:vectors"
    if not circuit_breaker.admits(key):
        raise ProviderError(f"{account.name} is left alone for a moment.")
    try:
        vectors = _asked(account, texts, seconds)
    except ProviderError as error:
        if not error.is_final:
            circuit_breaker.failed(key)
        raise
    circuit_breaker.succeeded(key)
    return vectors


def _asked(account: Account, texts: list[str], seconds: float) -> list[list[float]]:
    from agents.llm import http_client

    patience = Patience(seconds=seconds, silence=seconds, waiting=do_not_mind)
    with http_client.asking(account, patience) as client:
        answer = client.embeddings.create(
            model=account.model, input=texts, encoding_format="float"
        )
        rows = sorted(answer.data, key=lambda row: row.index)
        vectors = [[float(number) for number in row.embedding] for row in rows]
        sizes = {len(vector) for vector in vectors}
        if len(vectors) != len(texts) or len(sizes) > 1 or 0 in sizes:
            raise ValueError("Not one vector for each text.")
    return vectors
