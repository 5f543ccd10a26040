"""Many open streams on a real server: see config/tests/streams_site.py."""

import contextlib
import http.client
import os
import signal
import statistics
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings

from agents.conversations import event_stream
from config.tests.serving import Server, served, until

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def site():
    addresses = {
        "DATABASE_URL": settings.DATABASE_URL,
        "REDIS_URL": settings.REDIS_URL,
    }
    with served("config.tests.streams_site:application", **addresses) as server:
        yield server


@pytest.fixture
def sessions():
    made = [uuid.uuid4() for _ in range(100)]
    yield made
    event_stream._writer().delete(*map(event_stream.key, made))


@pytest.fixture
def session_id(sessions):
    return sessions[0]


def opened(server: Server, session_id, after: str = "", door: str = "sessions"):
    headers = {"Last-Event-ID": after} if after else {}
    response = server.open(f"/{door}/{session_id}/stream", **headers)
    assert response.status == 200
    return response


def next_event(response: http.client.HTTPResponse) -> str:
    """Read to the end of the next event and return its id."""
    event_id = ""
    while line := response.readline():
        if line.startswith(b"id: "):
            event_id = line[4:].strip().decode()
        if line == b"\n" and event_id:
            return event_id
    raise EOFError


def median_milliseconds(server: Server, times: int = 60) -> float:
    taken = []
    connection = server.connect()
    with contextlib.closing(connection):
        for _ in range(times):
            start = time.perf_counter()
            connection.request("GET", "/health")
            assert connection.getresponse().read()
            taken.append(time.perf_counter() - start)
    return statistics.median(taken) * 1000


@contextlib.contextmanager
def tokens_flowing(sessions):
    """Give every session a token about four times a second."""
    over = threading.Event()

    def flow():
        while not over.wait(0.25):
            for session_id in sessions:
                event_stream.append(session_id, "token", {"text": "word "})

    thread = threading.Thread(target=flow)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_a_hundred_streams_neither_slow_health_nor_hold_connections(site, sessions):
    alone = median_milliseconds(site)
    with contextlib.ExitStack() as stack, ThreadPoolExecutor(20) as clients:
        readers = list(clients.map(lambda one: opened(site, one), sessions))
        for reader in readers:
            stack.enter_context(reader)
        with tokens_flowing(sessions):
            assert all(clients.map(next_event, readers))
            beside = median_milliseconds(site)
            # The one that is out is the one that asks.
            assert site.json("/health")["pool"]["checked_out"] <= 1
    assert beside < alone * 8 + 20


@pytest.mark.parametrize("door", ["sessions", "plain"])
def test_a_stream_is_never_cached_or_buffered(site, session_id, door):
    with opened(site, session_id, door=door) as reader:
        assert reader.headers["Content-Type"] == "text/event-stream"
        assert reader.headers["Cache-Control"] == "no-store"
        assert reader.headers["X-Accel-Buffering"] == "no"
        assert reader.readline().startswith(b"retry: ")


def test_streams_opened_by_a_synchronous_view_hold_no_connection_either(site, sessions):
    with contextlib.ExitStack() as stack:
        for session_id in sessions[:20]:
            reader = stack.enter_context(opened(site, session_id, door="plain"))
            assert reader.readline().startswith(b"retry: ")
        assert site.json("/health")["pool"]["checked_out"] <= 1


def test_a_reader_that_comes_back_misses_nothing_and_gets_nothing_twice(
    site, session_id
):
    sent = [event_stream.append(session_id, "token", {"n": n}) for n in range(30)]
    got = []
    for _ in range(10):
        with opened(site, session_id, after=got[-1] if got else "") as reader:
            got += [next_event(reader) for _ in range(3)]
    assert got == sent


def test_killing_the_web_process_loses_no_event(site, session_id):
    sent = [event_stream.append(session_id, "token", {"n": n}) for n in range(3)]
    with opened(site, session_id) as reader:
        got = [next_event(reader) for _ in range(3)]
        os.kill(site.json("/health")["pid"], signal.SIGKILL)
        sent += [event_stream.append(session_id, "token", {"n": n}) for n in range(3)]
        with pytest.raises((EOFError, OSError, http.client.HTTPException)):
            got.append(next_event(reader))
    until(site.answers, 15)
    with opened(site, session_id, after=got[-1]) as reader:
        got += [next_event(reader) for _ in range(3)]
    assert got == sent
