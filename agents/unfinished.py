"""Work that is still to be done: send it again, whoever lost it."""

from accounts.models.webhooks import WebhookDelivery
from accounts.webhooks import DELIVER
from accounts.work import sweep
from agents.budgets import release_overdue
from agents.creation import OPTIMIZE
from agents.custody.runs import RUN
from agents.endings import expire_overdue
from agents.inbox_notices import MAIL
from agents.knowledge.indexing import INDEX
from agents.knowledge.sources import CRAWL, start_due
from agents.knowledge.vectors import EMBED
from agents.models.custody import CustodyRun
from agents.models.handover import InboxNotice
from agents.models.knowledge import Document, VectorIndex
from agents.models.replies import Reply
from agents.models.sources import KnowledgeSource
from agents.models.summaries import SessionSummary
from agents.models.versions import OptimizationRun
from agents.replies import ANSWER, announce_overdue, give_up_overdue
from agents.summaries import SUMMARIZE
from agents.waiting import apologize_overdue, release_deserted

# What does each kind of leased work, in the order it is sent again.
TASKS = {
    Reply: ANSWER,
    SessionSummary: SUMMARIZE,
    Document: INDEX,
    VectorIndex: EMBED,
    KnowledgeSource: CRAWL,
    OptimizationRun: OPTIMIZE,
    CustodyRun: RUN,
    InboxNotice: MAIL,
    WebhookDelivery: DELIVER,
}


def resend() -> int:
    """Nudge the workers about everything pending, and tell what went untold."""
    give_up_overdue()
    announce_overdue()
    release_overdue()
    start_due()
    expire_overdue()
    release_deserted()
    apologize_overdue()
    return sum(sweep(model, task) for model, task in TASKS.items())
