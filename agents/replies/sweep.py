"""Work that is still to be done: send it again, whoever lost it."""

from celery import current_app

from accounts.work.leases import sweep
from accounts.work.places import kinds_of_work
from accounts.work.task_messages import recover
from agents.inbox.closing import expire_overdue
from agents.inbox.queue_timeouts import apologize_overdue, release_deserted
from agents.knowledge.web.sites import start_due
from agents.replies.production import announce_overdue, give_up_overdue
from agents.usage.budgets import release_overdue

# Every kind of work but answers was sent here before each had a queue of its own.
FORMER_QUEUE = "default"


def resend() -> int:
    """Nudge the workers about everything pending, and tell what went untold."""
    give_up_overdue()
    announce_overdue()
    release_overdue()
    start_due()
    expire_overdue()
    release_deserted()
    apologize_overdue()
    recover(current_app._get_current_object(), FORMER_QUEUE)
    return sum(map(sweep, kinds_of_work()))
