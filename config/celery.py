"""Celery: four queues, JSON only, and every promise about lost workers.

A row in PostgreSQL is the truth about a piece of work and a task only a nudge, so
a message that is lost or sent twice costs a delay at most.
"""

import os
import warnings

from celery import Celery
from celery.exceptions import SecurityWarning
from celery.signals import worker_process_shutdown, worker_shutdown
from django.conf import settings
from django_structlog.celery.steps import DjangoStructLogInitStep
from kombu import Exchange, Queue

from config.database import disconnect
from config.embedded import broker_url
from config.heartbeat import Heartbeat

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

# Time limit < visibility timeout: a message is given to another only after the first
# can no longer be at work on it. Tasks on leased work have limits of their own
# (accounts.work.limits); this is that of the others.
TIME_LIMIT_SECONDS = 240
VISIBILITY_SECONDS = 900
QUEUES = ("work", "io", "control", "replies")
# Publishing happens inside requests: a broker that is gone may cost this much.
PUBLISH_SECONDS = 0.5

# What beat sends, and every how many seconds; what nobody takes by then has expired.
EVERY = {
    "sweep": ("agents.tasks.sweep", 10.0),
    "rebuild-vectors": ("agents.tasks.rebuild_vectors", 60.0),
    "renew-outdated": ("agents.tasks.renew_outdated", 60.0),
    "update-agent-stats": ("agents.tasks.update_agent_stats", 300.0),
    "anchor-audit-heads": ("accounts.tasks.anchor_audit_heads", 60.0),
    "forget-webhook-deliveries": ("accounts.tasks.forget_webhook_deliveries", 3600.0),
    "apply-retention": ("agents.tasks.apply_retention", 900.0),
    "erase-overdue": ("accounts.tasks.erase_overdue", 3600.0),
    "forget-expired-sessions": ("accounts.tasks.forget_expired_sessions", 3600.0),
    "forget-widget-sessions": ("widget.tasks.forget_outdated_sessions", 3600.0),
}

# Workers of root, as in many a container, warn at length of messages that run code when
# they are read; ours are JSON.
warnings.simplefilter("ignore", SecurityWarning)

app = Celery("youragent")
app.conf.update(
    broker_url=broker_url(settings.REDIS_URL),
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_connection_timeout=PUBLISH_SECONDS,
    broker_transport_options={
        "visibility_timeout": VISIBILITY_SECONDS,
        # kombu's defaults look for abandoned messages every 100 seconds only.
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
        "socket_timeout": PUBLISH_SECONDS,
        "socket_connect_timeout": PUBLISH_SECONDS,
        # A publisher does not wait for the broker to return; a worker does.
        "max_retries": 0,
        "interval_start": 0,
        "global_keyprefix": "ya:celery:",
    },
    # The rows hold every result.
    result_backend=None,
    task_ignore_result=True,
    task_serializer="json",
    accept_content=["json"],
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_time_limit=TIME_LIMIT_SECONDS,
    task_soft_time_limit=TIME_LIMIT_SECONDS - 30,
    task_publish_retry_policy={
        "max_retries": 1,
        "interval_start": 0,
        "interval_step": 0.1,
        "interval_max": 0.1,
    },
    # What needs a processor and may take long.
    task_default_queue="work",
    # Each its own exchange: on a shared one every message would reach all.
    task_queues=[Queue(name, Exchange(name), routing_key=name) for name in QUEUES],
    task_create_missing_queues=False,
    task_routes={
        # What mostly waits for a model.
        "agents.tasks.answer": {"queue": "replies"},
        "agents.tasks.summarize": {"queue": "replies"},
        # What mostly waits for other people's servers.
        "agents.tasks.crawl_source": {"queue": "io"},
        "agents.tasks.mail_*": {"queue": "io"},
        "accounts.tasks.deliver_webhook": {"queue": "io"},
        "accounts.tasks.send_*": {"queue": "io"},
        # What keeps all the rest going, and is short.
        "agents.tasks.sweep": {"queue": "control"},
        "agents.tasks.rebuild_vectors": {"queue": "control"},
        "agents.tasks.renew_outdated": {"queue": "control"},
        "agents.tasks.update_agent_stats": {"queue": "control"},
        "accounts.tasks.anchor_audit_heads": {"queue": "control"},
    },
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    worker_enable_remote_control=False,
    timezone="UTC",
    # The schedule is fixed: the scheduler in memory has no file to corrupt.
    beat_scheduler="celery.beat:Scheduler",
    beat_schedule={
        name: {"task": task, "schedule": seconds, "options": {"expires": int(seconds)}}
        for name, (task, seconds) in EVERY.items()
    },
)
app.autodiscover_tasks()
app.steps["worker"].add(DjangoStructLogInitStep)
app.steps["worker"].add(Heartbeat)


@worker_process_shutdown.connect
@worker_shutdown.connect
def close_connections(**_) -> None:
    """Close the database in every process that ends."""
    disconnect()
