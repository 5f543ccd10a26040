"""Find what the applied migrations created and the database no longer has.

What to expect is derived: tables, columns, indexes and constraints from the models as
the migrations leave them, the rest from the SQL that migrations run.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from django.db import connection, models
from django.db.migrations import RunSQL
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import SeparateDatabaseAndState

# What a migration's own SQL creates or drops: the verb, the kind, the name.
IN_SQL = re.compile(
    r"\b(CREATE|ADD|DROP)\s+(?:OR\s+REPLACE\s+)?(?:UNIQUE\s+)?"
    r"(FUNCTION|TRIGGER|EXTENSION|INDEX|CONSTRAINT)\s+(?:CONCURRENTLY\s+)?"
    r'(?:IF\s+(?:NOT\s+)?EXISTS\s+)?"?(\w+)',
    re.IGNORECASE,
)
# How PostgreSQL calls the kinds of constraints.
KINDS = {"p": "primary key", "u": "unique", "f": "foreign key", "c": "check"}
TABLES = """
    SELECT relname FROM pg_class
    WHERE relkind IN ('r', 'p') AND pg_table_is_visible(oid)
"""
COLUMNS = """
    SELECT relname, attname, attidentity <> '' OR atthasdef
    FROM pg_attribute JOIN pg_class AS held ON held.oid = attrelid
    WHERE relkind IN ('r', 'p') AND pg_table_is_visible(held.oid)
        AND attnum > 0 AND NOT attisdropped
"""
CONSTRAINTS = """
    SELECT conname, relname, contype::text, ARRAY(
        SELECT attname::text FROM unnest(conkey) WITH ORDINALITY AS key(number, place)
        JOIN pg_attribute ON attrelid = conrelid AND attnum = number ORDER BY place
    )
    FROM pg_constraint JOIN pg_class AS held ON held.oid = conrelid
    WHERE pg_table_is_visible(held.oid)
"""
# An index that was not completed finds nothing, and a `LIKE` has its own.
INDEXES = """
    SELECT own.relname, held.relname, ARRAY(
        SELECT attname::text FROM unnest(indkey) WITH ORDINALITY AS key(number, place)
        JOIN pg_attribute ON attrelid = indrelid AND attnum = number ORDER BY place
    ), (SELECT opcname FROM pg_opclass WHERE oid = indclass[0]) LIKE '%_pattern_ops'
    FROM pg_index JOIN pg_class AS own ON own.oid = indexrelid
    JOIN pg_class AS held ON held.oid = indrelid
    WHERE pg_table_is_visible(held.oid) AND indisvalid
"""
# One that is disabled guards nothing.
TRIGGERS = """
    SELECT tgname FROM pg_trigger JOIN pg_class AS held ON held.oid = tgrelid
    WHERE NOT tgisinternal AND tgenabled IN ('O', 'A') AND pg_table_is_visible(held.oid)
