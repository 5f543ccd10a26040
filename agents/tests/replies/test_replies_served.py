"""Replies by the product's own processes, which may die at any time."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from celery import current_app
from django.conf import settings
from django.db import connection
from django.utils import timezone

from accounts.tests.factories import MembershipFactory, make_key
from agents.models import Message, Reply
from agents.replies import questions, sweep
from agents.tests.factories import SessionFactory, knowing_agent
from agents.tests.speaking import events, names, said
from config.environment import BASE_DIR
from config.tests.serving import Server, free_port, served, until
from conftest import client_with_key

pytestmark = [pytest.mark.process, pytest.mark.django_db(transaction=True)]
SHIPPING = "# Shipping\n\n" + (
    "Parcels to Graz take three days, unless the snow lies high on the passes "
    "and the driver has to wait in the valley until the road is open again."
)
PATIENCE = 60
QUESTION = "How long do parcels to Graz take?"


def surroundings(**environ: str) -> dict[str, str]:
    """Return an environment in which a process uses this test's database."""
    url = urlsplit(settings.DATABASE_URL)
    mine = url._replace(path=f"/{connection.settings_dict['NAME']}")
    return {
        "DATABASE_URL": urlunsplit(mine),
        "REDIS_URL": settings.REDIS_URL,
        "PATH": f"{BASE_DIR / '.venv/bin'}:{os.environ['PATH']}",
        **environ,
    }


