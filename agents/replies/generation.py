"""Have a provider answer one question, and publish its words as they come."""

import time
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from accounts.work.leases import holds, renew, update_held
from agents.conversations import event_stream
from agents.llm.prompt import MAX_CONTEXT_TOKENS
from agents.llm.provider import (
    Delta,
    Ending,
    Provider,
    ProviderError,
    Said,
    Turn,
    estimate_tokens,
)
from agents.models.replies import Reply
from agents.models.sessions import Message, MessageRole
from agents.models.summaries import WORD_FOR_WORD, SessionSummary
from agents.models.versions import AgentVersion
from agents.replies.context import ContextService
from agents.replies.link_filter import Links
from agents.replies.provider_choice import provider_for

MAX_ANSWER = 40_000
MAX_HISTORY = WORD_FOR_WORD
# How soon a worker notices that its reply was stopped.
LOOK_SECONDS = 0.5


class GivenUp(Exception):
    """This reply can have no answer; trying again would not help."""

    def __init__(self, code: str, *, tokens: int = 0) -> None:
        # What it has cost all the same.
        self.tokens = tokens
        super().__init__(code)


class LeaseLost(Exception):
    """Another worker has taken this reply over, or somebody stopped it."""


@dataclass
class Answer:
    """What a provider said, and when it began to speak."""

    text: str = ""
    ending: Ending = field(default_factory=Ending)
    first_token_at: datetime | None = None


def turn_of(reply: Reply, version: AgentVersion) -> Turn:
    """Gather what the provider gets to see of a conversation."""
    history, summary = (), ""
    if version.config.get("memory_enabled", True):
        history = said_before(reply)
        if version.config.get("context_optimization", True):
            summary = SessionSummary.objects.before(reply.question)
    question = reply.question.content
    return turn_for(version, question, history=history, summary=summary)


def turn_for(
    version: AgentVersion,
    question: str,
    *,
    history: tuple[Said, ...] = (),
    summary: str = "",
    hidden: str = "",
) -> Turn:
    """Gather what the provider gets to see of a question, stored or not.

    `hidden` is added to the instructions, for tests of whether they stay secret.
    """
    config = version.config
    context = ContextService(version)
    built = context.build(question, MAX_CONTEXT_TOKENS, history, summary)
    return Turn(
        question=question,
        agent_name=version.agent.name,
        instructions=f"{built.instructions}\n\n{hidden}".strip(),
        passages=built.passages,
        topics=context.topics(),
        history=built.history,
        summary=built.summary,
        language=context.language,
        model=config.get("model") or settings.LLM_MODEL,
        temperature=config.get("temperature", 0.7),
        max_tokens=config.get("max_tokens", 1000),
        sites=tuple(version.agent.allowed_origins),
    )


def say(
    version: AgentVersion, turn: Turn, *, seconds: float | None = None
) -> Generator[Delta | Ending]:
    """Yield one answer that nobody stores; raise GivenUp past its time."""
    deadline = time.monotonic() + (seconds or settings.REPLY_DEADLINE_SECONDS)

    def look() -> None:
        turn.waiting()
        if time.monotonic() >= deadline:
            raise GivenUp("deadline_exceeded")

    yield from words(provider_for(version), replace(turn, waiting=look))


def words(provider: Provider, turn: Turn) -> Generator[Delta | Ending]:
    """Yield what may be said of an answer: storable, finite, without foreign links.

    What ends it early, an error or `turn.waiting`, says what was spent until then.
    """
    links, said, length = links_for(provider, turn), [], 0
    try:
        with closing(provider.stream(turn)) as parts:
            for part in parts:
                turn.waiting()
                if isinstance(part, Ending):
                    yield from spoken(links.end())
                    yield part
                    return
                said.append(part.text)
                length += len(part.text)
                if length > MAX_ANSWER:
                    raise ProviderError("The answer has no end.")
                yield from spoken(links.feed(storable(part.text)))
        yield from spoken(links.end())
    except (ProviderError, GivenUp) as error:
        if said and not error.tokens:
            error.tokens = turn.tokens + estimate_tokens("".join(said))
        raise


def spoken(text: str) -> Generator[Delta]:
    """Yield a text, if there is any."""
    if text:
        yield Delta(text)


def links_for(provider: Provider, turn: Turn) -> Links:
    """Return the filter that lets through the links an answer may have."""
    # Who only quotes may repeat what stands in the documents, addresses too.
    quoted = "\n".join(passage.text for passage in turn.passages)
    return Links(
        urls=[passage.url for passage in turn.passages],
        sites=turn.sites,
        quoted=quoted if getattr(provider, "quotes", False) else "",
    )


def said_before(reply: Reply) -> tuple[Said, ...]:
    """Return the latest messages before the question, oldest first."""
    rows = (
        Message.objects.standing()
        .filter(
            session_id=reply.session_id,
            sequence__lt=reply.question.sequence,
            role__in=[MessageRole.USER, MessageRole.ASSISTANT],
        )
        .order_by("-sequence")
        .values_list("role", "content")[:MAX_HISTORY]
    )
    return tuple(Said(role, content) for role, content in reversed(rows))


class Watch:
    """The time a reply may take, and the lease that is held meanwhile."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.lease = settings.REPLY_LEASE_SECONDS
        self.deadline = time.monotonic() + settings.REPLY_DEADLINE_SECONDS
        self.renew_at = time.monotonic() + self.lease / 3
        self.look_at = time.monotonic() + LOOK_SECONDS

    def look(self) -> None:
        """Hold the lease on; raise GivenUp or LeaseLost when it is over."""
        now = time.monotonic()
        if now >= self.deadline:
            raise GivenUp("deadline_exceeded")
        if now >= self.renew_at:
            is_held = renew(self.reply, lease_seconds=self.lease)
            self.renew_at = now + self.lease / 3
        elif now >= self.look_at:
            is_held = holds(self.reply)
        else:
            return
        if not is_held:
            raise LeaseLost
        self.look_at = now + LOOK_SECONDS


class Voice:
    """Publishes a reply's events while somebody can hear them."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.is_heard = True

    def say(self, event: str, **data: object) -> None:
        # One event that is lost is enough: each try may wait for a time-out, and
        # the end is told later in any case.
        if self.is_heard:
            data = {"reply_id": self.reply.pk, **data}
            self.is_heard = bool(
                event_stream.append(self.reply.session_id, event, data)
            )


def speak(reply: Reply, provider: Provider, turn: Turn) -> Answer:
    """Publish the answer as it comes about, and return it whole."""
    watch, voice, answer = Watch(reply), Voice(reply), Answer()
    # Known before the model is asked: from then on it costs that much at least.
    # And held on: what the search took is not to be missing while the model is asked.
    ends_at = timezone.now() + timedelta(seconds=watch.lease)
    if not update_held(reply, prompt_tokens=turn.tokens, lease_expires_at=ends_at):
        raise LeaseLost
    voice.say("start", message_id=reply.question_id, attempt=reply.attempt)
    said: list[str] = []
    with closing(words(provider, replace(turn, waiting=watch.look))) as parts:
        for part in parts:
            if isinstance(part, Ending):
                answer.ending = part
                break
            answer.first_token_at = answer.first_token_at or timezone.now()
            said.append(part.text)
            voice.say("token", text=said[-1])
    answer.text = "".join(said).strip()
    if not answer.text:
        raise ProviderError("The answer is empty.")
    return answer


def storable(text: str) -> str:
    """Take out what PostgreSQL cannot hold."""
    return text.replace("\x00", "").encode("utf-8", "ignore").decode()
