import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
import redis
from django.conf import settings
from kombu.exceptions import OperationalError

from accounts.work.places import kinds_of_work
from config import heartbeat
from config.celery import TIME_LIMIT_SECONDS, VISIBILITY_SECONDS, app
from config.environment import BASE_DIR

FORBIDDEN = re.compile(
    r"always_"
    + r"eager|task_"
    + r"eager|start_"
    + r"worker\(|TestWork"
    + r"Controller",
    re.IGNORECASE,
)


def test_nothing_runs_tasks_in_the_caller_or_in_a_thread():
    found = [
        path
        for pattern in ("**/*.py", "*.toml", "*.ini", "bin/*", ".ci/*", "Procfile")
        for path in BASE_DIR.glob(pattern)
        if path.is_file()
        and not {".venv", ".data", "node_modules"} & set(path.parts)
        and FORBIDDEN.search(path.read_text(errors="replace"))
    ]
    assert found == []
    assert app.conf.get("task_" + "always_" + "eager") is False


def test_a_task_that_lost_its_worker_is_run_again():
    assert app.conf.task_acks_late is True
    assert app.conf.task_reject_on_worker_lost is True
    assert app.conf.worker_prefetch_multiplier == 1


def test_messages_are_json_only():
    assert app.conf.task_serializer == "json"
    assert app.conf.accept_content == ["json"]


def test_nobody_gets_a_job_while_the_first_may_be_at_work():
    options = app.conf.broker_transport_options
    assert TIME_LIMIT_SECONDS == app.conf.task_time_limit < VISIBILITY_SECONDS
    assert options["visibility_timeout"] == VISIBILITY_SECONDS
    assert options["unacked_restore_interval"] * options["unacked_restore_throttle"] < 5


@pytest.mark.parametrize(
    ("task", "queue"),
    [
        ("agents.tasks.answer", "replies"),
        ("agents.tasks.index_document", "work"),
        ("accounts.tasks.deliver_webhook", "io"),
        ("accounts.tasks.send_invitation", "io"),
        ("agents.tasks.mail_inbox_notice", "io"),
        ("agents.tasks.sweep", "control"),
        ("accounts.tasks.anchor_audit_heads", "control"),
    ],
)
def test_each_kind_of_task_has_a_queue(task, queue):
    assert app.amqp.router.route({}, task)["queue"].name == queue


def test_leased_work_is_in_the_queue_its_places_are_counted_by():
    app.loader.import_default_modules()
    for model in kinds_of_work():
        assert app.amqp.router.route({}, model.task)["queue"].name == model.queue
        assert model.task in app.tasks


def test_a_message_reaches_only_its_own_queue():
    bound = [
        (queue.exchange.name, queue.routing_key) for queue in app.amqp.queues.values()
    ]
    assert sorted(app.amqp.queues) == ["control", "io", "replies", "work"]
    assert len(set(bound)) == 4


def test_unfinished_work_and_audit_heads_are_looked_after_all_the_time():
    due = {each["task"]: each["schedule"] for each in app.conf.beat_schedule.values()}
    assert due["agents.tasks.sweep"] == 10.0
    assert due["accounts.tasks.anchor_audit_heads"] == 60.0


def test_every_scheduled_task_exists():
    app.loader.import_default_modules()
    missing = {entry["task"] for entry in app.conf.beat_schedule.values()} - set(
        app.tasks
    )
    assert missing == set()


@pytest.fixture
def client():
    with heartbeat.connect() as opened:
        yield opened


def test_a_worker_that_falls_silent_is_forgotten(client):
    heartbeat.say_alive(client, "one@test", ["test-a", "test-b"])
    heartbeat.say_alive(client, "two@test", ["test-a"])
    living = heartbeat.living_queues(client)
    assert (living["test-a"], living["test-b"]) == (2, 1)
    assert 0 < client.ttl("ya:worker:one@test") <= heartbeat.LASTS_SECONDS
    client.delete("ya:worker:two@test")
    assert heartbeat.living_queues(client)["test-a"] == 1
    assert not client.sismember(heartbeat.NAMES, "two@test")
    heartbeat.say_goodbye(client, "one@test")
    assert "test-a" not in heartbeat.living_queues(client)


@pytest.mark.process
def test_a_real_worker_says_that_it_lives_and_goodbye(client, tmp_path):
    name = f"worker-{os.getpid()}@test"
    said_aloud = (tmp_path / "stderr").open("w+")
    worker = subprocess.Popen(  # noqa: S603
        [
            *(sys.executable, "-m", "celery", "--quiet", "-A", "config.celery"),
            *("worker", "-n", name, "-Q", "replies", "-P", "threads", "-c", "1"),
            *("--without-gossip", "--without-mingle", "--without-heartbeat"),
        ],
        cwd=BASE_DIR,
        env={**os.environ, "DB_POOL": "0", "CELERY_SKIP_CHECKS": "1"},
        stderr=said_aloud,
    )
    try:
        key = heartbeat.PREFIX + name
        said = json.loads(wait_for(lambda: client.get(key), 30))
        assert said == {"queues": ["replies"], "pid": worker.pid}
        # A Redis that comes back empty hears of it again.
        client.delete(key)
        client.srem(heartbeat.NAMES, name)
        wait_for(lambda: client.get(key), heartbeat.EVERY_SECONDS + 5)
        worker.terminate()
        worker.wait(20)
        assert client.get(key) is None
        said_aloud.seek(0)
        assert "SecurityWarning" not in said_aloud.read()
    finally:
        said_aloud.close()
        worker.kill()
        worker.wait()


def wait_for(answer, seconds: float):
    deadline = time.monotonic() + seconds
    while not (found := answer()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


@pytest.fixture(params=["refuses", "never answers"])
def lost_broker(request) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        if request.param == "refuses":
            server.close()
        yield f"redis://127.0.0.1:{port}/0"


def test_a_broker_that_is_lost_costs_half_a_second(lost_broker):
    begun = time.monotonic()
    with (
        app.connection_for_write(lost_broker) as connection,
        pytest.raises((OperationalError, redis.RedisError)),
    ):
        app.send_task("agents.tasks.sweep", connection=connection, retry=False)
    assert time.monotonic() - begun < 0.9


def test_heartbeats_wait_for_a_redis_that_is_gone_only_so_long(monkeypatch):
    monkeypatch.setattr(settings, "REDIS_URL", "redis://127.0.0.1:1/0")
    with heartbeat.connect() as client, pytest.raises(redis.ConnectionError):
        client.ping()
