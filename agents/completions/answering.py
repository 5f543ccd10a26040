"""One chat completion: held, spoken, settled, and kept as a conversation.

Nothing of it is leased work: who asked is waiting on the line, and leaves with
what was said so far. What that took is counted all the same.
"""

import hashlib
import threading
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from django.db import IntegrityError, connections, transaction
from django.utils import timezone

from accounts.errors import DomainError
from accounts.models.lifecycle import new_id, request_fingerprint
from accounts.models.users import User
from accounts.webhooks.delivery import announcing
from accounts.work.leases import store_paid
from agents.completions.requests import Asked
from agents.conversations.opening import AgentIsSilent
from agents.llm.provider import Ending, ProviderError, Turn, estimate_tokens
from agents.models.agents import Agent
from agents.models.sessions import Channel, MessageRole, Session
from agents.models.usage import Reservation, UsageKind
from agents.models.versions import AgentVersion
from agents.replies import generation
from agents.replies.generation import GivenUp
from agents.usage import budgets


class QuotaUsedUp(DomainError):
    """The month's budget, in the words OpenAI's clients know."""

    status = 429
    code = "insufficient-quota"
    detail = budgets.POLITE

    def headers(self) -> dict[str, str]:
        # No Retry-After, nobody waits for the month's end; clients that repeat a
        # 429 by themselves heed this header.
        return {"x-should-retry": "false"}


class Unavailable(DomainError):
    status = 503
    code = "provider-unavailable"
    detail = "The answer could not be produced. Please ask again."

    def headers(self) -> dict[str, str]:
        return {"Retry-After": "1"}


class TookTooLong(Unavailable):
    code = "deadline-exceeded"
    detail = "The answer took too long. Please ask again."


@dataclass
class Completion:
    """One answer in the making, and everything its client is told of it."""

    agent: Agent
    version: AgentVersion
    user: User
    asked: Asked
    reservation: Reservation
    key: str | None = None
    id: str = field(default_factory=lambda: f"chatcmpl-{new_id().hex}")
    created: int = field(default_factory=lambda: int(timezone.now().timestamp()))
    gone: threading.Event = field(default_factory=threading.Event)
    said: list[str] = field(default_factory=list)
    ending: Ending | None = None
    # What an answer that failed has taken, as its provider tells.
    spent: int = 0
    turn: Turn | None = None
    twin: dict[str, Any] | None = None

    def look(self) -> None:
        """Stop the wait for a model once the client is gone. Raises GivenUp."""
        if self.gone.is_set():
            raise GivenUp("client_gone")

    @property
    def text(self) -> str:
        return "".join(self.said).strip()

    @property
    def max_tokens(self) -> int:
        most = self.version.config.get("max_tokens", 1000)
        return min(most, self.asked.max_tokens or most)

    @property
    def tokens(self) -> tuple[int, int]:
        """Return the tokens of prompt and answer, guessed while none counted them."""
        if self.ending is not None:
            return self.ending.prompt_tokens, self.ending.answer_tokens
        if self.turn is None:
            return 0, 0
        return self.turn.tokens, estimate_tokens("".join(self.said))

    @property
    def finish_reason(self) -> str:
        return "length" if self.tokens[1] >= self.max_tokens else "stop"


def twin_of(
    agent: Agent, user: User, asked: Asked, key: str | None
) -> dict[str, Any] | None:
    """Return the answer this key already got. Raises KeyReused."""
    if key is None:
        return None
    twin = Session.all_objects.filter(
        agent_ref=agent, **_person(user, asked), idempotency_key=_stored_key(key)
    ).first()
    if twin is None:
        return None
    twin.check_same_request(request_fingerprint(repr(asked)))
    return twin.metadata["completion"]


def _person(user: User, asked: Asked) -> dict[str, Any]:
    return {"user": None if asked.user else user, "visitor_id": asked.user}


def _stored_key(key: str) -> str:
    # So that it never meets the key of a conversation opened by the other door.
    return "completion:" + hashlib.sha256(key.encode()).hexdigest()


def begin(
    *, agent: Agent, user: User, asked: Asked, key: str | None = None
) -> Completion:
    """Hold what the answer may cost. Raises AgentIsSilent, QuotaUsedUp."""
    if not agent.is_answering or agent.live_version is None:
        raise AgentIsSilent
    try:
        reservation = _hold(agent, asked)
    except budgets.BudgetExceeded as error:
        raise QuotaUsedUp(**error.facts) from None
    return Completion(agent, agent.live_version, user, asked, reservation, key)


@announcing(budgets.BudgetExceeded, "monthly_budget")
def _hold(agent: Agent, asked: Asked) -> Reservation:
    heard = sum(estimate_tokens(said.content) for said in asked.said_before)
    tokens = budgets.tokens_needed(agent.live_version, asked.question) + heard
    return budgets.reserve(agent=agent, kind=UsageKind.COMPLETION, tokens=tokens)


