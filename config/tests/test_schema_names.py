"""Tables, indexes and constraints carry the names and columns promised."""

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection

from accounts.models.lifecycle import Idempotent
from config.tests.index_columns import index_columns

pytestmark = pytest.mark.django_db
HOUSE = ("accounts", "metrics", "agents", "widget")


@pytest.mark.parametrize(
    "table",
    ["users", "api_keys", "audit_logs", "sessions", "agents", "agent_metrics"],
)
def test_the_tables_have_their_names(table):
    assert table in connection.introspection.table_names()


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("users", {("email",), ("provider",), ("provider_user_id",), ("is_active",),
                   ("provider", "provider_user_id"), ("email", "deleted_at"),
                   ("is_active", "deleted_at")}),
        ("api_keys", {("user_id",), ("key_hash",), ("key_prefix",), ("expires_at",),
                      ("user_id", "deleted_at"), ("key_hash", "deleted_at")}),
        ("sessions", {("user_id",), ("agent_id",), ("status",), ("last_activity_at",),
                      ("expires_at",), ("user_id", "status"),
                      ("user_id", "last_activity_at"), ("agent_id", "status"),
                      ("status", "deleted_at")}),
    ],
)  # fmt: skip
def test_the_tables_have_their_indexes(table, columns):
    assert columns <= index_columns(table)


def test_the_idempotency_index_of_agents_has_its_name():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tablename FROM pg_indexes "
            "WHERE indexname = 'ix_agents_idempotency_key'"
        )
        assert cursor.fetchone() == ("agents",)


def idempotent_models():
    return [
        model
        for app in HOUSE
        for model in apps.get_app_config(app).get_models()
        if issubclass(model, Idempotent)
    ]


@pytest.mark.parametrize("model", idempotent_models())
def test_the_database_itself_refuses_a_second_row_for_a_key(model):
    """A child's own constraints silently drop what an abstract parent states."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexdef FROM pg_indexes WHERE tablename = %s",
            [model._meta.db_table],
        )
        definitions = [row[0] for row in cursor.fetchall()]
    assert any(
        "UNIQUE" in text and "idempotency_key" in text for text in definitions
    ), definitions


def test_no_migration_is_missing():
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


def test_every_migration_can_be_undone():
    from django.db.migrations.loader import MigrationLoader

    stuck = [
        f"{app}.{name}: {operation.describe()}"
        for (app, name), migration in MigrationLoader(None).disk_migrations.items()
        if app in HOUSE
        for operation in migration.operations
        if not operation.reversible
    ]
    assert not stuck


def test_the_steps_of_the_chain_have_their_names():
    from django.db.migrations.loader import MigrationLoader

    names = {
        name.partition("_")[2] for _, name in MigrationLoader(None).disk_migrations
    }
    assert {
        "create_users_table",
        "create_api_keys_table",
        "create_audit_logs_table",
        "create_sessions_table",
    } <= names
