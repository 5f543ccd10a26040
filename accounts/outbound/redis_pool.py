"""Clients of Redis for whoever cannot wait for it: requests, and what they call.

Redis remembers, counts and passes on, and whoever asks it can do without. One that
does not answer costs a caller half a second; then the whole process leaves it alone for
two seconds, and after each such rest one caller tries for all.
"""

import time
from functools import lru_cache
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.connection import ConnectionPool
from redis.retry import Retry

ANSWER_SECONDS = 0.5
REST_SECONDS = 2.0


class Rest:
    """Whether one server is left alone, in this process."""

    def __init__(self) -> None:
        self.is_away = False
        self.until = 0.0

    def check(self) -> None:
        """Raise at once while the server is left alone."""
        if not self.is_away:
            return
        now = time.monotonic()
        if now < self.until:
            raise redis.ConnectionError("Redis did not answer; it is left alone.")
        # This caller tries; the others wait until it knows more.
        self.until = now + 2 * ANSWER_SECONDS

    def begin(self) -> None:
        self.until = time.monotonic() + REST_SECONDS
        self.is_away = True

    def end(self) -> None:
        self.is_away = False


class Resting:
    """A connection that knows whether its server is left alone."""

    rest: Rest
    is_opening = False

    def connect_check_health(self, *args: Any, **options: Any) -> None:
        if self.is_connected:
            return
        self.rest.check()
        begun = time.monotonic()
        self.is_opening = True
        try:
            super().connect_check_health(*args, **options)
        except (redis.ConnectionError, redis.TimeoutError):
            # A refusal costs nothing; a name that is not found may.
            if time.monotonic() - begun > ANSWER_SECONDS / 2:
                self.rest.begin()
            raise
        finally:
            self.is_opening = False
        self.rest.end()

    def send_packed_command(self, *args: Any, **options: Any) -> None:
        if self.is_connected and not self.is_opening:
            self.rest.check()
        super().send_packed_command(*args, **options)

    def read_response(self, *args: Any, **options: Any) -> Any:
        try:
            found = super().read_response(*args, **options)
        except redis.TimeoutError:
            self.rest.begin()
            raise
        self.rest.end()
        return found


@lru_cache
def _resting(connection_class: type, place: str) -> type:
    name = f"Resting{connection_class.__name__}"
    return type(name, (Resting, connection_class), {"rest": _rest_of(place)})


@lru_cache
def _rest_of(place: str) -> Rest:
    return Rest()


class RestingPool(ConnectionPool):
    """Connections that are bounded, and leave a silent server alone."""

    def __init__(self, connection_class: type = redis.Connection, **options: Any):
        place = options.get("path") or f"{options.get('host')}:{options.get('port')}"
        bounds = {
            "protocol": 2,
            "socket_timeout": ANSWER_SECONDS,
            "socket_connect_timeout": ANSWER_SECONDS,
            # One more try: after a restart every pooled connection is dead.
            "retry": Retry(NoBackoff(), 1),
        }
        super().__init__(_resting(connection_class, place), **(bounds | options))


@lru_cache
def connect(url: str, **options: Any) -> redis.Redis:
    """Return this process's client of an address; every wait of it is bounded."""
    return redis.Redis(connection_pool=RestingPool.from_url(url, **options))
