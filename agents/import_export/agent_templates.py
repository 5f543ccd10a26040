"""Agents that are ready to use: what each one is, and the file it is made from."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from agents.configuration.personas import get_persona
from agents.import_export.file_format import FORMAT, VERSION
from agents.models.agents import Industry, Template

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Ready:
    """One ready agent, for any industry."""

    key: str
    name: str
    summary: str
    icon: str
    persona: str
    prompt: str
    welcome: str
    suggestions: tuple[str, ...]
    tests: tuple[dict[str, Any], ...]
    text_title: str
    text: str

    @property
    def kind(self) -> str:
        """Return the template's name in sentence case."""
        first, *rest = str(Template(self.key).label).split()
        return " ".join([first, *(word.lower() for word in rest)])

    @property
    def persona_name(self) -> str:
        return get_persona(self.persona)["name"]

    def prompt_for(self, industry: str) -> str:
        """Return the prompt with what the industry asks for."""
        rules = industry_rules()[industry]
        return "\n".join([self.prompt, *rules])


@cache
def ready_agents() -> dict[str, Ready]:
    """Return the ready agents by the template they are of."""
    told = tomllib.loads((HERE / "templates.toml").read_text(encoding="utf-8"))
    return {key: _ready(key, values) for key, values in told.items()}


@cache
def industry_rules() -> dict[str, tuple[str, ...]]:
    """Return what an agent minds in each industry."""
    told = tomllib.loads((HERE / "industries.toml").read_text(encoding="utf-8"))
    return {str(each): tuple(told[each]["rules"]) for each in Industry.values}


def file_of(
    ready: Ready, industry: str = Industry.GENERAL, *, knowledge: bool = True
) -> dict[str, Any]:
    """Return a ready agent as the file that an import takes."""
    document = {"title": ready.text_title, "content": ready.text}
    return {
        "format": FORMAT,
        "version": VERSION,
        "agent": {
            "name": ready.name,
            "description": ready.summary,
            "template": ready.key,
            "industry": str(industry),
            "system_prompt": ready.prompt_for(industry),
            "persona": ready.persona,
            "widget_config": {
                "welcome_message": ready.welcome,
                "suggestions": list(ready.suggestions),
            },
        },
        # A test about the text makes no sense without it.
        "tests": [dict(test) for test in ready.tests] if knowledge else [],
        "knowledge": {
            "name": f"{ready.name}: sample",
            "description": "Made up, to try the agent with. Put your own texts here.",
            "documents": [document],
        }
        if knowledge
        else None,
    }


def _ready(key: str, values: dict[str, Any]) -> Ready:
    text = (HERE / "texts" / values["text"]).read_text(encoding="utf-8")
    title, _, content = text.partition("\n")
    return Ready(
        key=key,
        name=values["name"],
        summary=values["summary"],
        icon=values["icon"],
        persona=values["persona"],
        prompt=values["prompt"].strip(),
        welcome=values["welcome"],
        suggestions=tuple(values["suggestions"]),
        tests=tuple(values["tests"]),
        text_title=title.removeprefix("# ").strip(),
        text=content.strip(),
    )
