"""The models an organization's agents can be made with, and the one they start with."""

import re
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from accounts.errors import Invalid
from accounts.models.organizations import Organization
from agents.models.providers import GROUNDED, ProviderAccount

# Models that answer nobody: a choice of them would only fail later.
NOT_FOR_TALK = re.compile(
    r"embed|whisper|tts|dall-e|moderation|transcribe|image|imagen|veo|sora|"
    r"realtime|audio|rerank|babbage|davinci|aqa",
    re.IGNORECASE,
)
GROUNDED_WORDS = "No model: answers composed from the documents"


@dataclass(frozen=True)
class Choice:
    """A model, who offers it, and whether new agents start with it."""

    model: str
    offered_by: str
    is_default: bool = False


def choices_for(organization: Organization) -> list[Choice]:
    """Return what an agent's model may be, in the order of a list to choose from."""
    usual = usual_model(organization)
    found = {GROUNDED: ""}
    if settings.LLM_BASE_URL:
        found[settings.LLM_MODEL] = "This installation"
    for row in ProviderAccount.objects.for_organization(organization).in_use():
        for model in row.offered:
            if model == row.default_model or not NOT_FOR_TALK.search(model):
                found.setdefault(model, row.name)
    return [Choice(model, by, model == usual) for model, by in found.items()]


def usual_model(organization: Organization) -> str:
    """Return the model of agents that are made without naming one."""
    mine = ProviderAccount.objects.for_organization(organization)
    default = mine.filter(is_default=True).values_list("default_model", flat=True)
    return default.first() or settings.LLM_MODEL


def is_offered(organization_id: int, model: str) -> bool:
    """Say whether somebody answers with this model, rather than the documents."""
    if model == GROUNDED or (settings.LLM_BASE_URL and model == settings.LLM_MODEL):
        return True
    rows = ProviderAccount.objects.for_organization(organization_id).in_use()
    return any(row.offers(model) for row in rows)


def check_model(organization: Organization, config: dict[str, Any]) -> None:
    """Refuse a model that none of the organization's accounts offers.

    Without any account every name is taken: nobody can say that it is wrong.
    """
    model = config.get("model")
    if model in (None, GROUNDED, settings.LLM_MODEL):
        return
    rows = list(ProviderAccount.objects.for_organization(organization).in_use())
    if rows and not any(row.offers(model) for row in rows):
        raise Invalid(
            f"None of your accounts offers {model[:100]}.", pointer="/config/model"
        )
