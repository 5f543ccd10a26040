"""Insert new rows of several tables in one statement."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

from django.db import connections, models, router

PLACE = "%s"


class Beside(NamedTuple):
    """A statement to carry out beside the rows; it returns a row for each it wrote."""

    sql: str
    values: tuple[Any, ...]


def insert_together(*rows: models.Model, beside: Sequence[Beside] = ()) -> list[bool]:
    """Store new rows whose primary keys are known, in one round trip.

    The ORM builds a statement anew for each row; these texts are built once. Every
    column is given, so none is left to a default of the database. Returns of each
    statement beside whether it wrote anything.
    """
    database = connections[router.db_for_write(type(rows[0]))]
    values = [
        field.get_db_prep_save(field.pre_save(row, True), database)
        for row in rows
        for field in row._meta.concrete_fields
    ]
    # The usual values are part of the text: psycopg keeps what it found out about a
    # statement only up to fifty others.
    written = tuple(map(_in_words, values))
    statement = _statement(
        tuple(type(row) for row in rows), written, tuple(each.sql for each in beside)
    )
    given = [
        value for value, word in zip(values, written, strict=True) if word == PLACE
    ]
    for each in beside:
        given += each.values
    with database.cursor() as cursor:
        cursor.execute(statement, given)
        wrote = cursor.fetchone() if beside else ()
    for row in rows:
        row._state.adding, row._state.db = False, database.alias
    return list(wrote)


def _in_words(value: Any) -> str:
    if value is None:
        return "NULL"
    if value is True or value is False:
        return "true" if value else "false"
    return PLACE if value != "" else "''"


@lru_cache(maxsize=256)
def _statement(
    tables: tuple[type[models.Model], ...],
    written: tuple[str, ...],
    beside: tuple[str, ...],
) -> str:
    places = iter(written)
    inserts = [_insert(table, places) for table in tables]
    if beside:
        wrote = (f"EXISTS (TABLE beside{number})" for number in range(len(beside)))
        last = f"SELECT {', '.join(wrote)}"
    else:
        last = inserts.pop()
    parts = [f"row{number} AS ({sql})" for number, sql in enumerate(inserts)]
    parts += [f"beside{number} AS ({sql})" for number, sql in enumerate(beside)]
    return f"WITH {', '.join(parts)} {last}" if parts else last


def _insert(table: type[models.Model], places: Iterator[str]) -> str:
    fields = table._meta.concrete_fields
    columns = ", ".join(f'"{field.column}"' for field in fields)
    values = ", ".join(islice(places, len(fields)))
    return f'INSERT INTO "{table._meta.db_table}" ({columns}) VALUES ({values})'  # noqa: S608 - the names are our own
