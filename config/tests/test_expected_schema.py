"""Whatever a restored database lacks, `check_database` names."""

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from config.expected_schema import missing_parts

pytestmark = pytest.mark.django_db
# Everything a migrated database has, and how it is taken away.
ALL = {
    "table": """
        SELECT relname, format('DROP TABLE IF EXISTS %I CASCADE', relname) FROM pg_class
        WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
            AND relname <> 'django_migrations'
    """,
    "constraint": """
        SELECT conrelid::regclass::text,
            format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS %I CASCADE',
                conrelid::regclass, conname)
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace
            AND contype IN ('p', 'u', 'f', 'c')
            AND conrelid <> 'django_migrations'::regclass
    """,
    "index": """
        SELECT CASE WHEN indkey::text = '0' THEN indexrelid ELSE indrelid
            END::regclass::text,
            format('DROP INDEX %s', indexrelid::regclass)
        FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
        WHERE relnamespace = 'public'::regnamespace AND NOT EXISTS (
            SELECT FROM pg_constraint WHERE conindid = indexrelid
                AND contype IN ('p', 'u')
        )
    """,
    "trigger": """
        SELECT tgname, format('DROP TRIGGER %I ON %s', tgname, tgrelid::regclass)
        FROM pg_trigger WHERE NOT tgisinternal
    """,
    "function": """
        SELECT proname, format('DROP FUNCTION %s CASCADE', pg_proc.oid::regprocedure)
        FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND NOT EXISTS (
            SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e'
        )
    """,
    "sequence": """
        SELECT relname, format('ALTER TABLE %I ALTER %I DROP IDENTITY', relname,
            attname)
        FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        WHERE attidentity <> '' AND relname <> 'django_migrations'
    """,
}


def carry_out(sql: str) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else []


def missing_after(*statements: str) -> list[str]:
    """Name what is missing, then bring back what was dropped."""
    with transaction.atomic():
        for sql in statements:
            carry_out(sql)
        found = missing_parts()
        transaction.set_rollback(True)
    return found


def test_a_migrated_database_lacks_nothing():
    assert missing_parts() == []


@pytest.mark.parametrize("kind", ALL)
def test_everything_that_is_dropped_is_missed(kind):
    parts = carry_out(ALL[kind])
    assert parts
    said = missing_after(*(sql for _, sql in parts))
    assert len(said) >= len(parts)
    assert {name for name, _ in parts if not any(name in one for one in said)} == set()


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("DROP TABLE chunks CASCADE", "table chunks"),
        ("ALTER TABLE agents DROP COLUMN name CASCADE", "column name of agents"),
        ("DROP INDEX ix_audit_action", "index ix_audit_action of audit_logs"),
        ("DROP INDEX ix_chunks_nearest_256", "index ix_chunks_nearest_256"),
        (
            "ALTER TABLE audit_logs DISABLE TRIGGER audit_logs_append_only",
            "trigger audit_logs_append_only",
        ),
    ],
)
def test_what_is_missing_is_named(sql, said):
    assert said in missing_after(sql)


def test_the_command_names_what_is_missing_and_fails(capsys):
    with transaction.atomic():
        carry_out("DROP TABLE chunks CASCADE")
        with pytest.raises(CommandError, match="missing"):
            call_command("check_database")
        transaction.set_rollback(True)
    assert "missing: table chunks\n" in capsys.readouterr().out
