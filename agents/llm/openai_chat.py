"""Answers by a model behind any URL that speaks OpenAI's protocol."""

import random
from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any

import structlog
from django.conf import settings

from agents.llm import circuit_breaker
from agents.llm import prompt as dialogue
from agents.llm.accounts import Account
from agents.llm.citations import Marks
from agents.llm.deadlines import Patience
from agents.llm.provider import Delta, Ending, ProviderError, Turn, estimate_tokens

log = structlog.get_logger(__name__)

TRIES = 3
# The first pause between two tries; each next one is twice as long, give or take.
PAUSE_SECONDS = 0.5
# Who asks for a longer pause is not asked again for this answer.
LONGEST_PAUSE = 8.0
# How long the figures may follow the last word.
AFTERTHOUGHT_SECONDS = 5.0
# No answer of ours takes more; what a provider counts beyond is not believed.
MOST_TOKENS = 10_000_000
# Parameters that some models refuse, and what is sent instead.
GIVES_WAY: dict[str, str | None] = {
    "max_tokens": "max_completion_tokens",
    "max_completion_tokens": "max_tokens",
    "temperature": None,
    "stream_options": None,
}


class OpenAICompatible:
    """One account after another, until one answers."""

    name = "openai_compatible"
    quotes = False

    def __init__(
        self, accounts: Sequence[Account], seconds: float | None = None
    ) -> None:
        self.accounts = accounts
        self.seconds = seconds or settings.REPLY_DEADLINE_SECONDS

    def stream(self, turn: Turn) -> Generator[Delta | Ending]:
        patience = Patience(seconds=self.seconds, silence=0, waiting=turn.waiting)
        tokens, failures = 0, []
        for account in self.accounts:
            attempt = Attempt(account, turn, patience)
            try:
                for part in attempt.parts():
                    if isinstance(part, Ending):
                        # What the failed ones have cost was spent all the same.
                        part = replace(part, prompt_tokens=part.prompt_tokens + tokens)
                    yield part
                return
            except ProviderError as error:
                failures.append(error)
                tokens += error.tokens
                if attempt.has_spoken or patience.is_over:
                    break
        raise ProviderError(
            " ".join(str(error) for error in failures),
            is_final=all(error.is_final for error in failures),
            tokens=tokens,
        )


class Attempt:
    """One account, asked for one answer, as often as it makes sense."""

    def __init__(self, account: Account, turn: Turn, patience: Patience) -> None:
        self.account = account
        self.turn = turn
        self.patience = patience
        self.body = body_of(account, turn)
        self.has_spoken = False
        # What the tries so far have cost, by our own estimate.
        self.spent = 0

    def parts(self) -> Generator[Delta | Ending]:
        """Yield the answer; only before its first word is anything repeated."""
        try:
            yield from self._tried()
        except Exception as error:
            # Also who ended the wait is told what it has cost until then.
            error.tokens = self.spent
            raise

    def _tried(self) -> Generator[Delta | Ending]:
        tries, adapted = 0, set()
        while True:
            if not circuit_breaker.admits(self.account.key):
                raise ProviderError(
                    f"{self.account.name} is left alone for a moment, "
                    "since it failed several times."
                )
            try:
                yield from self._once()
            except ProviderError as error:
                if gone := self._give_way(error, adapted):
                    adapted.add(gone)
                    continue
                tries += 1
                self._note(error, tries)
                if self.has_spoken or error.is_final or tries == TRIES:
                    raise
                self._pause(error, tries)
            else:
                return

    def _give_way(self, error: ProviderError, adapted: set[str]) -> str:
        """Take out a parameter the model refuses; return its name, or nothing."""
        if self.has_spoken or getattr(error, "status", 0) not in (400, 422):
            return ""
        for name, other in GIVES_WAY.items():
            if name not in self.body or name in adapted or name not in error.named:
                continue
            value = self.body.pop(name)
            if other and other not in adapted:
                self.body[other] = value
            return name
        return ""

    def _note(self, error: ProviderError, tries: int) -> None:
        log.warning(
            "Provider failed", account=self.account.key, tries=tries, error=str(error)
        )
        # A refused key or request says nothing about how the provider is.
        if not error.is_final:
            circuit_breaker.failed(self.account.key)

    def _pause(self, error: ProviderError, tries: int) -> None:
        pause = PAUSE_SECONDS * 2 ** (tries - 1) * random.uniform(0.5, 1.5)  # noqa: S311
        asked = getattr(error, "wait", None)
        if asked is not None and asked > LONGEST_PAUSE:
            raise error
        self.patience.pause(max(pause, asked or 0))

    def _once(self) -> Generator[Delta | Ending]:
        from agents.llm import http_client

        self.patience.silence = self.account.silence_seconds
        speech = Speech(self.turn)
        try:
            with (
                http_client.asking(self.account, self.patience) as client,
                client.chat.completions.create(**self.body) as chunks,
            ):
                speech.has_begun = True
                for text in speech.heard(chunks, self.patience):
                    self.has_spoken = True
                    yield Delta(text)
            if problem := speech.problem:
                raise ProviderError(
                    f"{self.account.name} {problem}", is_final=speech.is_declined
                )
        except Exception:
            self.spent += speech.estimate(self.body) if speech.has_begun else 0
            raise
        # Before the last part: whoever has it does not come back for more.
        circuit_breaker.succeeded(self.account.key)
        yield speech.ending(self.body, self.account.kind, self.spent)


