"""System checks: configuration mistakes, reported by `manage.py check`."""

from django.conf import settings
from django.core.checks import Error, Tags, Warning, register
from django.db import connections


@register(Tags.security, deploy=True)
def sql_is_not_logged(app_configs, **kwargs) -> list[Warning]:
    """Warn when every statement, with people's data in it, goes to the log."""
    if not settings.DB_ECHO_SQL:
        return []
    return [
        Warning(
            "DB_ECHO_SQL is true: statements and their parameters are logged.",
            hint="Use it to look into a fault, and set it to false afterwards.",
            id="youragent.W001",
        )
    ]


@register(Tags.database)
def vector_is_there(app_configs, databases=None, **kwargs) -> list[Error]:
    """Refuse a PostgreSQL that does not have the pgvector extension."""
    found = []
    for alias in databases or []:
        with connections[alias].cursor() as cursor:
            cursor.execute(
                "SELECT 1 FROM pg_available_extensions WHERE name = 'vector'"
            )
            if cursor.fetchone() is None:
                found.append(
                    Error(
                        f"The database server of {alias!r} has no pgvector extension.",
                        hint="Install pgvector on the server (github.com/pgvector).",
                        id="youragent.E001",
                    )
                )
    return found
