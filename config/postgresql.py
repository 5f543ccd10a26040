"""Django's PostgreSQL backend, with a pool that recovers at once from a restart.

The pool's own check of a connection waits one, two, four, eight seconds between
connections it finds dead. After a restart of the server all of them are, and the
first request would wait for the sum.
"""

import select
import sys
import time
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any

import psycopg
from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.postgresql import base
from django.db.backends.postgresql.psycopg_any import BaseTzLoader
from psycopg.adapt import AdaptersMap
from psycopg_pool import ConnectionPool

from config.database import PROBE_BOUNDS
from config.measures import measures
from config.reachability import WatchingPool

# Django imports ENGINE + ".base"; here the module is its own.
sys.modules[f"{__name__}.base"] = sys.modules[__name__]

# Dead ones in a row, each replaced, before the caller gets to see it.
TRIES = 3
# What was at work so recently is not asked whether it lives: one look whether its
# socket is closed tells as much, and costs no round trip.
FRESH_SECONDS = 0.5


class MomentLoader(BaseTzLoader):
    """Read moments as the standard library does, which is in C.

    Django's loader matches a regular expression in Python: a third of a list's
    processor time.
    """

    # What Django asks a loader: the zone its moments are in.
    timezone = UTC

    def load(self, data):
        try:
            return datetime.fromisoformat(str(data, "ascii"))
        except ValueError:
            # No moment that Python knows: the driver says why.
            return super().load(data)


@cache
def with_moments(adapters: AdaptersMap) -> AdaptersMap:
    """Return adapters whose moments are read by `MomentLoader`."""
    adapters = AdaptersMap(adapters)
    adapters.register_loader("timestamptz", MomentLoader)
    return adapters


class DatabaseWrapper(base.DatabaseWrapper):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.execute_wrappers.append(measures.time_statement)

    def _commit(self):
        super()._commit()
        measures.count_end(committed=True)

    def _rollback(self):
        super()._rollback()
        measures.count_end(committed=False)

    def get_connection_params(self):
        params = super().get_connection_params()
        if self.timezone == UTC:
            params["context"] = with_moments(params["context"])
        return params

    @property
    def pool(self):
        options = self.settings_dict["OPTIONS"].get("pool")
        if self.alias == NO_DB_ALIAS or not options:
            return None
        if self.alias not in self._connection_pools:
            params = self.get_connection_params()
            pool = WatchingPool(
                ask=partial(ask, params | PROBE_BOUNDS),
                kwargs=params | {"autocommit": True},
                open=False,
                configure=self._configure_connection,
                **options,
            )
            self._connection_pools.setdefault(self.alias, pool)
        return self._connection_pools[self.alias]

    def get_new_connection(self, conn_params):
        connection = super().get_new_connection(conn_params)
        pool = self.pool
        if pool is None or not self.settings_dict["CONN_HEALTH_CHECKS"]:
            return connection
        for _ in range(TRIES):
            if is_at_work(connection) or answers(connection):
                break
            pool.putconn(connection)
            pool.server.check()
            # What ended this one has likely ended the others.
            pool.check()
            connection = pool.getconn()
        return connection

    def _close(self):
        if self.connection is not None:
            self.connection.given_back_at = time.monotonic()
        super()._close()


def is_at_work(connection: psycopg.Connection) -> bool:
    """Say whether a connection was in use just now and nobody has ended it since."""
    given_back_at = getattr(connection, "given_back_at", None)
    if given_back_at is None or time.monotonic() - given_back_at > FRESH_SECONDS:
        return False
    # Between two queries a server says nothing, unless it ends.
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return not poll.poll(0)


def ask(params: dict[str, Any]) -> None:
    """Return once the server takes a new connection, or raise."""
    psycopg.connect(**params).close()


def answers(connection: psycopg.Connection) -> bool:
    """Say whether the server is still at the other end."""
    try:
        ConnectionPool.check_connection(connection)
    except psycopg.Error:
        return False
    return True
