import os
import subprocess
import sys
import time
from collections.abc import Iterator

import psycopg_pool
import pytest
from celery.signals import worker_process_shutdown
from django.conf import settings
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection, connections

from config.celery import close_connections
from config.database import (
    PROFILES,
    database_config,
    db,
    disconnect,
    get_pool_stats,
    health_check,
    parse_database_url,
    pool_settings,
)
from config.environment import BASE_DIR

SIX = {"pool_size", "max_overflow", "checked_in", "checked_out", "overflow", "total"}
LOCAL = "postgresql://user:secret-word@127.0.0.1:1/dbname"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "postgresql+asyncpg://user:password@localhost:5432/dbname",
            ("dbname", "user", "password", "localhost", "5432", {}),
        ),
        (
            "postgresql://USER:PASSWORD@HOST/DBNAME?ssl=require",
            ("DBNAME", "USER", "PASSWORD", "host", "", {"sslmode": "require"}),
        ),
        (
            "postgres://a%40b:p%2Fw%23%25@[::1]:6543/my%20db?sslmode=verify-full",
            ("my db", "a@b", "p/w#%", "::1", "6543", {"sslmode": "verify-full"}),
        ),
        (
            "postgresql://me@/ya?host=/run/with%20space&application_name=web",
            ("ya", "me", "", "/run/with space", "", {"application_name": "web"}),
        ),
        (
            "postgresql+psycopg://me@%2Frun%2FUPPER/ya?ssl=false",
            ("ya", "me", "", "/run/UPPER", "", {"sslmode": "disable"}),
        ),
    ],
)
def test_every_form_of_address_is_understood(url, expected):
    entry = parse_database_url(url)
    names = ("NAME", "USER", "PASSWORD", "HOST", "PORT", "OPTIONS")
    assert tuple(entry[name] for name in names) == expected


@pytest.mark.parametrize(
    "url",
    [
        "mysql://user:secret-word@host/name",
        "sqlite:///secret-word.db",
        "postgresql://user:secret-word@host:port/name",
        "postgresql://user:secret-word@host:99999/name",
        "postgresql://user:secret-word@host/",
        "postgresql://user:secret-word@host/name?no_such_option=1",
        "secret-word",
    ],
)
def test_a_wrong_address_is_refused_without_being_quoted(url):
    with pytest.raises(ImproperlyConfigured) as refused:
        parse_database_url(url)
    assert str(refused.value).startswith("DATABASE_URL")
    assert "secret-word" not in str(refused.value)


def test_every_pool_argument_lands_in_the_entry():
    entry = database_config(
        LOCAL,
        pool_size=7,
        max_overflow=4,
        pool_timeout=9,
        pool_recycle=60,
        pool_pre_ping=False,
        echo_sql=True,
    )
    assert entry["OPTIONS"]["pool"] == {
        "min_size": 7,
        "max_size": 11,
        "timeout": 9,
        "max_lifetime": 60,
    }
    assert entry["CONN_HEALTH_CHECKS"] is False
    assert entry["ECHO_SQL"] is True
    assert entry["CONN_MAX_AGE"] == 0


def test_without_a_pool_connections_are_kept_and_recycled():
    entry = database_config(LOCAL, pool=False, pool_recycle=90)
    assert "pool" not in entry["OPTIONS"]
    assert entry["CONN_MAX_AGE"] == 90


@pytest.mark.threaded
def test_a_pooled_connection_keeps_the_plans_of_its_queries(pooled):
    with connections[pooled].cursor() as cursor:
        for number in range(8):
            cursor.execute("SELECT %s + 1", [number])
        cursor.execute("SELECT count(*) FROM pg_prepared_statements")
        assert cursor.fetchone()[0] >= 1


def test_the_defaults_are_five_ten_thirty_and_an_hour():
    assert database_config(LOCAL, **pool_settings({})) == database_config(LOCAL)
    entry = database_config(LOCAL)
    assert entry["OPTIONS"]["pool"] == {
        "min_size": 5,
        "max_size": 15,
        "timeout": 30,
        "max_lifetime": 3600,
    }
    assert entry["CONN_HEALTH_CHECKS"] is True


@pytest.mark.parametrize(
    ("profile", "sizes"),
    [
        ("small", (5, 10)),
        ("medium", (10, 20)),
        ("large", (20, 40)),
        ("production", (20, 10)),
        ("metrics", (20, 30)),
    ],
)
def test_a_profile_sets_both_sizes(profile, sizes):
    found = pool_settings({"DB_POOL_PROFILE": profile.upper()})
    assert (found["pool_size"], found["max_overflow"]) == sizes
    assert set(PROFILES) == {"small", "medium", "large", "production", "metrics"}


def test_a_variable_set_by_itself_beats_the_profile():
    found = pool_settings({"DB_POOL_PROFILE": "large", "DB_POOL_SIZE": "3"})
    assert (found["pool_size"], found["max_overflow"]) == (3, 40)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DB_POOL_PROFILE", "gigantic"),
        ("DB_POOL_SIZE", "many"),
        ("DB_POOL_SIZE", "0"),
        ("DB_MAX_OVERFLOW", "-1"),
        ("DB_POOL_TIMEOUT", "1.5"),
        ("DB_POOL_RECYCLE", "²"),
        ("DB_ECHO_SQL", "perhaps"),
        ("DB_POOL", "2"),
    ],
)
def test_a_wrong_variable_is_named(name, value):
    with pytest.raises(ImproperlyConfigured, match=name):
        pool_settings({name: value})


