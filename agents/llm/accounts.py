"""Where a model is asked, and as whom."""

from dataclasses import dataclass, field

from django.conf import settings

from accounts.encryption import Undecryptable
from agents.llm.provider import ProviderError
from agents.models.providers import ProviderAccount


@dataclass(frozen=True)
class Account:
    """Where to ask, as whom, and for which model."""

    # What its circuit is called.
    key: str
    name: str
    kind: str
    base_url: str
    model: str
    api_key: str = field(default="", repr=False)
    silence_seconds: float = 30.0
    # The operator named the host: it may be inside the network.
    is_trusted: bool = False


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
