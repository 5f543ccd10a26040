"""The chat's frame: a page of ours that only an agent's own sites may frame."""

import hashlib
import json
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.templatetags.static import static
from django.urls import reverse

from agents.models.agents import Agent
from widget.boot import Visit, widget_config

WORDS = Path(__file__).parent / "words"
DEFAULT_LOCALE = "en"
MODULES = (
    "composer",
    "faults",
    "hearing",
    "host",
    "outbox",
    "person",
    "protocol",
    "questions",
    "sound",
    "stream",
    "unsent",
    "view",
    "nodes",
    "actions",
    "markdown",
)
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors {sites}; require-trusted-types-for 'script'"
)


@lru_cache(maxsize=1)
def locales() -> dict[str, dict[str, str]]:
    """Return the panel's words in every language we have."""
    return {
        file.stem: json.loads(file.read_text(encoding="utf-8"))
        for file in sorted(WORDS.glob("*.json"))
    }


def words_for(locale: str) -> dict[str, str]:
    """Return the words for a locale such as `de-AT`, else the English ones."""
    language = locale.replace("_", "-").split("-")[0].lower()
    return locales().get(language) or locales()[DEFAULT_LOCALE]


def address(visit: Visit, locale: str) -> str:
    """Return the frame's URL for a page."""
    path = reverse("widget:frame", args=[visit.agent.public_id])
    query = urlencode({"origin": visit.origin, "locale": locale})
    return f"{settings.PUBLIC_BASE_URL}{path}?{query}"


def context(visit: Visit, locale: str) -> dict[str, Any]:
    """Return what the template shows; nothing of it is secret."""
    agent, words = visit.agent, words_for(locale)
    config = widget_config(agent)
    return {
        "agent": agent.public_id,
        "api": reverse("widget:boot").removesuffix("boot"),
        "agent_name": agent.name,
        "title": words["chat"].replace("{name}", agent.name),
        "words": words,
        "origin": visit.origin,
        "theme": config.get("theme") or "modern",
        "branding": config.get("branding") is not False,
        "custom_css_url": custom_css_url(agent),
        "modules": [static(f"widget/{name}.js") for name in MODULES],
    }


def policy(visit: Visit) -> str:
    """Return the frame's content security policy."""
    return POLICY.format(sites=" ".join(visit.agent.allowed_origins))


def custom_css(agent: Agent) -> str:
    """Return the owner's style sheet in the layer that may not undo what we need.

    It was parsed and found harmless when it was stored.
    """
    css = widget_config(agent).get("custom_css") or ""
    return f"@layer custom {{\n{css}\n}}\n" if css else ""


def custom_css_url(agent: Agent) -> str:
    """Return the style sheet's address, which changes with its content."""
    css = custom_css(agent)
    if not css:
        return ""
    return reverse("widget:custom-css", args=[agent.public_id, fingerprint(css)])


def fingerprint(css: str) -> str:
    return hashlib.sha256(css.encode()).hexdigest()[:16]