@pytest.fixture
def held(pooled) -> Iterator[list]:
    """Take every connection the pool may give."""
    pool = connections[pooled].pool
    pool.open()
    taken = [pool.getconn() for _ in range(4)]
    yield taken
    for each in taken:
        pool.putconn(each)


@pytest.mark.threaded
def test_pool_statistics_have_six_numbers_that_add_up(pooled):
    # Both are there before one is asked for, or the pool would grow.
    connections[pooled].pool.open(wait=True)
    with connections[pooled].cursor() as cursor:
        cursor.execute("SELECT 1")
        found = get_pool_stats(pooled)
    assert set(found) == SIX
    assert found == {
        "pool_size": 2,
        "max_overflow": 2,
        "checked_in": 1,
        "checked_out": 1,
        "overflow": 0,
        "total": 2,
    }


@pytest.mark.threaded
def test_connections_above_the_size_count_as_overflow(pooled, held):
    found = get_pool_stats(pooled)
    assert (found["total"], found["checked_out"], found["overflow"]) == (4, 4, 2)


@pytest.mark.threaded
def test_an_exhausted_pool_raises_after_its_timeout(pooled, held):
    begun = time.monotonic()
    with pytest.raises(OperationalError) as raised, connections[pooled].cursor():
        pass
    assert isinstance(raised.value.__cause__, psycopg_pool.PoolTimeout)
    assert 0.9 < time.monotonic() - begun < 5


@pytest.mark.threaded
def test_the_health_check_does_not_wait_for_an_exhausted_pool(pooled, held):
    begun = time.monotonic()
    assert health_check(pooled) is True
    assert time.monotonic() - begun < 0.9


@pytest.mark.threaded
def test_after_a_disconnect_the_next_query_opens_again(pooled, monkeypatch):
    monkeypatch.setattr(db, "alias", pooled)
    db.connect()
    assert db.is_connected
    db.disconnect()
    assert not db.is_connected
    assert db.health_check() is True
    assert not db.is_connected
    with connections[pooled].cursor() as cursor:
        cursor.execute("SELECT 1")
    assert db.is_connected
    assert set(db.get_pool_stats()) == SIX


@pytest.mark.threaded
def test_connect_takes_the_arguments_of_a_pool(pooled, monkeypatch):
    monkeypatch.setattr(db, "alias", pooled)
    default = connection.settings_dict
    url = f"postgresql://{default['USER']}@/{default['NAME']}?host={default['HOST']}"
    db.connect(url, pool_size=1, max_overflow=6, echo_sql=True)
    found = db.get_pool_stats()
    assert (found["pool_size"], found["max_overflow"]) == (1, 6)
    assert connections[pooled].force_debug_cursor is True


@pytest.mark.django_db
def test_health_is_false_within_five_seconds_at_a_wrong_address(monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "HOST", "127.0.0.1")
    monkeypatch.setitem(connection.settings_dict, "PORT", "1")
    begun = time.monotonic()
    assert health_check() is False
    assert time.monotonic() - begun < 5


@pytest.mark.threaded
@pytest.mark.parametrize("echo", [True, False])
def test_statements_are_logged_only_when_asked_debug_or_not(pooled, caplog, echo):
    assert settings.DEBUG is False
    connections[pooled].settings_dict["ECHO_SQL"] = echo
    with (
        caplog.at_level("DEBUG", logger="django.db.backends"),
        connections[pooled].cursor() as cursor,
    ):
        cursor.execute("SELECT 'seen in the log'")
    assert ("seen in the log" in caplog.text) is echo


def test_logging_statements_is_warned_about_in_production(settings):
    settings.DB_ECHO_SQL = True
    found = run_checks(tags=["security"], include_deployment_checks=True)
    assert "youragent.W001" in [each.id for each in found]


@pytest.mark.django_db
def test_the_vector_extension_is_found():
    assert run_checks(tags=["database"], databases=["default"]) == []


@pytest.mark.django_db
def test_the_application_is_an_ordinary_role():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolsuper, rolcreaterole, rolbypassrls, rolreplication,"
            " rolcreatedb FROM pg_roles WHERE rolname = current_user"
        )
        assert cursor.fetchone() == (False, False, False, False, True)


@pytest.mark.threaded
def test_the_shell_command_says_what_it_found(pooled, capsys):
    call_command("check_database")
    assert "database: healthy" in capsys.readouterr().out


@pytest.mark.django_db
def test_the_shell_command_fails_when_nothing_answers(monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "HOST", "/nowhere")
    with pytest.raises(CommandError, match="unhealthy"):
        call_command("check_database")


def test_disconnecting_twice_is_no_error(db):
    disconnect()
    disconnect()


@pytest.mark.process
def test_a_process_that_used_the_pool_ends_quietly():
    code = (
        "import django; django.setup(); from config.database import db;"
        "db.connect(); print(db.is_connected)"
    )
    ended = subprocess.run(  # noqa: S603
        [sys.executable, "-W", "error", "-c", code],
        cwd=BASE_DIR,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ended.stdout, ended.stderr) == ("True\n", "")


def test_a_worker_that_ends_closes_its_connections():
    heard = {receiver() for _, receiver, *_ in worker_process_shutdown.receivers}
    assert close_connections in heard
