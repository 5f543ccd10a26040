"""The database: its address, its pool, and what the pool is doing now.

Settings import this module, so Django's connections are imported where used.
"""

import atexit
import contextlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

if TYPE_CHECKING:
    import psycopg

PROFILES = {
    "small": (5, 10),
    "medium": (10, 20),
    "large": (20, 40),
    "production": (20, 10),
    "metrics": (20, 30),
}
SCHEMES = {"postgres", "postgresql"}
SSL_MODES = {"true": "require", "1": "require", "false": "disable", "0": "disable"}
# A server that is there answers sooner; libpq would wait two minutes.
CONNECT_SECONDS = 5
# Two seconds is libpq's shortest; localhost may be two addresses.
PROBE_SECONDS = 2
PROBE_BOUNDS = {
    "connect_timeout": PROBE_SECONDS,
    "tcp_user_timeout": PROBE_SECONDS * 1000,
    "autocommit": True,
}


def parse_database_url(url: str) -> dict[str, Any]:
    """Turn a PostgreSQL address into the entry Django wants, without a pool."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        # Never the address itself: it holds a password.
        raise ImproperlyConfigured("DATABASE_URL: the port is not a number.") from error
    if parts.scheme.partition("+")[0] not in SCHEMES:
        raise ImproperlyConfigured(
            "DATABASE_URL must start with postgresql:// (PostgreSQL is required)."
        )
    name = unquote(parts.path.removeprefix("/"))
    if not name:
        raise ImproperlyConfigured("DATABASE_URL names no database.")
    options = _options(parts.query)
    return {
        "ENGINE": "config.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", "") or _host(parts),
        "PORT": options.pop("port", "") or (str(port) if port else ""),
        "OPTIONS": options,
    }


def _host(parts: SplitResult) -> str:
    written = parts.netloc.rpartition("@")[2]
    if written.lower().startswith("%2f"):
        # A socket's directory: .hostname would have lower-cased it.
        return unquote(written.partition(":")[0])
    return parts.hostname or ""


def _options(query: str) -> dict[str, Any]:
    options: dict[str, Any] = dict(parse_qsl(query))
    if not options:
        return options
    if ssl := options.pop("ssl", ""):
        options.setdefault("sslmode", SSL_MODES.get(ssl.lower(), ssl))
    from psycopg import pq

    known = {option.keyword.decode() for option in pq.Conninfo.get_defaults()}
    if unknown := sorted(set(options) - known):
        raise ImproperlyConfigured(
            f"DATABASE_URL: PostgreSQL knows no option {', '.join(unknown)}."
        )
    return options


def database_config(
    url: str,
    pool_size: int = 5,
    max_overflow: int = 10,
    pool_timeout: float = 30,
    pool_recycle: float = 3600,
    pool_pre_ping: bool = True,
    echo_sql: bool = False,
    pool: bool = True,
) -> dict[str, Any]:
    """Build the DATABASES entry for this address and pool."""
    entry = parse_database_url(url)
    entry["CONN_HEALTH_CHECKS"] = pool_pre_ping
    entry["ECHO_SQL"] = echo_sql
    entry["OPTIONS"].setdefault("connect_timeout", CONNECT_SECONDS)
    if pool:
        # Django refuses a pool together with connections that outlive a request.
        entry["CONN_MAX_AGE"] = 0
        # Pooled connections live long enough to keep their plans: planning a small
        # query costs PostgreSQL more than running it.
        entry["OPTIONS"] |= {"server_side_binding": True, "prepare_threshold": 5}
        entry["OPTIONS"]["pool"] = {
            "min_size": pool_size,
            "max_size": pool_size + max_overflow,
            "timeout": pool_timeout,
            "max_lifetime": pool_recycle,
        }
    else:
        entry["CONN_MAX_AGE"] = pool_recycle
    return entry


def replica_config(url: str, **options: Any) -> dict[str, Any]:
    """Build the DATABASES entry of a replica, on which nothing can be written."""
    entry = database_config(url, **options)
    entry["OPTIONS"].setdefault("options", "-c default_transaction_read_only=on")
    entry["TEST"] = {"MIRROR": "default"}
    return entry


def pool_settings(environ: Mapping[str, str]) -> dict[str, Any]:
    """Read DB_POOL_PROFILE and DB_*; a variable set by itself beats the profile."""
    profile = environ.get("DB_POOL_PROFILE", "").strip().lower() or "small"
    if profile not in PROFILES:
        raise ImproperlyConfigured(
            f"DB_POOL_PROFILE must be one of {', '.join(PROFILES)}."
        )
    size, overflow = PROFILES[profile]
    return {
        "pool": _flag(environ, "DB_POOL", True),
        "pool_size": _number(environ, "DB_POOL_SIZE", size, least=1),
        "max_overflow": _number(environ, "DB_MAX_OVERFLOW", overflow),
        "pool_timeout": _number(environ, "DB_POOL_TIMEOUT", 30, least=1),
        "pool_recycle": _number(environ, "DB_POOL_RECYCLE", 3600, least=1),
        "echo_sql": _flag(environ, "DB_ECHO_SQL", False),
    }


def _number(environ: Mapping[str, str], name: str, default: int, least: int = 0) -> int:
    value = environ.get(name, "").strip()
    if not value:
        return default
    if not (value.isascii() and value.isdigit()) or int(value) < least:
        raise ImproperlyConfigured(f"{name} must be a whole number from {least}.")
    return int(value)


def _flag(environ: Mapping[str, str], name: str, default: bool) -> bool:
    value = environ.get(name, "").strip().lower()
    if not value:
        return default
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} must be true or false.")


def get_pool_stats(alias: str = "default") -> dict[str, int]:
    """Count this process's connections, in the six numbers of a pool."""
    from django.db import connections

    connection = connections[alias]
    if not (pool := connection.pool):
        out = int(connection.connection is not None)
        return {
            "pool_size": 0,
            "max_overflow": 0,
            "checked_in": 0,
            "checked_out": out,
            "overflow": out,
            "total": out,
        }
    total = 0 if pool.closed else pool.get_stats()["pool_size"]
    checked_in = 0 if pool.closed else pool.get_stats()["pool_available"]
    return {
        "pool_size": pool.min_size,
        "max_overflow": pool.max_size - pool.min_size,
        "checked_in": checked_in,
        "checked_out": total - checked_in,
        "overflow": max(0, total - pool.min_size),
        "total": total,
    }


