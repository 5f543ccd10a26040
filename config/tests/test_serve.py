"""The product's own web processes, started as the Procfile starts them."""

import os
import signal
import subprocess
import sys

import pytest
from django.conf import settings

from config.tests.serving import ROOT, resident_bytes, served, until

pytestmark = pytest.mark.process
LOADED = """
import gc, sys, threading
from config import serve
serve.load()
from django.db import connection
print(sorted({"openai", "httpx2", "wordllama", "numpy"} & set(sys.modules)))
print(gc.isenabled(), gc.get_freeze_count() > 100_000)
print(threading.active_count(), connection.connection, connection._connection_pools)
"""


@pytest.fixture(scope="module")
def web():
    with served(
        "config.asgi:application",
        ready="/health/live",
        module="config.serve",
        workers=2,
        DATABASE_URL=settings.DATABASE_URL,
        REDIS_URL=settings.REDIS_URL,
    ) as server:
        yield server


def test_loading_starts_nothing_that_a_fork_would_break():
    said = subprocess.run(  # noqa: S603
        [sys.executable, "-c", LOADED],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": settings.DATABASE_URL},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    *_, heavy, collector, state = said.splitlines()
    assert state == "1 None {}"
    # What only some answers need is loaded by the first of them.
    assert heavy == "[]"
    assert collector == "True True"


def test_a_worker_that_dies_is_replaced(web):
    first = until(lambda: len(pids := web.worker_pids()) == 2 and pids)
    os.kill(first[0], signal.SIGKILL)
    until(lambda: set(web.worker_pids()) - set(first))
    until(lambda: len(web.worker_pids()) == 2 and web.answers("/health/live"))


def test_a_refused_body_is_a_problem_before_any_view_sees_it(web):
    with web.socket() as raw:
        raw.sendall(b"POST /api/v1/agents/ HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        raw.sendall(b"Transfer-Encoding: chunked\r\n\r\n")
        chunk = b"100000\r\n" + bytes(2**20) + b"\r\n"
        for _ in range(settings.MAX_BODY_BYTES // 2**20 + 1):
            raw.sendall(chunk)
        raw.sendall(b"0\r\n\r\n")
        assert raw.recv(65_536).startswith(b"HTTP/1.1 413 ")
    assert all(resident_bytes(pid) < 400 * 2**20 for pid in web.worker_pids())


def test_a_stop_is_prompt_and_clean():
    with served(
        "config.asgi:application",
        ready="/health/live",
        module="config.serve",
        DATABASE_URL=settings.DATABASE_URL,
        REDIS_URL=settings.REDIS_URL,
    ) as server:
        said = server.stop(signal.SIGTERM, seconds=8)
    assert server.process.returncode == 0, said
    assert "Traceback" not in said
