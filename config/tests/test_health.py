import contextlib
import os
import time
from datetime import datetime

import psycopg_pool
import pytest
from django.db import connection

from config import heartbeat
from config.health import CHECK_SECONDS, QUEUES, known_migrations

SIX = {"pool_size", "max_overflow", "checked_in", "checked_out", "overflow", "total"}
PATHS = ["/health", "/health/live", "/health/ready"]

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def redis_of_its_own(settings, worker_id):
    """Keep the heartbeats of tests that run at the same time apart."""
    number = 8 + (int(worker_id[2:]) if worker_id.startswith("gw") else 0)
    settings.REDIS_URL = settings.REDIS_URL.replace("?db=0", f"?db={number}")


@pytest.fixture
def workers():
    """Two living workers, as their heartbeats tell it."""
    name = f"test-{os.getpid()}"
    with heartbeat.connect() as client:
        heartbeat.say_alive(client, name, list(QUEUES))
        yield
        heartbeat.say_goodbye(client, name)


def by_name(body: dict) -> dict[str, dict]:
    return {found["name"]: found for found in body["components"]}


def test_all_is_well(client, workers):
    answer = client.get("/health")
    body = answer.json()
    assert answer.status_code == 200
    assert (body["status"], body["database"]) == ("healthy", "connected")
    assert set(by_name(body)) == {
        "database",
        "redis",
        "celery",
        "migrations",
        "knowledge",
        "process",
    }
    assert {found["status"] for found in body["components"]} == {"healthy"}


def test_the_body_is_a_superset_of_what_monitors_know(client):
    body = client.get("/health").json()
    database = by_name(body)["database"]
    assert set(body) == {
        "status",
        "database",
        "version",
        "timestamp",
        "uptime_seconds",
        "components",
    }
    assert datetime.fromisoformat(body["timestamp"]).tzinfo is not None
    assert body["uptime_seconds"] >= 0
    assert set(database) == {"name", "status", "latency_ms", "details"}
    assert set(database["details"]) == SIX
    assert database["latency_ms"] > 0


def test_every_migration_is_applied(client):
    assert by_name(client.get("/health").json())["migrations"]["details"] == {
        "unapplied": 0
    }
    assert ("sessions", "0001_initial") in known_migrations()


def test_the_answering_process_names_itself(client, monkeypatch):
    monkeypatch.setenv("WEB_CONCURRENCY", "3")
    details = by_name(client.get("/health").json())["process"]["details"]
    assert details == {"pid": os.getpid(), "workers": 3}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("slash", ["", "/"])
def test_nobody_needs_a_credential_and_the_slash_is_free(client, path, slash):
    answer = client.get(path + slash)
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("path", PATHS)
def test_health_is_only_read(client, path):
    answer = client.post(path)
    assert answer.status_code == 405
    assert answer["Content-Type"] == "application/problem+json"


def test_without_a_database_it_is_unhealthy_and_no_address_is_told(client, no_database):
    answer = client.get("/health")
    body = answer.json()
    assert answer.status_code == 503
    assert body["status"] == "unhealthy"
    assert body["database"] == "OperationalError"
    database = by_name(body)["database"]
    assert (database["status"], set(database["details"])) == ("unhealthy", SIX)
    assert by_name(body)["redis"]["status"] == "healthy"
    for told in ("no-such-host", "secret-word", connection.settings_dict["NAME"]):
        assert told not in answer.content.decode()


@pytest.fixture
def no_database(monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "HOST", "/run/no-such-host")
    monkeypatch.setitem(connection.settings_dict, "PASSWORD", "secret-word")


def test_without_a_database_it_lives_but_is_not_ready(client, no_database):
    assert client.get("/health/live").status_code == 200
    assert client.get("/health/ready").status_code == 503


def test_without_redis_it_is_degraded_and_ready(client, settings):
    settings.REDIS_URL = "redis://:secret-word@127.0.0.1:1/0"
    answer = client.get("/health")
    body = answer.json()
    assert answer.status_code == 200
    assert (body["status"], body["database"]) == ("degraded", "connected")
    assert by_name(body)["redis"]["error"] == "ConnectionError"
    assert by_name(body)["celery"]["status"] == "unhealthy"
    assert "secret-word" not in answer.content.decode()
    assert client.get("/health/ready").status_code == 200


@pytest.mark.parametrize("missing", QUEUES)
def test_without_one_kind_of_worker_it_is_degraded(client, missing):
    with heartbeat.connect() as opened:
        heartbeat.say_alive(opened, "lonely", [q for q in QUEUES if q != missing])
        try:
            answer = client.get("/health")
        finally:
            heartbeat.say_goodbye(opened, "lonely")
    celery = by_name(answer.json())["celery"]
    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert celery["details"]["workers"][missing] == 0


def test_load_balancers_may_ask_over_plain_http(client, settings):
    settings.SECURE_SSL_REDIRECT = True
    assert client.get("/health/live").status_code == 200
    assert client.get("/accounts/login/").status_code == 301


def test_an_unknown_host_is_a_problem(client):
    answer = client.get("/health", headers={"host": "elsewhere.example"})
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"


@pytest.fixture
def renamed(transactional_db):
    def rename(table: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {table} RENAME TO {table}_away")
        away.append(table)

    away: list[str] = []
    yield rename
    with connection.cursor() as cursor:
        for table in away:
            cursor.execute(f"ALTER TABLE {table}_away RENAME TO {table}")


@pytest.mark.threaded
def test_a_missing_table_of_metrics_is_unhealthy(client, renamed):
    renamed("agent_metrics")
    answer = client.get("/health")
    assert answer.status_code == 503
    assert answer.json()["database"] == "UndefinedTable"


@pytest.mark.threaded
def test_a_missing_migration_is_counted(client, transactional_db):
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE django_migrations SET name = 'away' WHERE app = 'sessions'"
        )
    try:
        answer = client.get("/health")
        ready = client.get("/health/ready")
    finally:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE django_migrations SET name = '0001_initial'"
                " WHERE app = 'sessions'"
            )
    migrations = by_name(answer.json())["migrations"]
    assert (answer.status_code, ready.status_code) == (200, 503)
    assert (migrations["status"], migrations["details"]) == (
        "degraded",
        {"unapplied": 1},
    )


@pytest.mark.threaded
def test_a_locked_table_cannot_hold_the_answer(client, transactional_db):
    begun = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("LOCK TABLE agent_metrics")
        try:
            answer = client.get("/health")
        finally:
            cursor.execute("ROLLBACK")
    assert time.monotonic() - begun < CHECK_SECONDS
    assert answer.status_code == 503
    assert answer.json()["database"] == "QueryCanceled"


@pytest.fixture
def exhausted(transactional_db):
    """Take every connection the process may have."""
    pool, taken = connection.pool, []
    pool.open()
    with contextlib.suppress(psycopg_pool.PoolTimeout):
        while True:
            taken.append(pool.getconn(timeout=0.3))
    yield pool
    for each in taken:
        pool.putconn(each)


@pytest.mark.threaded
def test_an_exhausted_pool_is_told_and_cannot_delay_the_answer(client, exhausted):
    begun = time.monotonic()
    answer = client.get("/health")
    assert time.monotonic() - begun < 2
    details = by_name(answer.json())["database"]["details"]
    assert answer.status_code == 200
    assert details["checked_in"] == 0
    assert details["checked_out"] == exhausted.max_size
    assert details["overflow"] == details["max_overflow"]