def turn_for(completion: Completion) -> Turn:
    """Gather what the provider gets to see; the agent's own word stands above."""
    asked = completion.asked
    turn = generation.turn_for(
        completion.version, asked.question, history=asked.history
    )
    temperature = turn.temperature if asked.temperature is None else asked.temperature
    # The client's context comes last: nothing is looked up by it.
    return replace(
        turn,
        history=asked.said_before,
        temperature=temperature,
        max_tokens=completion.max_tokens,
        is_watched=asked.stream,
        waiting=completion.look,
    )


def spoken(completion: Completion) -> Generator[str]:
    """Yield the answer's words; at its end, or when closed, settle and store.

    No database connection is held while the provider speaks.
    """
    try:
        yield from _words(completion)
        if not completion.text:
            raise Unavailable
    except GivenUp as error:
        completion.spent = error.tokens
        # Who is gone hears no error either.
        if not completion.text or not completion.gone.is_set():
            raise TookTooLong from None
    except ProviderError as error:
        completion.spent = error.tokens
        raise Unavailable from None
    finally:
        _end(completion)
        give_connections_back()


def _words(completion: Completion) -> Generator[str]:
    completion.turn = turn_for(completion)
    give_connections_back()
    with closing(generation.say(completion.version, completion.turn)) as parts:
        for part in parts:
            # Again: the provider's settings were read before it first spoke.
            give_connections_back()
            if isinstance(part, Ending):
                completion.ending = part
                return
            completion.said.append(part.text)
            if completion.gone.is_set():
                return
            yield part.text


def give_connections_back() -> None:
    """Close this thread's connections, unless a transaction is still open on them."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()


def _end(completion: Completion) -> None:
    if completion.ending is None and not completion.said:
        if completion.spent:
            budgets.settle(completion.reservation, tokens=completion.spent, messages=0)
        else:
            budgets.release(completion.reservation)
        return
    took = max(sum(completion.tokens), completion.spent)
    is_whole = completion.ending is not None and completion.text

    def settle_and_store() -> None:
        with transaction.atomic():
            budgets.settle(completion.reservation, tokens=took)
            if is_whole and completion.asked.store:
                _store(completion)

    try:
        store_paid(settle_and_store)
    except IntegrityError:
        # Its twin was stored first: both took tokens, and both say the same.
        store_paid(partial(budgets.settle, completion.reservation, tokens=took))
        completion.twin = twin_of(
            completion.agent, completion.user, completion.asked, completion.key
        )


def _store(completion: Completion) -> None:
    asked, agent = completion.asked, completion.agent
    session = Session(
        organization_id=agent.organization_id,
        agent_ref=agent,
        agent_id=str(agent.public_id),
        **_person(completion.user, asked),
        channel=Channel.API,
        metadata={"metadata": asked.metadata, "completion": as_dict(completion)},
        idempotency_key=_stored_key(completion.key) if completion.key else None,
        request_fingerprint=request_fingerprint(repr(asked)),
    )
    session.save(force_insert=True)
    session.add_message(MessageRole.USER, asked.question)
    session.add_message(
        MessageRole.ASSISTANT,
        completion.text,
        citations=citations(completion),
        tokens=sum(completion.tokens),
    )
    session.mark_completed()


def citations(completion: Completion) -> list[dict[str, Any]]:
    ending = completion.ending
    return [each.as_dict() for each in ending.citations] if ending else []


def usage(completion: Completion) -> dict[str, int]:
    prompt, answer = completion.tokens
    return {
        "prompt_tokens": prompt,
        "completion_tokens": answer,
        "total_tokens": prompt + answer,
    }


def as_dict(completion: Completion) -> dict[str, Any]:
    """Write the whole answer as OpenAI does; citations are ours."""
    message = {"role": "assistant", "content": completion.text, "refusal": None}
    choice = {
        "index": 0,
        "message": message,
        "logprobs": None,
        "finish_reason": completion.finish_reason,
    }
    return head(completion, "chat.completion") | {
        "choices": [choice],
        "usage": usage(completion),
        "citations": citations(completion),
    }


def head(completion: Completion, kind: str) -> dict[str, Any]:
    return {
        "id": completion.id,
        "object": kind,
        "created": completion.created,
        "model": completion.asked.model,
        "system_fingerprint": f"v{completion.version.number}",
    }


def chunk(
    completion: Completion, delta: dict[str, Any] | None, **more: Any
) -> dict[str, Any]:
    """Write one part of a stream; without a delta it is the one with the usage."""
    choices = []
    if delta is not None:
        reason = more.pop("finish_reason", None)
        choices = [
            {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        ]
    if completion.asked.include_usage:
        more.setdefault("usage", None)
    return head(completion, "chat.completion.chunk") | {"choices": choices} | more
