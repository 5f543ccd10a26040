"""Which provider answers for which model."""

from collections.abc import Iterable

from django.conf import settings

from accounts.encryption import Undecryptable
from agents.llm.grounded import Grounded
from agents.llm.openai_compatible import Account, OpenAICompatible
from agents.llm.provider import Provider, ProviderError
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


def account_of(row: ProviderAccount, model: str) -> Account:
    """Return what it takes to ask an account for a model. Raises ProviderError."""
    try:
        api_key = row.api_key
    except Undecryptable:
        text = f"The key of {row.name} cannot be read: enter it again."
        raise ProviderError(text, is_final=True) from None
    return Account(
        key=str(row.pk),
        name=row.name,
        kind=row.kind,
        base_url=row.base_url,
        model=model,
        api_key=api_key,
        silence_seconds=row.silence_seconds,
    )


def installation() -> Account:
    """Return the account the operator set for everybody."""
    return Account(
        key="installation",
        name="The model provider",
        kind="other",
        base_url=settings.LLM_BASE_URL,
        model=settings.LLM_MODEL,
        api_key=settings.LLM_API_KEY,
        silence_seconds=settings.LLM_SILENCE_SECONDS,
        is_trusted=True,
    )
