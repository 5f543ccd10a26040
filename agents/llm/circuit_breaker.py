"""Leave a provider alone that has failed again and again, for a while.

The state is in Redis, so that what one worker has learnt all know; without Redis
each process learns for itself.
"""

import threading
import time
from collections.abc import Callable
from typing import Any

import redis
import structlog
from django.conf import settings

from accounts.outbound import redis_pool

log = structlog.get_logger(__name__)

# So many failures with no success between them open a circuit.
FAILURES = 5
# For how long nobody is let through, and for how long one who tries then has time.
OPEN_SECONDS = 30
PROBE_SECONDS = 30
# Failures that lie so far apart say nothing about now.
REMEMBER_SECONDS = 120


def admits(key: str) -> bool:
    """Say whether an account may be asked; after a pause, one tries for all."""
    return _try(lambda: _shared_admits(key), lambda: _local.admits(key))


def failed(key: str) -> None:
    """Count a failure; the fifth in a row opens the circuit."""
    _try(lambda: _shared_failed(key), lambda: _local.failed(key))


def succeeded(key: str) -> None:
    """Close the circuit."""
    _try(lambda: _redis().delete(*_names(key)), lambda: _local.succeeded(key))


def is_open(key: str) -> bool:
    """Say whether an account is being left alone."""
    return _try(lambda: _redis().exists(_names(key)[1]) == 1, lambda: False)


def _try(shared: Callable[[], Any], local: Callable[[], Any]) -> Any:
    try:
        return shared()
    except redis.RedisError as error:
        log.warning("Circuit kept by this process alone", error=type(error).__name__)
        return local()


def _names(key: str) -> tuple[str, str, str]:
    return tuple(f"ya:circuit:{key}:{part}" for part in ("failures", "open", "probe"))


def _shared_admits(key: str) -> bool:
    failures, is_open, probe = _names(key)
    count, closed_to_all = _redis().mget(failures, is_open)
    if closed_to_all is not None:
        return False
    if int(count or 0) < FAILURES:
        return True
    return bool(_redis().set(probe, 1, nx=True, ex=PROBE_SECONDS))


def _shared_failed(key: str) -> None:
    failures, is_open, probe = _names(key)
    with _redis().pipeline() as pipe:
        pipe.incr(failures)
        pipe.expire(failures, REMEMBER_SECONDS)
        count = pipe.execute()[0]
    if count >= FAILURES:
        with _redis().pipeline() as pipe:
            pipe.set(is_open, 1, ex=OPEN_SECONDS)
            pipe.delete(probe)
            pipe.execute()


def _redis() -> redis.Redis:
    return redis_pool.connect(settings.REDIS_URL)


class _Local:
    """The same in this process's memory."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        # How often in a row, and when last.
        self.failures: dict[str, tuple[int, float]] = {}

    def admits(self, key: str) -> bool:
        with self.lock:
            count, last = self.failures.get(key, (0, 0.0))
            if count < FAILURES:
                return True
            if time.monotonic() - last < OPEN_SECONDS:
                return False
            # The next one waits until this one has tried.
            self.failures[key] = (count, time.monotonic())
            return True

    def failed(self, key: str) -> None:
        with self.lock:
            count, last = self.failures.get(key, (0, 0.0))
            is_recent = time.monotonic() - last < REMEMBER_SECONDS
            self.failures[key] = (count + 1 if is_recent else 1, time.monotonic())

    def succeeded(self, key: str) -> None:
        with self.lock:
            self.failures.pop(key, None)


_local = _Local()
