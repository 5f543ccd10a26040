"""The SQL of one request, as PostgreSQL itself logged it: for every stack alike."""

import re
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

from benchmarks.house import superuser_dsn

ENTRY = re.compile(
    r"^\S+ \S+ \S+ \[\d+\] LOG:  (?:statement|execute [^:]*): (.*?)"
    r"(?=^\S+ \S+ \S+ \[\d+\] |\Z)",
    re.MULTILINE | re.DOTALL,
)
TRANSACTION = re.compile(r"(BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE)\b", re.IGNORECASE)
# What a pool asks a connection before it hands it out.
CHECK = re.compile(r"(SELECT 1)?;?\Z", re.IGNORECASE)
MARK = "SELECT 'end of the request'"


def of_request(data_dir: Path, send: Callable[[], object]) -> list[str]:
    """Return the statements PostgreSQL ran for what `send` does."""
    log = data_dir / "postgres.log"
    with psycopg.connect(superuser_dsn(data_dir), autocommit=True) as connection:
        set_logging(connection, "all")
        begin = log.stat().st_size
        send()
        connection.execute(MARK)
        text = written(log, begin)
        set_logging(connection, "none")
    statements = [" ".join(found.split()) for found in ENTRY.findall(text)]
    return [one for one in statements if one != MARK and not CHECK.match(one)]


def set_logging(connection: psycopg.Connection, level: str) -> None:
    """Change what is logged, and wait until our own server process has heard it."""
    connection.execute(f"ALTER SYSTEM SET log_statement = '{level}'")
    connection.execute("SELECT pg_reload_conf()")
    until = time.monotonic() + 10
    while connection.execute("SHOW log_statement").fetchone()[0] != level:
        if time.monotonic() > until:
            raise RuntimeError("PostgreSQL did not read its configuration again.")
        time.sleep(0.01)


def written(log: Path, begin: int) -> str:
    """Return what was logged up to our mark."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        with log.open("rb") as file:
            file.seek(begin)
            text, mark, _ = file.read().decode(errors="replace").partition(MARK)
        if mark:
            return text
        time.sleep(0.01)
    raise RuntimeError("PostgreSQL logged nothing.")


def is_authentication(statement: str) -> bool:
    return "api_keys" in statement and "key_hash" in statement


def is_query(statement: str) -> bool:
    return not TRANSACTION.match(statement)


def shortened(statement: str) -> str:
    """Leave out lists of columns and values, which say little and fill pages."""
    text = re.sub(r"'(?:[^']|''){25,}'", "'…'", statement)
    text = re.sub(r"^SELECT (?!…).{60,}? FROM ", "SELECT … FROM ", text)
    text = re.sub(r"(INSERT INTO \S+) \([^)]*\) VALUES .*", r"\1 (…) VALUES (…)", text)
    return text if len(text) <= 400 else text[:399] + "…"