"""
FUNCTIONS = "SELECT proname FROM pg_proc WHERE pg_function_is_visible(oid)"
EXTENSIONS = "SELECT extname FROM pg_extension"
Part = tuple[str, str, tuple[str, ...]]


@dataclass
class Catalog:
    """What the database has."""

    tables: set[str] = field(default_factory=set)
    # Whether each column fills itself in.
    columns: dict[tuple[str, str], bool] = field(default_factory=dict)
    # Each table's indexes and constraints: name, kind, columns.
    parts: dict[str, set[Part]] = field(default_factory=lambda: defaultdict(set))
    # What migrations create by SQL: kind and name.
    by_sql: set[tuple[str, str]] = field(default_factory=set)


def read_catalog() -> Catalog:
    """Ask the database what it has."""
    found = Catalog(tables={name for (name,) in _rows(TABLES)})
    found.columns = {(table, name): fills for table, name, fills in _rows(COLUMNS)}
    for name, table, kind, columns in _rows(CONSTRAINTS):
        found.parts[table].add((name, KINDS.get(kind, kind), tuple(columns)))
        found.by_sql.add(("constraint", name))
    for name, table, columns, is_like in _rows(INDEXES):
        kind = "index for LIKE" if is_like else "index"
        found.parts[table].add((name, kind, tuple(columns)))
        found.by_sql.add(("index", name))
    for kind, sql in (
        ("trigger", TRIGGERS),
        ("function", FUNCTIONS),
        ("extension", EXTENSIONS),
    ):
        found.by_sql |= {(kind, name) for (name,) in _rows(sql)}
    return found


def _rows(sql: str) -> list[tuple]:
    with connection.cursor() as cursor:
        # Without parameters `%` stands for itself.
        cursor.execute(sql)
        return cursor.fetchall()


def missing_parts() -> list[str]:
    """Name each table, column, index, constraint, trigger and so on that is missing."""
    loader = MigrationLoader(connection)
    applied = [node for node in loader.graph.nodes if node in loader.applied_migrations]
    state = loader.project_state(applied)
    found = read_catalog()
    missing = [
        f"{kind} {name}"
        for kind, name in sorted(_expected_by_sql(loader, applied))
        if (kind, name) not in found.by_sql
    ]
    for model in state.apps.get_models(include_auto_created=True):
        if model._meta.managed and not model._meta.proxy:
            missing += _missing_of(model, found)
    return missing


def _expected_by_sql(
    loader: MigrationLoader, applied: Iterable[tuple[str, str]]
) -> set[tuple[str, str]]:
    """Follow the SQL of all applied migrations, in their order."""
    expected: set[tuple[str, str]] = set()
    plans = map(loader.graph.forwards_plan, applied)
    for node in dict.fromkeys(chain.from_iterable(plans)):
        operations = loader.get_migration(*node).operations
        for sql in _sql_of(operations):
            for verb, kind, name in IN_SQL.findall(sql):
                change = expected.discard if verb.upper() == "DROP" else expected.add
                change((kind.lower(), name))
    return expected


def _sql_of(operations: Iterable[Any]) -> Iterator[str]:
    for operation in operations:
        if isinstance(operation, SeparateDatabaseAndState):
            yield from _sql_of(operation.database_operations)
        elif isinstance(operation, RunSQL):
            parts = operation.sql
            for part in [parts] if isinstance(parts, str) else parts:
                yield part if isinstance(part, str) else part[0]


def _missing_of(model: type[models.Model], found: Catalog) -> Iterator[str]:
    table = model._meta.db_table
    if table not in found.tables:
        yield f"table {table}"
        return
    named = {
        part.name: "index" if isinstance(part, models.Index) else "constraint"
        for part in (*model._meta.indexes, *model._meta.constraints)
    }
    held = {name for name, *_ in found.parts[table]}
    yield from (
        f"{kind} {name} of {table}" for name, kind in named.items() if name not in held
    )
    # What stands in for a part that Django named by itself must not be another one.
    built = {tuple(rest) for name, *rest in found.parts[table] if name not in named}
    for names in model._meta.unique_together:
        columns = tuple(model._meta.get_field(name).column for name in names)
        if ("unique", columns) not in built:
            yield f"unique constraint of {table} ({', '.join(columns)})"
    for column in model._meta.local_concrete_fields:
        fills = found.columns.get((table, column.column))
        if fills is None:
            yield f"column {column.column} of {table}"
            continue
        if isinstance(column, models.AutoField) and not fills:
            yield f"sequence of {table} ({column.column})"
        for kind in _kinds_of(column):
            if (kind, (column.column,)) not in built:
                yield f"{kind} of {table} ({column.column})"


def _kinds_of(column: models.Field) -> Iterator[str]:
    """Name the indexes and constraints Django creates for a column by itself."""
    if column.primary_key:
        yield "primary key"
    elif column.unique:
        yield "unique"
    elif column.db_index:
        yield "index"
    if column.remote_field and column.db_constraint:
        yield "foreign key"
    if column.db_check(connection):
        yield "check"
    kept_as = column.db_type(connection) or ""
    is_text = kept_as.startswith(("varchar", "text")) and "[" not in kept_as
    if is_text and (column.unique or column.db_index):
        yield "index for LIKE"