class Speech:
    """What comes out of one stream of chunks."""

    def __init__(self, turn: Turn) -> None:
        self.turn = turn
        self.marks = Marks(turn.passages)
        self.has_begun = False
        self.tokens = self.chunks = 0
        self.finish = ""
        self.usage: tuple[int, int] | None = None

    def heard(self, chunks: Any, patience: Patience) -> Generator[str]:
        """Yield the text of the chunks, its marks put right, until it is enough."""
        try:
            for chunk in chunks:
                patience.check()
                self.usage = usage_of(chunk) or self.usage
                for text in self._texts(chunk):
                    self.chunks += 1
                    self.tokens += estimate_tokens(text)
                    if said := self.marks.feed(text):
                        yield said
                if self.is_too_long:
                    self.finish = "length"
                    break
                if self.finish:
                    # Only figures follow, if anything does.
                    patience.silence = min(patience.silence, AFTERTHOUGHT_SECONDS)
        except Exception:
            # The answer was complete: what broke off were its figures.
            if not self.finish or patience.is_over:
                raise
        if rest := self.marks.end():
            yield rest

    def _texts(self, chunk: Any) -> Generator[str]:
        for choice in (chunk.choices or [])[:1]:
            self.finish = choice.finish_reason or self.finish
            delta = choice.delta
            for text in (delta.content, delta.refusal) if delta else ():
                if isinstance(text, str) and text:
                    yield text

    @property
    def is_too_long(self) -> bool:
        """Say whether the provider goes on beyond what it was asked for."""
        # A chunk is a token at least; a guess is wrong by less than half.
        most = self.turn.max_tokens
        return self.chunks > most + 1 or self.tokens > 2 * most + 1

    @property
    def is_declined(self) -> bool:
        return self.finish == "content_filter"

    @property
    def problem(self) -> str:
        """Say what is wrong with an answer that came to its end."""
        if not self.finish:
            return "cut the connection."
        if self.chunks:
            return ""
        if self.is_declined:
            return "declined to answer."
        if self.finish == "length":
            return "used up its tokens before the first word."
        return "said nothing."

    def estimate(self, body: dict[str, Any]) -> int:
        return dialogue.prompt_tokens(body["messages"]) + self.tokens

    def ending(self, body: dict[str, Any], kind: str, spent: int) -> Ending:
        prompt, answer = self.usage or (
            dialogue.prompt_tokens(body["messages"]),
            self.tokens,
        )
        return Ending(self.marks.citations(), prompt + spent, answer, source=kind)


def usage_of(chunk: Any) -> tuple[int, int] | None:
    """Return the tokens of prompt and answer, if they can be believed."""
    usage = chunk.usage
    counted = (
        getattr(usage, "prompt_tokens", None),
        getattr(usage, "completion_tokens", None),
    )
    if all(type(one) is int and 0 <= one <= MOST_TOKENS for one in counted):
        return counted
    return None


def body_of(account: Account, turn: Turn) -> dict[str, Any]:
    """Return the request for a turn, as this kind of provider likes it best."""
    limit = "max_completion_tokens" if account.kind == "openai" else "max_tokens"
    highest = 1.0 if account.kind == "anthropic" else 2.0
    return {
        "model": account.model,
        "messages": dialogue.messages(turn),
        "temperature": min(turn.temperature, highest),
        limit: turn.max_tokens,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
