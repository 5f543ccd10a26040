"""Every migration can be taken back, and put on again with the same result."""

from collections.abc import Iterator

import pytest
from django.core.management import call_command
from django.db import connection, connections
from django.db.migrations.loader import MigrationLoader

from config.database import disconnect

OURS = ("accounts", "metrics", "agents", "widget")
# Named as the documents that ask for these tables name them.
PROMISED = {
    "accounts": {
        "create_users_table",
        "create_api_keys_table",
        "create_audit_logs_table",
    },
    "agents": {"create_sessions_table"},
}
SCHEMA = """
    SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable
        || ' ' || coalesce(column_default, '')
    FROM information_schema.columns WHERE table_schema = 'public'
    UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT conrelid::regclass || ' ' || conname || ' '
        || pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT tgrelid::regclass || ' ' || pg_get_triggerdef(oid)
        FROM pg_trigger WHERE NOT tgisinternal
"""


@pytest.fixture
def copy(django_db_setup, django_db_blocker) -> Iterator[str]:
    """A copy of the tests' database, to be undone."""
    alias = "copy"
    with django_db_blocker.unblock():
        source = connection.settings_dict["NAME"]
        name = f"{source}_{alias}"
        disconnect()  # nobody may look on while it is copied
        with connection._nodb_cursor() as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{name}"')
            cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{source}"')
        options = connection.settings_dict["OPTIONS"] | {"pool": False}
        known = connection.settings_dict | {"NAME": name, "OPTIONS": options}
        connections.databases[alias] = known
        try:
            yield alias
        finally:
            connections[alias].close()
            del connections[alias], connections.databases[alias]
            with connection._nodb_cursor() as cursor:
                cursor.execute(f'DROP DATABASE IF EXISTS "{name}"')


def schema_of(alias: str) -> set[str]:
    with connections[alias].cursor() as cursor:
        cursor.execute(SCHEMA)
        return {row[0] for row in cursor.fetchall()}


def migrate(alias: str, *where: str) -> None:
    call_command("migrate", *where, database=alias, verbosity=0, interactive=False)


@pytest.mark.process
@pytest.mark.timeout(300)
@pytest.mark.django_db(transaction=True)
def test_all_tables_go_back_to_nothing_and_come_again(copy):
    first = schema_of(copy)
    # The others rest on it, and go first.
    migrate(copy, "accounts", "zero")
    tables = set(connections[copy].introspection.table_names())
    assert {"users", "agents", "agent_metrics", "widget_sessions"} & tables == set()
    migrate(copy)
    assert schema_of(copy) == first


def test_migrations_are_named_as_promised_and_none_by_machine():
    names = MigrationLoader(None).disk_migrations.keys()
    mine = {app: {n[5:] for a, n in names if a == app} for app in OURS}
    assert {app: PROMISED[app] - mine[app] for app in PROMISED} == {
        "accounts": set(),
        "agents": set(),
    }
    assert [n for app in OURS for n in mine[app] if "auto" in n.split("_")] == []
