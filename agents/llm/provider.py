"""What every model provider is to the rest of the product."""

import math
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from agents.knowledge.search import Passage

CHARACTERS_PER_TOKEN = 4


def estimate_tokens(text: str) -> int:
    """Guess the tokens of a text from its length; where no provider counts them."""
    return math.ceil(len(text) / CHARACTERS_PER_TOKEN)


@dataclass(frozen=True)
class Said:
    """One earlier message of the conversation."""

    role: str
    content: str


@dataclass(frozen=True)
class Turn:
    """Everything a provider gets to see for one answer."""

    question: str
    agent_name: str
    instructions: str = ""
    passages: tuple[Passage, ...] = ()
    # Titles of documents, to tell what may be asked.
    topics: tuple[str, ...] = ()
    history: tuple[Said, ...] = ()
    language: str = "english"
    model: str = ""
    temperature: float = 0.7
    max_tokens: int = 1000
    # Whether somebody reads along; else words need no pace.
    is_watched: bool = True

    @property
    def tokens(self) -> int:
        """Guess what a model reads before it speaks."""
        heard = [self.instructions, self.question]
        heard += [said.content for said in self.history]
        heard += [passage.text for passage in self.passages]
        return sum(map(estimate_tokens, heard))


@dataclass(frozen=True)
class Citation:
    """Where a numbered statement of an answer comes from."""

    number: int
    document_id: UUID
    title: str
    url: str
    passage: str

    def as_dict(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "document_id": str(self.document_id),
            "title": self.title,
            "url": self.url,
            "passage": self.passage,
        }


@dataclass(frozen=True)
class Delta:
    """The next few characters of the answer."""

    text: str


@dataclass(frozen=True)
class Ending:
    """What is known once the answer is complete."""

    citations: list[Citation] = field(default_factory=list)
    prompt_tokens: int = 0
    answer_tokens: int = 0

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.answer_tokens


class Provider(Protocol):
    """Something that answers. Each wait for its next delta is bounded."""

    name: str

    def stream(self, turn: Turn) -> Generator[Delta | Ending]:
        """Yield the answer's text as it comes about, then its ending.

        The generator may be closed at any time, and then lets go of everything.
        """


class ProviderError(Exception):
    """The provider failed; the message holds no secret and may be stored."""
