"""The tests' databases: copied from one that is migrated once, and emptied at once.

Migrating takes seconds, four times a run. Truncating every table and sending
`post_migrate`, as Django does after a test with transactions of its own, takes a fifth
of a second, hundreds of times; what a test left is deleted in a tenth of that.
"""

import fcntl
import hashlib
import os
import subprocess
import sys

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import TransactionTestCase

from config import embedded

# Rows that are there before any test are kept aside, and put back if a test moved them.
REMEMBER = """
DO $$
DECLARE
    known record;
    is_filled boolean;
BEGIN
    CREATE SCHEMA kept;
    FOR known IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
        EXECUTE format('SELECT EXISTS (TABLE public.%I)', known.tablename)
            INTO is_filled;
        IF is_filled THEN
            EXECUTE format('CREATE TABLE kept.%I AS TABLE public.%1$I',
                known.tablename);
        END IF;
    END LOOP;
END $$
"""
# The locks wait for whoever still writes. A replica deletes without triggers: the audit
# log's would refuse, and foreign keys would ask for an order.
EMPTY = """
DO $$
DECLARE
    known record;
    is_other boolean;
BEGIN
    SET LOCAL session_replication_role = replica;
    SET LOCAL lock_timeout = '30s';
    FOR known IN
        SELECT tablename, to_regclass(format('kept.%I', tablename)) IS NOT NULL AS kept
        FROM pg_tables WHERE schemaname = 'public' ORDER BY 1
    LOOP
        EXECUTE format('LOCK TABLE public.%I IN SHARE ROW EXCLUSIVE MODE',
            known.tablename);
        IF known.kept THEN
            EXECUTE format('SELECT EXISTS (TABLE public.%I EXCEPT TABLE kept.%1$I)'
                ' OR EXISTS (TABLE kept.%1$I EXCEPT TABLE public.%1$I)',
                known.tablename) INTO is_other;
        ELSE
            EXECUTE format('SELECT EXISTS (TABLE public.%I)', known.tablename)
                INTO is_other;
        END IF;
        IF is_other THEN
            EXECUTE format('DELETE FROM public.%I', known.tablename);
            IF known.kept THEN
                EXECUTE format('INSERT INTO public.%I TABLE kept.%1$I',
                    known.tablename);
            END IF;
        END IF;
    END LOOP;
END $$
"""


def is_built_in() -> bool:
    """Say whether this is the built-in server, where a superuser may be had."""
    place = str(embedded.socket_dir(settings.DATA_DIR))
    return connection.settings_dict["HOST"] == place


def use_copies() -> None:
    """Let the tests' databases be copies of one that is migrated."""
    connection.settings_dict["TEST"]["TEMPLATE"] = _migrated()


def _migrated() -> str:
    name = f"template_{_digest()}"
    with (
        (settings.DATA_DIR / "template.lock").open("w") as lock,
        embedded._superuser(settings.DATA_DIR, "postgres") as postgres,
    ):
        # One worker makes it, the others wait.
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = postgres.execute(
            r"SELECT datname FROM pg_database WHERE datname LIKE 'template\__%%'"
        )
        others = {row[0] for row in found}
        if name in others:
            return name
        for other in others - {"template0", "template1"}:
            postgres.execute(f"DROP DATABASE {other}")
        postgres.execute(f"CREATE DATABASE {name}_new OWNER {embedded.ROLE}")
        address, _, query = settings.DATABASE_URL.partition("?")
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
            cwd=settings.BASE_DIR,
            env=os.environ
            | {"DATABASE_URL": f"{address.rpartition('/')[0]}/{name}_new?{query}"},
            check=True,
        )
        postgres.execute(f"ALTER DATABASE {name}_new RENAME TO {name}")
    return name


def _digest() -> str:
    """Name what a migrated database is made of."""
    sources = sorted(settings.BASE_DIR.glob("*/migrations/*.py"))
    sources.append(settings.BASE_DIR / "requirements.txt")
    digest = hashlib.sha256()
    for path in sources:
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def empty_at_once() -> None:
    """Remember what is in the fresh database, and return to that after each test."""
    _carry_out(REMEMBER)
    TransactionTestCase._fixture_teardown = lambda case: empty()


def empty() -> None:
    """Leave of the tests' database what was there before the first of them."""
    if is_built_in():
        _carry_out(EMPTY)
    else:
        call_command("flush", interactive=False, inhibit_post_migrate=False)


def _carry_out(sql: str) -> None:
    name = connection.settings_dict["NAME"]
    with embedded._superuser(settings.DATA_DIR, name) as database:
        database.execute(sql)
