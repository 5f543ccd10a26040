"""Insert new rows of several tables in one statement."""

from collections.abc import Iterator
from functools import lru_cache
from itertools import islice

from django.db import connections, models, router


def insert_together(*rows: models.Model) -> None:
    """Store new rows whose primary keys are known, in one round trip.

    The ORM builds a statement anew for each row; these texts are built once. Every
    column is given, so none is left to a default of the database.
    """
    database = connections[router.db_for_write(type(rows[0]))]
    values = [
        field.get_db_prep_save(field.pre_save(row, True), database)
        for row in rows
        for field in row._meta.concrete_fields
    ]
    # Empty columns are part of the text: psycopg keeps what it found out about a
    # statement only up to fifty values.
    is_empty = tuple(value is None for value in values)
    statement = _statement(tuple(type(row) for row in rows), is_empty)
    with database.cursor() as cursor:
        cursor.execute(statement, [value for value in values if value is not None])
    for row in rows:
        row._state.adding, row._state.db = False, database.alias


@lru_cache(maxsize=64)
def _statement(
    tables: tuple[type[models.Model], ...], is_empty: tuple[bool, ...]
) -> str:
    places = iter("NULL" if empty else "%s" for empty in is_empty)
    *first, last = [_insert(table, places) for table in tables]
    if not first:
        return last
    parts = ", ".join(f"row{number} AS ({sql})" for number, sql in enumerate(first))
    return f"WITH {parts} {last}"


def _insert(table: type[models.Model], places: Iterator[str]) -> str:
    fields = table._meta.concrete_fields
    columns = ", ".join(f'"{field.column}"' for field in fields)
    values = ", ".join(islice(places, len(fields)))
    return f'INSERT INTO "{table._meta.db_table}" ({columns}) VALUES ({values})'  # noqa: S608 - the names are our own
