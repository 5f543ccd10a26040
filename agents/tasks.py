"""What workers do: each task is one call into the domain."""

from celery import shared_task

from accounts.work.io_tasks import IoTask
from accounts.work.leases import limits
from agents.conversations import retention
from agents.custody import runs
from agents.inbox import notifications
from agents.knowledge import embedding_jobs, indexing, renewal
from agents.knowledge.web import crawling
from agents.lifecycle import stats
from agents.optimization import runs as optimization
from agents.replies import production, summaries
from agents.replies import sweep as unfinished
from agents.usage import notifications as budget_notices


@shared_task(name="agents.tasks.answer")
def answer(reply_id: str) -> None:
    production.produce(reply_id)


@shared_task(name="agents.tasks.summarize", **limits(summaries.LEASE_SECONDS))
def summarize(session_id: str) -> None:
    summaries.summarize(session_id)


@shared_task(name="agents.tasks.index_document", **limits(indexing.LEASE_SECONDS))
def index_document(document_id: str) -> None:
    indexing.index_document(document_id)


@shared_task(name="agents.tasks.embed_pack", **limits(embedding_jobs.LEASE_SECONDS))
def embed_pack(knowledge_pack_id: str) -> None:
    embedding_jobs.embed_pack(knowledge_pack_id)


@shared_task(
    base=IoTask,
    name="agents.tasks.crawl_source",
    **limits(crawling.LEASE_SECONDS),
)
def crawl_source(source_id: str) -> None:
    crawling.crawl_source(source_id)


@shared_task(name="agents.tasks.rebuild_vectors")
def rebuild_vectors() -> None:
    embedding_jobs.rebuild_outdated()


@shared_task(name="agents.tasks.renew_pack", **limits(renewal.LEASE_SECONDS))
def renew_pack(knowledge_pack_id: str) -> None:
    renewal.renew_pack(knowledge_pack_id)


@shared_task(name="agents.tasks.renew_outdated")
def renew_outdated() -> None:
    renewal.begin_next()


@shared_task(
    name="agents.tasks.optimize_agent_prompt_background",
    **limits(optimization.LEASE_SECONDS),
)
def optimize_agent_prompt_background(run_id: str) -> None:
    optimization.optimize(run_id)


@shared_task(name="agents.tasks.run_custody", **limits(runs.LEASE_SECONDS))
def run_custody(run_id: str) -> None:
    runs.perform(run_id)


@shared_task(name="agents.tasks.sweep")
def sweep() -> None:
    unfinished.resend()


@shared_task(name="agents.tasks.update_agent_stats")
def update_agent_stats() -> None:
    stats.update_outdated_stats()


@shared_task(base=IoTask, name="agents.tasks.mail_budget_notice")
def mail_budget_notice(row_id: str) -> None:
    budget_notices.mail(row_id)


@shared_task(name="agents.tasks.apply_retention")
def apply_retention() -> None:
    retention.apply_all()


@shared_task(
    base=IoTask,
    name="agents.tasks.mail_inbox_notice",
    **limits(notifications.LEASE_SECONDS),
)
def mail_inbox_notice(notice_id: str) -> None:
    notifications.mail(notice_id)
