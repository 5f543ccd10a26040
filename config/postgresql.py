"""Django's PostgreSQL backend, with a pool that recovers at once from a restart.

The pool's own check of a connection waits one, two, four, eight seconds between
connections it finds dead. After a restart of the server all of them are, and the
first request would wait for the sum.
"""

import sys

import psycopg
from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.postgresql import base
from psycopg_pool import ConnectionPool

# Django imports ENGINE + ".base"; here the module is its own.
sys.modules[f"{__name__}.base"] = sys.modules[__name__]

# Dead ones in a row, each replaced, before the caller gets to see it.
TRIES = 3


class DatabaseWrapper(base.DatabaseWrapper):
    @property
    def pool(self):
        options = self.settings_dict["OPTIONS"].get("pool")
        if self.alias == NO_DB_ALIAS or not options:
            return None
        if self.alias not in self._connection_pools:
            pool = ConnectionPool(
                kwargs=self.get_connection_params() | {"autocommit": True},
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
            if answers(connection):
                break
            pool.putconn(connection)
            # What ended this one has likely ended the others.
            pool.check()
            connection = pool.getconn()
        return connection


def answers(connection: psycopg.Connection) -> bool:
    """Say whether the server is still at the other end."""
    try:
        ConnectionPool.check_connection(connection)
    except psycopg.Error:
        return False
    return True
