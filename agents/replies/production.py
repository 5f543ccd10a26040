"""What a worker does of an answer: claim, generate, store, announce."""

from datetime import timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import Error as DatabaseFault
from django.db import transaction
from django.utils import timezone

from accounts.models.lifecycle import WorkStatus
from accounts.work.leases import GAVE_UP, claim, finish, renew, retry_later, store_paid
from accounts.work.places import claimable
from agents.conversations import event_stream, inbox_feed
from agents.conversations.transcripts import message_as_dict
from agents.grounded.unanswered import leaves_open
from agents.inbox import assignment, triage
from agents.llm.provider import Provider, ProviderError
from agents.models.replies import Reply
from agents.models.sessions import MessageRole, SessionIsOver
from agents.models.versions import AgentVersion
from agents.replies import summaries
from agents.replies.generation import Answer, GivenUp, LeaseLost, speak, turn_of
from agents.replies.provider_choice import provider_for
from agents.usage import budgets

log = structlog.get_logger(__name__)
MAX_ATTEMPTS = 3
RETRY_SECONDS = (1, 5)
# An end that nobody published for so long was stored by a worker that then died.
ANNOUNCE_AFTER = timedelta(seconds=5)
# Nobody waits longer for a word: what no worker took by then has failed.
GIVE_UP_AFTER = timedelta(minutes=15)
FAILURES = {
    "agent_unavailable": "This agent does not answer at the moment.",
    "budget_exceeded": budgets.POLITE,
    "attempts_exhausted": "The answer could not be completed. Please ask again.",
    "deadline_exceeded": "The answer took too long. Please ask again.",
    "provider_unavailable": "The answer could not be produced. Please ask again.",
    "not_stored": "The answer could not be saved. Please ask again.",
    "handed_over": "A person answers here now.",
    "session_over": SessionIsOver.detail,
    "stopped": "This answer was stopped before it began.",
}
# What ends a reply without leaving its question to the agent's owners; to do so takes
# the conversation's lock, for which an answer that was not stored has waited in vain.
NO_FAULT = {"handed_over", "not_stored", "session_over", "stopped"}


def produce(reply_id: Any) -> Reply | None:
    """Answer a question if that is still to be done; may be called repeatedly."""
    reply = taken(reply_id)
    if reply is None:
        return None
    try:
        if reply.attempt > MAX_ATTEMPTS:
            raise GivenUp("attempts_exhausted")
        version = live_version(reply)
        provider = provider_for(version)
        answer = speak(reply, provider, turn_of(reply, version))
        stored = keep(reply, version, provider, answer)
    except LeaseLost:
        log.warning("Reply taken over", reply=str(reply.pk), attempt=reply.attempt)
        return reply
    except SessionIsOver:
        stored = fail(reply, "session_over")
    except GivenUp as error:
        stored = fail(reply, str(error), tokens=error.tokens)
    except Exception as error:
        stored = retry_or_fail(reply, error)
    if stored:
        announce(reply)
    return reply


def live_version(reply: Reply) -> AgentVersion:
    """Return what answers now; it may have changed since the question."""
    session = reply.session
    if session.is_deleted:
        raise SessionIsOver
    if assignment.is_with_person(session):
        raise GivenUp("handed_over")
    agent = session.agent_ref
    if agent is None or not agent.is_answering or agent.live_version is None:
        raise GivenUp("agent_unavailable")
    return agent.live_version


@transaction.atomic
def store(
    reply: Reply, version: AgentVersion, provider: Provider, answer: Answer
) -> bool:
    """Store the answer, unless another attempt took over; return whether it was.

    Raises GivenUp when a person has taken the conversation meanwhile.
    """
    now = timezone.now()
    if not finish(
        reply,
        WorkStatus.DONE,
        version=version,
        provider=answer.ending.source or provider.name,
        first_token_at=answer.first_token_at,
        finished_at=now,
    ):
        return False
    if assignment.is_with_person(reply.session, lock=True):
        raise GivenUp("handed_over", tokens=answer.ending.tokens)
    is_open = leaves_open(answer.text)
    message = reply.session.add_message(
        MessageRole.ASSISTANT,
        answer.text,
        citations=[citation.as_dict() for citation in answer.ending.citations],
        tokens=answer.ending.tokens,
        **(
            {"offers_person": True}
            if is_open and assignment.is_offered(version)
            else {}
        ),
    )
    if is_open:
        triage.note_gap(reply.session)
    reply.answer = message
    reply.save(update_fields=["answer"])
    budgets.settle_reply(reply, tokens=answer.ending.tokens)
    summaries.want_summary(reply.session, version, message.sequence)
    return True


