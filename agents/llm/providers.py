"""Which provider answers for which model."""

from agents.llm.grounded import Grounded
from agents.llm.provider import Provider


def provider_for(model: str | None) -> Provider:
    """Return the provider of a model.

    Without an account at a model's maker every answer is composed from the
    documents, whatever model the agent asks for.
    """
    return Grounded()