@contextlib.contextmanager
def replies_worker(tmp_path: Path, **environ: str) -> Iterator[subprocess.Popen]:
    """Run the Procfile's own command for the replies queue."""
    lines = (BASE_DIR / "Procfile").read_text().splitlines()
    command = next(line for line in lines if line.startswith("replies:"))
    with (tmp_path / "worker.log").open("wb") as log:
        worker = subprocess.Popen(  # noqa: S603
            ["/bin/bash", "-c", command.partition(":")[2]],
            cwd=BASE_DIR,
            env=os.environ | surroundings(REPLIES_CONCURRENCY="2", **environ),
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield worker
    finally:
        kill(worker)


def kill(worker: subprocess.Popen) -> None:
    """Kill a worker and all its children, as a lost machine does."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(worker.pid, signal.SIGKILL)
    worker.wait(10)


@pytest.fixture
def owner():
    return MembershipFactory()


@pytest.fixture
def session(owner):
    agent = knowing_agent(SHIPPING, organization=owner.organization)
    return SessionFactory(agent_ref=agent)


def the_end(session):
    """Sweep as beat does, until the answer is told."""
    sweep.resend()
    return "done" in names(session.pk)


def test_a_worker_killed_in_mid_sentence_costs_no_answer(session, tmp_path):
    with replies_worker(
        tmp_path, GROUNDED_TOKEN_DELAY_MS="300", REPLY_LEASE_SECONDS="2"
    ) as worker:
        _, reply, _ = questions.ask(session=session, content=QUESTION)
        until(lambda: names(session.pk).count("token") >= 3, PATIENCE)
        kill(worker)
    reply.refresh_from_db()
    assert (reply.status, reply.attempt) == ("running", 1)
    assert not Message.objects.filter(role="assistant").exists()
    with replies_worker(tmp_path, GROUNDED_TOKEN_DELAY_MS="0"):
        until(lambda: the_end(session), PATIENCE)
    reply.refresh_from_db()
    assert (reply.status, reply.attempt) == ("done", 2)
    answer = Message.objects.get(role="assistant")
    assert answer.content == f"{SHIPPING.split(chr(10))[-1]} [1]"
    session.refresh_from_db()
    assert session.total_messages == 2


def test_the_reader_of_a_killed_answer_hears_it_from_the_start(session, tmp_path):
    reply = questions.ask(session=session, content=QUESTION)[1]
    Reply.objects.update(
        status="running",
        attempt=1,
        lease_expires_at=timezone.now() - timedelta(seconds=1),
    )
    with replies_worker(tmp_path, GROUNDED_TOKEN_DELAY_MS="0"):
        until(lambda: the_end(session), PATIENCE)
    assert names(session.pk).count("done") == 1
    assert events(session.pk)[0] == (
        "start",
        {
            "reply_id": str(reply.pk),
            "message_id": str(reply.question_id),
            "attempt": 2,
        },
    )
    assert said(session.pk) == Message.objects.get(role="assistant").content


@contextlib.contextmanager
def lost_broker() -> Iterator[None]:
    """Point this process's publisher to a port where nobody listens."""
    conf = current_app.conf
    before = conf.broker_write_url
    conf.broker_write_url = f"redis://127.0.0.1:{free_port()}/0"
    try:
        yield
    finally:
        conf.broker_write_url = before


def test_a_question_is_taken_without_a_broker_and_answered_later(
    owner, session, tmp_path
):
    api = client_with_key(owner)
    url = f"/api/v1/sessions/{session.pk}/messages"
    assert api.get(url).status_code == 200  # all code is loaded
    with lost_broker():
        begun = time.monotonic()
        response = api.post(url, {"content": QUESTION}, format="json")
        taken = time.monotonic() - begun
        assert sweep.resend() == 0
    assert response.status_code == 202
    assert taken < 2
    with replies_worker(tmp_path, GROUNDED_TOKEN_DELAY_MS="0"):
        until(lambda: the_end(session), PATIENCE)
    statuses = [row["status"] for row in api.get(url).json()["messages"]]
    assert statuses == ["done", "done"]


# --- Over the wire ----------------------------------------------------------
@pytest.fixture
def web() -> Iterator[Server]:
    with served("config.asgi:application", **surroundings(DB_POOL="1")) as server:
        yield server


def heard(server: Server, path: str, **headers: str) -> list[tuple[str, str, dict]]:
    """Listen until a reply is done; return every event's id, name and data."""
    found, fields = [], {}
    # A worker that has just been started needs its time.
    listening = server.connect(timeout=PATIENCE)
    listening.request("GET", path, headers={"Connection": "close", **headers})
    # A server that is killed leaves its reader in the middle of a line.
    broken = contextlib.suppress(OSError, http.client.HTTPException)
    with broken, contextlib.closing(listening.getresponse()) as response:
        assert response.status == 200, response.read()
        assert response.headers["Content-Type"] == "text/event-stream"
        while line := response.readline().decode().rstrip("\n"):
            name, _, value = line.partition(": ")
            fields[name] = value
            if name == "data":
                data = json.loads(value)
                found.append((fields["id"], fields["event"], data))
                if fields["event"] == "done":
                    return found
            while name == "data" and response.readline() != b"\n":
                pass
            if name == "retry":
                response.readline()
    return found


def test_a_web_process_killed_in_mid_answer_costs_its_reader_nothing(
    owner, session, tmp_path
):
    key = {"X-API-Key": make_key(owner)}
    path = f"/api/v1/sessions/{session.pk}/stream"
    serving = surroundings(DB_POOL="1")
    with (
        replies_worker(tmp_path, GROUNDED_TOKEN_DELAY_MS="100"),
        ThreadPoolExecutor(1) as reader,
    ):
        with served("config.asgi:application", **serving) as web:
            reading = reader.submit(heard, web, path, **key)
            questions.ask(session=session, content=QUESTION)
            until(lambda: names(session.pk).count("token") >= 3, PATIENCE)
            os.killpg(web.process.pid, signal.SIGKILL)
            begun = reading.result(PATIENCE)
        with served("config.asgi:application", **serving) as web:
            last = {"Last-Event-ID": begun[-1][0]} if begun else {}
            rest = heard(web, path, **key, **last)
    told = begun + rest
    assert [name for _, name, _ in begun][-1:] != ["done"]
    assert [name for _, name, _ in told].count("done") == 1
    said_aloud = "".join(data["text"] for _, name, data in told if name == "token")
    assert said_aloud == Message.objects.get(role="assistant").content


def test_a_question_by_http_is_answered_as_a_stream(owner, session, web, tmp_path):
    key = make_key(owner)
    url = f"/api/v1/sessions/{session.pk}"
    headers = {"X-API-Key": key, "Content-Type": "application/json"}
    with replies_worker(tmp_path, GROUNDED_TOKEN_DELAY_MS="5"):
        asking = web.connect()
        body = json.dumps({"content": QUESTION})
        asking.request("POST", f"{url}/messages/", body, headers)
        asked = json.loads(asking.getresponse().read())
        path = f"{url}/stream?after={asked['events_after']}"
        first = heard(web, path, **{"X-API-Key": key})
        resumed = heard(web, path, **{"X-API-Key": key, "Last-Event-ID": first[3][0]})
    assert [name for _, name, _ in first][:2] == ["start", "token"]
    assert first[-1][2]["message"]["content"] == "".join(
        data["text"] for _, name, data in first if name == "token"
    )
    assert resumed == first[4:]
    refused = {
        "nobody": ({}, 401),
        "a stranger": ({"X-API-Key": make_key(MembershipFactory())}, 404),
        "a lost reader": ({"X-API-Key": key, "Last-Event-ID": "x"}, 400),
    }
    for who, (sent, status) in refused.items():
        for last in ("", "/"):
            answer = web.open(f"{url}/stream{last}", **sent)
            assert answer.status == status, who
            assert answer.headers["Content-Type"] == "application/problem+json"
            answer.close()
