"""How a worker says that it lives, and how /health hears it."""

import json
import os
import threading

import redis
import structlog
from celery import bootsteps
from django.conf import settings

from accounts.outbound import redis_pool

log = structlog.get_logger(__name__)

EVERY_SECONDS = 5
LASTS_SECONDS = 15
PREFIX = "ya:worker:"
# The names, so that a reader need not scan every key there is.
NAMES = "ya:workers"


def connect() -> redis.Redis:
    """Return a client whose every wait is bounded."""
    return redis_pool.connect(settings.REDIS_URL, decode_responses=True)


def say_alive(client: redis.Redis, name: str, queues: list[str]) -> None:
    """Write this worker's key for another few seconds."""
    body = json.dumps({"queues": queues, "pid": os.getpid()})
    with client.pipeline(transaction=False) as pipe:
        pipe.sadd(NAMES, name)
        pipe.set(PREFIX + name, body, ex=LASTS_SECONDS)
        pipe.execute()


def say_goodbye(client: redis.Redis, name: str) -> None:
    """Take this worker's key away."""
    with client.pipeline(transaction=False) as pipe:
        pipe.srem(NAMES, name)
        pipe.delete(PREFIX + name)
        pipe.execute()


def living_queues(client: redis.Redis) -> dict[str, int]:
    """Count the workers that consume each queue now."""
    names = sorted(client.smembers(NAMES))
    bodies = client.mget([PREFIX + name for name in names]) if names else []
    if silent := [name for name, body in zip(names, bodies, strict=True) if not body]:
        client.srem(NAMES, *silent)
    counts: dict[str, int] = {}
    for body in filter(None, bodies):
        for queue in json.loads(body)["queues"]:
            counts[queue] = counts.get(queue, 0) + 1
    return counts


class Heartbeat(bootsteps.StartStopStep):
    """Beat from the worker's main process while it runs."""

    requires = {"celery.worker.components:Pool"}

    def __init__(self, worker, **options):
        super().__init__(worker, **options)
        self.over = threading.Event()
        self.thread: threading.Thread | None = None

    def start(self, worker):
        self.over.clear()
        self.thread = threading.Thread(
            target=self.run, args=(worker,), name="heartbeat", daemon=True
        )
        self.thread.start()

    def run(self, worker) -> None:
        """Beat until told to stop; a Redis that is away is waited for."""
        client, silent = connect(), False
        while True:
            try:
                queues = list(worker.app.amqp.queues.consume_from)
                say_alive(client, worker.hostname, queues)
                silent = False
            except redis.RedisError as error:
                if not silent:
                    log.warning("Heartbeat not written", error=type(error).__name__)
                silent = True
            if self.over.wait(EVERY_SECONDS):
                break
        try:
            say_goodbye(client, worker.hostname)
        except redis.RedisError:
            log.info("Heartbeat left to run out")
        finally:
            client.close()

    def stop(self, worker):
        self.over.set()
        if self.thread is not None:
            self.thread.join(LASTS_SECONDS)

    terminate = stop
