"""Whether this installation works, for people, load balancers and monitors."""

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import cache
from typing import Any

import psycopg
from django.conf import settings
from django.db import connections
from django.db.migrations.loader import MigrationLoader
from django.http import HttpRequest, JsonResponse
from django.urls import re_path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from agents.models.knowledge import INDEX_VERSION
from config import heartbeat
from config.celery import QUEUES
from config.database import get_pool_stats, probe
from config.routers import REPLICA

Component = dict[str, Any]

# How long a check may take, and how long while the last one took too long.
CHECK_SECONDS, SHORT_SECONDS = 2, 0.2
PACKS = """
SELECT count(*), count(*) FILTER (WHERE index_version < %s)
FROM knowledge_packs JOIN organizations ON organizations.id = organization_id
WHERE deleted_at IS NULL
"""
TRY_AGAIN = {"Retry-After": "2"}
STARTED = time.monotonic()
# Their own threads: a server that hangs holds these, never a request's for long.
CHECKERS = ThreadPoolExecutor(4, "health")


def component(name: str, check: Callable[[], dict[str, Any]]) -> Component:
    """Run one check; an error becomes its class, which holds no address."""
    begun, error = time.perf_counter(), ""
    try:
        details = check()
    except Exception as raised:
        details, error = {}, type(raised).__name__
    status = "unhealthy" if error else details.pop("status", "healthy")
    found = {
        "name": name,
        "status": status,
        "latency_ms": round((time.perf_counter() - begun) * 1000, 2),
        "details": details,
    }
    return found | {"error": error} if error else found


def check_database() -> tuple[Component, Component]:
    """Ask for a row of agent_metrics, then which migrations are missing."""
    with ExitStack() as stack:
        opened: list[psycopg.Connection] = []

        def database() -> dict[str, Any]:
            opened.append(stack.enter_context(probe()))
            opened[0].execute("SELECT EXISTS (SELECT 1 FROM agent_metrics)")
            return {}

        def migrations() -> dict[str, Any]:
            if not opened:
                raise ConnectionError
            rows = opened[0].execute("SELECT app, name FROM django_migrations")
            missing = len(known_migrations().difference(rows))
            status = "degraded" if missing else "healthy"
            return {"status": status, "unapplied": missing}

        return component("database", database), component("migrations", migrations)


@cache
def known_migrations() -> frozenset[tuple[str, str]]:
    """Read from disk, once, every migration there should be."""
    return frozenset(MigrationLoader(None, ignore_no_migrations=True).graph.nodes)


def check_redis() -> tuple[Component, Component]:
    """Ask Redis whether it answers, then which workers it has heard lately."""
    with heartbeat.connect() as client:

        def redis() -> dict[str, Any]:
            client.ping()
            return {}

        def celery() -> dict[str, Any]:
            living = heartbeat.living_queues(client)
            workers = {queue: living.get(queue, 0) for queue in QUEUES}
            return {"status": "healthy" if all(workers.values()) else "unhealthy"} | {
                "workers": workers
            }

        return component("redis", redis), component("celery", celery)


def check_replica() -> tuple[Component, ...]:
    """Ask the replica for a row, where there is one."""

    def replica() -> dict[str, Any]:
        with probe(REPLICA) as connection:
            connection.execute("SELECT EXISTS (SELECT 1 FROM agent_metrics)")
        return {}

    is_there = REPLICA in connections.settings
    return (component(REPLICA, replica),) if is_there else ()


def check_knowledge() -> tuple[Component]:
    """Count the packs whose passages are still to be made anew after an upgrade."""

    def knowledge() -> dict[str, Any]:
        with probe() as connection:
            packs, left = connection.execute(PACKS, [INDEX_VERSION]).fetchone()
        return {"packs": packs, "to_be_indexed_anew": left}

    return (component("knowledge", knowledge),)


def check_process() -> Component:
    """Say which of the web processes answered."""
    workers = os.environ.get("WEB_CONCURRENCY", "")
    details = {"pid": os.getpid(), "workers": int(workers) if workers.isdigit() else 1}
    return component("process", lambda: details)


class Check:
    """A check that is made once for all who ask at the same time.

    Of a server that did not answer nobody waits to hear it again.
    """

    def __init__(self, check: Callable[[], tuple[Component, ...]], *names: str) -> None:
        """`names` are the components that `check` returns."""
        self.check, self.names = check, names
        self.lock = threading.Lock()
        self.work: Future | None = None
        self.begun = 0.0
        self.patience = CHECK_SECONDS

    def begin(self) -> Future:
        with self.lock:
            if self.work is None or self.work.done():
                self.begun = time.monotonic()
                self.work = CHECKERS.submit(self.check)
            return self.work

    def found(self, work: Future) -> tuple[Component, ...]:
        """Wait for the components, but not for ever."""
        ends_at = self.begun + self.patience
        try:
            found = work.result(max(0, ends_at - time.monotonic()))
        except TimeoutError as error:
            late = error
            self.patience = SHORT_SECONDS
        else:
            was_slow = any(each["latency_ms"] > 500 * CHECK_SECONDS for each in found)
            self.patience = SHORT_SECONDS if was_slow else CHECK_SECONDS
            return found

        def fail() -> dict[str, Any]:
            raise late

        return tuple(component(name, fail) for name in self.names)


DATABASE = Check(check_database, "database", "migrations")
REDIS = Check(check_redis, "redis", "celery")
KNOWLEDGE = Check(check_knowledge, "knowledge")
COPY = Check(check_replica, REPLICA)


def report() -> dict[str, Any]:
    """Check everything at once and say the worst that was found."""
    asked = [(check, check.begin()) for check in (DATABASE, REDIS, KNOWLEDGE, COPY)]
    (database, migrations), (redis, celery), knowledge, replica = (
        check.found(work) for check, work in asked
    )
    # The answering process's own pool: exactly these six numbers.
    database = database | {"details": get_pool_stats()}
    shown = [database, *replica, redis, celery, migrations, *knowledge]
    components = [*shown, check_process()]
    if database["status"] != "healthy":
        status = "unhealthy"
    elif any(found["status"] != "healthy" for found in components):
        status = "degraded"
    else:
        status = "healthy"
    return {
        "status": status,
        "database": database.get("error", "connected"),
        "version": settings.VERSION,
        "timestamp": datetime.now(UTC).isoformat(),
        "uptime_seconds": round(time.monotonic() - STARTED, 1),
        "components": components,
    }


@never_cache
@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """Everything: 503 only when the database is down."""
    body = report()
    return answer(body, is_well=body["status"] != "unhealthy")


@never_cache
@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """This process answers; nothing else is asked."""
    return JsonResponse(
        {"status": "healthy", "uptime_seconds": round(time.monotonic() - STARTED, 1)}
    )


@never_cache
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """This process can serve: the database answers and is migrated."""
    found = DATABASE.found(DATABASE.begin())
    is_ready = all(each["status"] == "healthy" for each in found)
    body = {"status": "healthy" if is_ready else "unhealthy", "components": found}
    return answer(body, is_well=is_ready)


def answer(body: dict[str, Any], *, is_well: bool) -> JsonResponse:
    if is_well:
        return JsonResponse(body)
    return JsonResponse(body, status=503, headers=TRY_AGAIN)


urlpatterns = [
    re_path(r"^health/?$", health, name="health"),
    re_path(r"^health/live/?$", live, name="health-live"),
    re_path(r"^health/ready/?$", ready, name="health-ready"),
]
