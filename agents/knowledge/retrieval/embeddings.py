"""Who turns texts into vectors: the organization's provider, or one built in."""

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from django.conf import settings

from accounts.models.organizations import Organization
from agents.knowledge.retrieval.embedder import Embedder
from agents.knowledge.retrieval.hashed_embeddings import Hashing
from agents.models.providers import ProviderAccount


class WordLlama:
    """English word vectors that come with the package `wordllama`; no network."""

    identity = "wordllama-l2-supercat-256-2"
    dimensions = 256
    nearest = 0.22
    trust = 0.7

    def embed(self, texts: list[str]) -> list[list[float]]:
        return _wordllama().embed(texts, norm=True).tolist()


@lru_cache(maxsize=1)
def _wordllama():
    """Load the weights, once for each process that needs them."""
    import wordllama

    # The package looks for its tokenizer in another folder than it ships it in,
    # and would then ask the network; named as its cache, the right one is found.
    shipped = Path(wordllama.__file__).parent
    return wordllama.WordLlama.load(cache_dir=shipped, disable_download=True)


def embedder_for(organization: Organization, language: str = "english") -> Embedder:
    """Return the embedder of an organization for texts in a language."""
    account = ProviderAccount.objects.for_organization(organization).making_vectors()
    if row := account.first():
        # Not above: whoever asks providers has been told of passages, by a search.
        from agents.knowledge.retrieval.provider_embeddings import ByProvider

        return ByProvider(row)
    return built_in(language)


def built_in(language: str) -> Embedder:
    """Return the best embedder there is without a provider."""
    wanted = settings.EMBEDDINGS
    if wanted == "hashing" or language != "english":
        return Hashing()
    if wanted == "wordllama" or find_spec("wordllama"):
        return WordLlama()
    return Hashing()
