"""Insert new rows of several tables in one statement."""

from functools import cache

from django.db import connections, models


def insert_together(*rows: models.Model) -> None:
    """Store new rows whose primary keys are known, in one round trip.

    The ORM builds a statement anew for each row; these texts are built once. Every
    column is given, so none is left to a default of the database.
    """
    database = connections[rows[0]._meta.default_manager.db]
    values = [
        field.get_db_prep_save(field.pre_save(row, True), database)
        for row in rows
        for field in row._meta.concrete_fields
    ]
    with database.cursor() as cursor:
        cursor.execute(_statement(tuple(type(row) for row in rows)), values)
    for row in rows:
        row._state.adding, row._state.db = False, database.alias


@cache
def _statement(tables: tuple[type[models.Model], ...]) -> str:
    *first, last = [_insert(table) for table in tables]
    if not first:
        return last
    parts = ", ".join(f"row{number} AS ({sql})" for number, sql in enumerate(first))
    return f"WITH {parts} {last}"


def _insert(table: type[models.Model]) -> str:
    fields = table._meta.concrete_fields
    columns = ", ".join(f'"{field.column}"' for field in fields)
    places = ", ".join(["%s"] * len(fields))
    return f'INSERT INTO "{table._meta.db_table}" ({columns}) VALUES ({places})'  # noqa: S608 - the names are our own
