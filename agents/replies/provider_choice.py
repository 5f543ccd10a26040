"""Which provider answers for which model."""

from collections.abc import Iterable

from django.conf import settings

from agents.grounded.provider import Grounded
from agents.llm.accounts import account_of, installation
from agents.llm.openai_chat import OpenAICompatible
from agents.llm.provider import Provider
from agents.models.providers import GROUNDED, ProviderAccount
from agents.models.versions import AgentVersion


def provider_for(version: AgentVersion) -> Provider:
    """Return the provider of a version's model. Raises ProviderError.

    A model that no account offers is answered for from the documents.
    """
    model = version.config.get("model") or settings.LLM_MODEL
    if model == GROUNDED:
        return Grounded()
    row = account_offering(version.agent.organization_id, model)
    if row is not None:
        return OpenAICompatible([account_of(*one) for one in asked(row, model)])
    if settings.LLM_BASE_URL and model == settings.LLM_MODEL:
        return OpenAICompatible([installation()])
    return Grounded()


def account_offering(organization_id: int, model: str) -> ProviderAccount | None:
    """Return the organization's account to ask for a model.

    One that names the model comes before one whose models nobody knows.
    """
    mine = ProviderAccount.objects.for_organization(organization_id)
    rows = list(mine.in_use().with_fallback())
    named = [row for row in rows if model in row.offered]
    return next(iter([*named, *(row for row in rows if row.offers(model))]), None)


def asked(row: ProviderAccount, model: str) -> Iterable[tuple[ProviderAccount, str]]:
    """Yield an account and its fallback, each with the model to ask it for."""
    yield row, model
    other = row.fallback
    if other is None or not other.is_enabled:
        return
    # Another maker's models have other names.
    if substitute := model if model in other.offered else other.default_model:
        yield other, substitute
