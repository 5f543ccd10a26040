import socket
import time

import pytest
import redis

from accounts.outbound import redis_pool
from accounts.outbound.redis_pool import connect


@pytest.fixture
def silent(tmp_path):
    """The address of a server that takes connections and says nothing."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "silent.sock"))
        server.listen(50)
        yield f"unix://{tmp_path}/silent.sock"


def seconds_of(client):
    begun = time.monotonic()
    with pytest.raises(redis.RedisError):
        client.get("key")
    return time.monotonic() - begun


def test_a_silent_server_costs_one_caller_half_a_second_and_the_next_nothing(silent):
    client = connect(silent)
    assert seconds_of(client) < 3 * redis_pool.ANSWER_SECONDS
    assert sum(seconds_of(client) for _ in range(20)) < redis_pool.ANSWER_SECONDS


def test_all_clients_of_a_process_leave_it_alone(silent):
    seconds_of(connect(silent))
    assert seconds_of(connect(silent, decode_responses=True)) < 0.1


def test_after_a_rest_one_caller_tries_for_all(silent, monkeypatch):
    monkeypatch.setattr(redis_pool, "REST_SECONDS", 0.1)
    client = connect(silent)
    seconds_of(client)
    time.sleep(0.2)
    rest = client.connection_pool.connection_class.rest
    rest.check()
    with pytest.raises(redis.ConnectionError):
        rest.check()


def test_a_server_that_answers_again_is_used_again(settings):
    client = connect(settings.REDIS_URL)
    rest = client.connection_pool.connection_class.rest
    rest.begin()
    with pytest.raises(redis.ConnectionError):
        client.ping()
    rest.until = 0.0
    assert client.ping()
    assert not rest.is_away


def test_a_refusal_is_no_reason_to_rest(tmp_path):
    client = connect(f"unix://{tmp_path}/nobody.sock")
    seconds_of(client)
    assert not client.connection_pool.connection_class.rest.is_away
