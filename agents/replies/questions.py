"""One turn of a conversation, from the question to the stored answer."""

from django.db import transaction

from accounts.errors import Invalid
from accounts.models.lifecycle import request_fingerprint
from accounts.webhooks.delivery import announcing
from accounts.work.leases import nudge
from agents.conversations import event_stream
from agents.conversations.opening import AgentIsSilent
from agents.inbox import handover
from agents.models.replies import Reply
from agents.models.sessions import Message, MessageRole, Session, SessionIsOver
from agents.usage import budgets

MAX_QUESTION = 4_000


@announcing(budgets.BudgetExceeded, "monthly_budget")
def ask(
    *, session: Session, content: str, idempotency_key: str | None = None
) -> tuple[Message, Reply | None, bool]:
    """Store a question and the work of answering it, once per key.

    There is no reply to one that a person answers. Raises SessionIsOver,
    AgentIsSilent, BudgetExceeded, KeyReused, Invalid.
    """
    content = content.strip()
    if not 1 <= len(content) <= MAX_QUESTION:
        raise Invalid(f"1 to {MAX_QUESTION:,} characters.", pointer="/content")
    # Before the lock: a Redis that hangs must hold up nobody else.
    events_after = event_stream.last_event_id(session.pk)
    with transaction.atomic():
        return _stored(session, content, idempotency_key, events_after)


def _stored(
    session: Session, content: str, idempotency_key: str | None, events_after: str
) -> tuple[Message, Reply | None, bool]:
    fingerprint = request_fingerprint(content)
    # Locked before the look-up: two equal requests must not both find nothing.
    locked = (
        Session.all_objects.select_for_update(no_key=True, of=("self",))
        .select_related("agent_ref", "inbox_entry")
        .get(pk=session.pk)
    )
    if idempotency_key is not None:
        twins = locked.message_rows.filter(idempotency_key=idempotency_key)
        if twin := twins.first():
            twin.check_same_request(fingerprint)
            return twin, twin.replies.filter(superseded_at=None).first(), False
    if not locked.is_active or locked.is_expired:
        raise SessionIsOver
    if locked.agent_ref is None or not locked.agent_ref.is_answering:
        raise AgentIsSilent
    message = session.add_message(
        MessageRole.USER,
        content,
        idempotency_key=idempotency_key,
        request_fingerprint=fingerprint,
    )
    if handover.hold_back(locked, message):
        message.metadata |= {"events_after": events_after}
        message.save(update_fields=["metadata"])
        return message, None, True
    reply = Reply.objects.create(
        session=session, question=message, events_after=events_after
    )
    budgets.reserve_for_reply(reply, locked.agent_ref, content)
    nudge(reply)
    return message, reply, True
