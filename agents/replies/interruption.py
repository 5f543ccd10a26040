"""Stop an answer while it is being given, and ask for another one."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.errors import DomainError, Invalid, NotFound
from accounts.models.lifecycle import WorkStatus
from accounts.webhooks.delivery import announcing
from accounts.work.leases import nudge
from agents.conversations import event_stream
from agents.conversations.opening import AgentIsSilent
from agents.inbox import assignment
from agents.llm.provider import estimate_tokens
from agents.models.replies import Reply
from agents.models.sessions import Message, MessageRole, Session, SessionIsOver
from agents.replies.production import announce
from agents.usage import budgets


class NotTheLatest(DomainError):
    status = 422
    code = "not-the-latest"
    detail = "The conversation has gone on: only its last answer can be replaced."


def stop(*, session: Session, message_id: Any = None) -> list[Reply]:
    """End the answers under way, or that to one question; return those ended.

    What was said so far stays as the answer. A worker that still speaks is not
    waited for: its lease is gone, and it notices within a second.
    """
    mine = Reply.objects.filter(session=session)
    if message_id is not None:
        mine = mine.filter(question_id=message_id)
        if not mine.exists():
            raise NotFound
    # Before the lock: a Redis that hangs must hold up nobody else.
    heard = event_stream.said_so_far(session.pk)
    unfinished = mine.unfinished().order_by("question__sequence")
    stopped = [
        reply
        for pk in unfinished.values_list("pk", flat=True)
        if (reply := _stop(pk, heard.get(str(pk), "")))
    ]
    for reply in stopped:
        announce(reply)
    return stopped


@transaction.atomic
def _stop(reply_id: UUID, said: str) -> Reply | None:
    # The reply first, then its conversation, as the worker locks them.
    reply = Reply.objects.select_for_update(of=("self",), no_key=True).get(pk=reply_id)
    if reply.is_finished:
        return None
    answer_tokens = estimate_tokens(said)
    spent = reply.prompt_tokens + answer_tokens if reply.prompt_tokens else None
    reply.status, reply.failure_code = WorkStatus.FAILED, "stopped"
    if said.strip():
        try:
            reply.answer = reply.session.add_message(
                MessageRole.ASSISTANT, said.strip(), tokens=spent, is_stopped=True
            )
            reply.status, reply.failure_code = WorkStatus.DONE, ""
        except SessionIsOver:
            reply.failure_code = "session_over"
    reply.lease_expires_at = None
    reply.finished_at = timezone.now()
    reply.save(
        update_fields=[
            "status",
            "failure_code",
            "answer",
            "lease_expires_at",
            "finished_at",
        ]
    )
    budgets.settle_reply(reply, tokens=spent)
    return reply


@announcing(budgets.BudgetExceeded, "monthly_budget")
def regenerate(*, session: Session, message_id: Any) -> tuple[Message, Reply, bool]:
    """Have a question answered anew, and keep the earlier answer as superseded.

    Names an answer, or the question. An answer that was replaced already, or is
    just being, returns the reply that counts and False.
    Raises NotFound, Invalid, NotTheLatest, SessionIsOver, AgentIsSilent,
    BudgetExceeded.
    """
    events_after = event_stream.last_event_id(session.pk)
    with transaction.atomic():
        # Locked before the look-up: two at once must not replace one answer twice.
        locked = (
            Session.objects.select_for_update(no_key=True, of=("self",))
            .select_related("agent_ref")
            .get(pk=session.pk)
        )
        question, is_replaced = _question_of(locked, message_id)
        current = question.replies.get(superseded_at=None)
        if is_replaced or not current.is_finished:
            return question, current, False
        _check(locked, question)
        _supersede(current)
        reply = Reply.objects.create(
            session=locked, question=question, events_after=events_after
        )
        budgets.reserve_for_reply(reply, locked.agent_ref, question.content)
        nudge(reply)
        return question, reply, True


def replaceable(session: Session) -> Reply | None:
    """Return the reply that may be asked for anew, if there is one."""
    if not session.is_active or session.is_expired:
        return None
    last = (
        Reply.objects.filter(session=session, superseded_at=None)
        .select_related("question")
        .order_by("-question__sequence")
        .first()
    )
    if last is None or not last.is_finished:
        return None
    later = session.message_rows.filter(sequence__gt=last.question.sequence)
    return None if later.filter(role=MessageRole.USER).exists() else last


def _question_of(session: Session, message_id: Any) -> tuple[Message, bool]:
    """Return the question, and whether the answer named was replaced already."""
    message = session.message_rows.filter(pk=message_id).first()
    if message is None:
        raise NotFound
    if message.role == MessageRole.USER and message.replies.exists():
        return message, False
    reply = Reply.objects.filter(answer=message).select_related("question").first()
    if reply is None:
        raise Invalid("This is no answer of the agent.", pointer="/message_id")
    return reply.question, reply.superseded_at is not None


def _check(session: Session, question: Message) -> None:
    if not session.is_active or session.is_expired:
        raise SessionIsOver
    if session.agent_ref is None or not session.agent_ref.is_answering:
        raise AgentIsSilent
    if assignment.is_with_person(session):
        raise AgentIsSilent("A person answers here now.")
    later = session.message_rows.filter(sequence__gt=question.sequence)
    if later.filter(role=MessageRole.USER).exists():
        raise NotTheLatest


def _supersede(reply: Reply) -> None:
    reply.superseded_at = timezone.now()
    reply.save(update_fields=["superseded_at"])
    if reply.answer_id:
        Message.objects.filter(pk=reply.answer_id).update(is_superseded=True)
