import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from accounts import rate_limits
from accounts.outbound import redis_pool
from accounts.rate_limits import Limit, RateLimited, take


@pytest.fixture
def limit():
    return Limit("test", 10, 60, uuid.uuid4().hex)


@pytest.fixture
def without_redis(settings, monkeypatch):
    settings.REDIS_URL = "unix:///nowhere/redis.sock"
    monkeypatch.setattr(rate_limits, "_local", rate_limits._Local())


def taken(limit: Limit) -> bool:
    try:
        take(limit)
    except RateLimited:
        return False
    return True


def test_a_bucket_gives_exactly_what_it_holds(limit):
    assert [taken(limit) for _ in range(12)] == [True] * 10 + [False] * 2


def test_forty_at_once_get_exactly_ten(limit):
    with ThreadPoolExecutor(40) as threads:
        answers = list(threads.map(taken, [limit] * 40))
    assert sum(answers) == 10


def test_the_headers_say_how_much_is_left(limit):
    standings = take(limit)
    assert rate_limits.headers(standings) == {
        "RateLimit-Policy": '"test";q=10;w=60',
        "RateLimit": '"test";r=9;t=6',
    }


def test_a_refusal_says_which_policy_and_when_to_come_back(limit):
    for _ in range(10):
        take(limit)
    with pytest.raises(RateLimited) as caught:
        take(limit)
    assert caught.value.members()["violated_policies"] == ["test"]
    assert caught.value.headers()["Retry-After"] == "6"
    assert caught.value.headers()["RateLimit"] == '"test";r=0;t=60'


def test_a_bucket_refills_over_its_window(settings):
    quick = Limit("quick", 2, 1, uuid.uuid4().hex)
    assert [taken(quick) for _ in range(3)] == [True, True, False]
    client = redis_pool.connect(settings.REDIS_URL)
    wait_until_gone(client, f"ya:limit:quick:{quick.key}")
    assert taken(quick)


def wait_until_gone(client, key):
    deadline = time.monotonic() + 5
    while client.exists(key) and time.monotonic() < deadline:
        time.sleep(0.02)


def test_what_one_bucket_refuses_no_other_pays_for(limit):
    small = Limit("small", 1, 60, limit.key)
    take(limit, small)
    with pytest.raises(RateLimited):
        take(limit, small)
    assert take(limit)[0].remaining == 8


def test_two_keys_have_a_bucket_each(limit):
    for _ in range(10):
        take(limit)
    assert taken(limit._replace(key=uuid.uuid4().hex))


def test_without_redis_each_process_counts_for_itself(limit, without_redis):
    assert [taken(limit) for _ in range(12)] == [True] * 10 + [False] * 2


def test_the_local_memory_is_bounded(monkeypatch, without_redis):
    monkeypatch.setattr(rate_limits, "MOST_LOCAL_KEYS", 5)
    moment = Limit("moment", 1000, 1, "")
    for number in range(50):
        take(moment._replace(key=str(number)))
    assert len(rate_limits._local.full_at) < 50
