"""Read a table's indexes from the database's own catalogue."""

from django.db import connection


def index_columns(table: str) -> set[tuple[str, ...]]:
    """Return the column lists of a table's plain indexes."""
    with connection.cursor() as cursor:
        constraints = connection.introspection.get_constraints(cursor, table)
    return {
        tuple(constraint["columns"])
        for constraint in constraints.values()
        if constraint["index"] or constraint["unique"]
    }
