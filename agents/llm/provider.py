"""What every model provider is to the rest of the product."""

import math
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

BYTES_PER_TOKEN = 4


def estimate_tokens(text: str) -> int:
    """Guess the tokens of a text from its length; where no provider counts them.

    By bytes: a letter of another script takes a larger part of a token.
    """
    return math.ceil(len(text.encode("utf-8", "ignore")) / BYTES_PER_TOKEN)


def within(text: str, tokens: int) -> str:
    """Cut a text so that its estimate is at most so many tokens."""
    most = max(tokens, 0) * BYTES_PER_TOKEN
    return text.encode("utf-8", "ignore")[:most].decode("utf-8", "ignore")


class Passage(Protocol):
    """A piece of a document, as far as an answer needs it."""

    document_id: UUID
    title: str
    url: str
    heading: str
    text: str


@dataclass(frozen=True)
class Said:
    """One earlier message of the conversation."""

    role: str
    content: str


def do_not_mind() -> None:
    """Wait on: nobody wants to know."""


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
    # What was said before the history, in short.
    summary: str = ""
    language: str = "english"
    model: str = ""
    temperature: float = 0.7
    max_tokens: int = 1000
    # Whether somebody reads along; else words need no pace.
    is_watched: bool = True
    # Whether the question is the material of some work of ours: then neither the
    # rules of answering nor documents belong to it.
    is_bare: bool = False
    # Origins an answer may link to, besides its documents.
    sites: tuple[str, ...] = ()
    # Called again and again while a provider waits for something; what it raises
    # ends the answer.
    waiting: Callable[[], None] = field(default=do_not_mind, compare=False)

    @property
    def tokens(self) -> int:
        """Guess what a model reads before it speaks."""
        heard = [self.instructions, self.summary, self.question]
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

    @classmethod
    def of(cls, number: int, passage: Passage) -> "Citation":
        return cls(
            number, passage.document_id, passage.title, passage.url, passage.text
        )

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
    # Who answered, where a provider has several to ask.
    source: str = ""

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.answer_tokens


class Provider(Protocol):
    """Something that answers. Each wait for its next delta is bounded."""

    name: str
    # Whether it only repeats what the documents say, their links too.
    quotes: bool

    def stream(self, turn: Turn) -> Generator[Delta | Ending]:
        """Yield the answer's text as it comes about, then its ending.

        The generator may be closed at any time, and then lets go of everything.
        """


class ProviderError(Exception):
    """The provider failed; the message holds no secret and may be stored."""

    def __init__(self, text: str, *, is_final: bool = False, tokens: int = 0) -> None:
        # Trying again would not help: a key that is refused, a model unknown.
        self.is_final = is_final
        # What the attempt has cost all the same.
        self.tokens = tokens
        super().__init__(text)