@contextlib.contextmanager
def probe(alias: str = "default") -> "Iterator[psycopg.Connection]":
    """Open a bounded connection of its own, so that a full pool cannot delay it."""
    import psycopg
    from django.db import connections

    params = connections[alias].get_connection_params() | PROBE_BOUNDS
    with psycopg.connect(**params) as connection:
        connection.execute("SET statement_timeout = 1000")
        yield connection


def health_check(alias: str = "default") -> bool:
    """Say whether the database answers; never raise."""
    try:
        with probe(alias) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except Exception:
        return False


def disconnect() -> None:
    """Close this thread's connections and this process's pools."""
    from django.db import connections

    for connection in connections.all(initialized_only=True):
        with contextlib.suppress(Exception):
            connection.close()
        connection.close_pool()


@atexit.register
def _disconnect_at_exit() -> None:
    if settings.configured:
        disconnect()


def echo_sql(*, connection: Any, **_: Any) -> None:
    """Log this connection's statements if its entry says so, DEBUG or not."""
    if connection.settings_dict.get("ECHO_SQL"):
        connection.force_debug_cursor = True


class DatabaseManager:
    """One object to open, look at and close the default database."""

    alias = "default"

    def connect(self, url: str | None = None, **options: Any) -> None:
        """Open the pool; with an address or options, replace the entry first."""
        from django.db import connections

        connection = connections[self.alias]
        if url or options:
            disconnect()
            entry = database_config(url or settings.DATABASE_URL, **options)
            # The dictionary is shared by every thread's connection.
            connection.settings_dict.update(entry)
        connection.ensure_connection()

    @property
    def is_connected(self) -> bool:
        """Say whether a pool, or this thread's connection, is open."""
        from django.db import connections

        connection = connections[self.alias]
        pool = connection.pool
        return bool(pool and not pool.closed) or connection.connection is not None

    def get_pool_stats(self) -> dict[str, int]:
        """Count this process's connections."""
        return get_pool_stats(self.alias)

    def health_check(self) -> bool:
        """Say whether the database answers."""
        return health_check(self.alias)

    def disconnect(self) -> None:
        """Close everything; the next query opens it again."""
        disconnect()


db = DatabaseManager()