@transaction.atomic
def fail(reply: Reply, code: str, error: str = "", *, tokens: int = 0) -> bool:
    """End a reply without an answer; what it took is counted all the same."""
    ended = finish(
        reply,
        WorkStatus.FAILED,
        error=error or code,
        failure_code=code,
        finished_at=timezone.now(),
    )
    if ended and code not in NO_FAULT:
        triage.note_gap(reply.session)
    if ended:
        budgets.give_up_reply(reply, tokens=tokens)
    return ended


def retry_or_fail(reply: Reply, error: Exception) -> bool:
    """Try again later, at most three times; return whether the reply has ended."""
    # Only our own errors may be quoted: a provider's may hold what is secret.
    is_ours = isinstance(error, ProviderError)
    text = str(error) if is_ours else type(error).__name__
    tokens = error.tokens if is_ours else 0
    log.warning(
        "Answer failed",
        reply=str(reply.pk),
        attempt=reply.attempt,
        error=text,
        exc_info=not is_ours,
    )
    if reply.attempt >= MAX_ATTEMPTS or (is_ours and error.is_final):
        return fail(reply, "provider_unavailable", text, tokens=tokens)
    try:
        budgets.hold_more(reply, spent=tokens)
    except budgets.BudgetExceeded:
        return fail(reply, "budget_exceeded", text, tokens=tokens)
    retry_later(reply, error=text, delay_seconds=RETRY_SECONDS[reply.attempt - 1])
    return False


def announce(reply: Reply) -> None:
    """Tell the conversation's readers how a reply ended."""
    about = {"reply_id": reply.pk, "message_id": reply.question_id}
    if reply.status == WorkStatus.DONE and reply.answer:
        data = about | {"message": message_as_dict(reply.answer)}
        told = event_stream.append(reply.session_id, "done", data)
    else:
        code = reply.failure_code
        detail = FAILURES.get(code, "")
        data = about | {"code": code, "detail": detail}
        told = event_stream.append(reply.session_id, "failed", data)
    if told:
        Reply.objects.filter(pk=reply.pk).update(announced_at=timezone.now())
    inbox_feed.tell_now(reply.session.organization_id, reply.session_id)


def announce_overdue(limit: int = 200) -> int:
    """Tell what a worker stored but did not live to tell; return how many."""
    overdue = (
        Reply.objects.filter(
            announced_at=None, finished_at__lt=timezone.now() - ANNOUNCE_AFTER
        )
        .select_related("answer", "session")
        .order_by("finished_at")[:limit]
    )
    replies = list(overdue)
    for reply in replies:
        announce(reply)
    return len(replies)


def give_up_overdue(limit: int = 200) -> int:
    """End the replies that no worker could finish in time; return how many."""
    overdue = Reply.objects.unfinished().filter(
        claimable(), created_at__lt=timezone.now() - GIVE_UP_AFTER
    )
    ended = 0
    for pk in list(overdue.order_by("run_after").values_list("pk", flat=True)[:limit]):
        reply = taken(pk)
        if reply and fail(reply, "deadline_exceeded"):
            announce(reply)
            ended += 1
    return ended


def taken(reply_id: Any) -> Reply | None:
    """Take a reply, unless another has it, or too many had and it is given up."""
    lease = settings.REPLY_LEASE_SECONDS
    return claim(Reply, reply_id, lease_seconds=lease, give_up=give_up)


def give_up(reply: Reply) -> None:
    """End a reply that stopped whoever produced it, and tell its reader."""
    if fail(reply, "attempts_exhausted", GAVE_UP):
        announce(reply)


def keep(
    reply: Reply, version: AgentVersion, provider: Provider, answer: Answer
) -> bool:
    """Store an answer, or at least what it took; the model is not asked again.

    Returns whether the reply has ended by this. Raises GivenUp.
    """
    try:
        return store_paid(lambda: store(reply, version, provider, answer))
    except DatabaseFault as error:
        log.exception("Answer not stored", reply=str(reply.pk))
        text, tokens = type(error).__name__, answer.ending.tokens
        renew(reply, lease_seconds=settings.REPLY_LEASE_SECONDS)
        return store_paid(lambda: fail(reply, "not_stored", text, tokens=tokens))
