import time
from datetime import UTC, datetime

import pytest
from django.db import DataError, connection, connections

from config.postgresql import is_at_work


@pytest.fixture
def used(pooled):
    """A pooled connection that was given back after a query just now."""
    wrapper = connections[pooled]
    with wrapper.cursor() as cursor:
        cursor.execute("SELECT 'its last question'")
    found = wrapper.connection
    wrapper.close()
    return found


def end(pid: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        assert cursor.fetchone() == (True,)


@pytest.mark.threaded
def test_after_all_connections_died_the_next_query_is_answered_at_once(pooled):
    wrapper = connections[pooled]
    wrapper.pool.open(wait=True)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND datname = current_database()"
        )
        assert cursor.fetchone()[0] >= 2
    begun = time.monotonic()
    with wrapper.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)
    assert time.monotonic() - begun < 0.8


@pytest.mark.threaded
def test_a_connection_that_ended_right_after_its_use_is_not_at_work(used):
    assert is_at_work(used)
    end(used.info.backend_pid)
    assert not is_at_work(used)


@pytest.mark.threaded
def test_a_connection_is_at_work_for_a_moment_only(used):
    used.given_back_at -= 1
    assert not is_at_work(used)


@pytest.mark.threaded
def test_who_comes_after_a_connection_ended_gets_another(pooled, used):
    end(used.info.backend_pid)
    with connections[pooled].cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)


@pytest.mark.threaded
def test_a_connection_at_work_is_not_asked_whether_it_lives(pooled, used):
    wrapper = connections[pooled]
    # The pool has two, and gives them in turn.
    while wrapper.connection is not used:
        wrapper.close()
        wrapper.ensure_connection()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT query FROM pg_stat_activity WHERE pid = %s", [used.info.backend_pid]
        )
        assert cursor.fetchone() == ("SELECT 'its last question'",)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-02-03 04:05:06+00", datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)),
        ("2026-02-03 04:05:06.7+14", datetime(2026, 2, 2, 14, 5, 6, 700_000, UTC)),
        ("0001-01-01 00:00+00", datetime(1, 1, 1, tzinfo=UTC)),
        ("9999-12-31 23:59:59.999999+00", datetime.max.replace(tzinfo=UTC)),
    ],
)
def test_moments_are_read_in_utc(moment, expected):
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::timestamptz", [moment])
        found = cursor.fetchone()[0]
    assert (found, found.tzinfo) == (expected, UTC)


@pytest.mark.django_db
@pytest.mark.parametrize("moment", ["infinity", "10000-01-01", "0044-03-15 BC"])
def test_a_moment_that_python_does_not_know_is_refused(moment):
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::timestamptz", [moment])
        with pytest.raises(DataError):
            cursor.fetchone()
