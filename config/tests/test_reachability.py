import threading
import time

import pytest
from django.db import connections

from config import reachability
from config.reachability import Reachability, ServerAway
from config.tests.serving import until


def test_a_server_that_refuses_is_away_and_not_silent():
    def refuse():
        raise ConnectionError

    server = Reachability(refuse)
    server.doubt()
    until(lambda: server.is_away)
    assert not server.is_silent
    server.check()


def test_a_server_that_lets_even_a_new_connection_wait_is_silent(monkeypatch):
    monkeypatch.setattr(reachability, "ANSWER_SECONDS", 0.1)
    over = threading.Event()
    server = Reachability(over.wait)
    server.doubt()
    until(lambda: server.is_silent)
    with pytest.raises(ServerAway):
        server.check()
    over.set()
    until(lambda: not server.is_away)


def test_one_thread_asks_for_all():
    over, asked = threading.Event(), []
    server = Reachability(lambda: asked.append(1) or over.wait())
    for _ in range(20):
        server.doubt()
    over.set()
    until(lambda: not server.is_asking)
    assert asked == [1]


@pytest.mark.threaded
def test_a_long_statement_of_a_server_that_answers_goes_on(pooled):
    begun = time.monotonic()
    with connections[pooled].cursor() as cursor:
        cursor.execute("SELECT 'done' FROM pg_sleep(1.2)")
        assert cursor.fetchone() == ("done",)
    assert time.monotonic() - begun > 1
    assert not connections[pooled].pool.server.is_away
