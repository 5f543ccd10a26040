"""An API key's requests are counted against its tier, exactly and in words."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections
from django.test import Client

from accounts import rate_limits
from accounts.models import RateLimitTier
from accounts.tests.factories import MembershipFactory, make_key
from config.tests.serving import free_port

URL = "/api/v1/personas/"


@pytest.fixture(autouse=True)
def few(settings):
    settings.API_RATE_LIMITS = {"free": 3, "pro": 5, "enterprise": 10}


def ask(key):
    return Client().get(URL, headers={"X-API-Key": key})


def test_the_answer_says_how_many_are_left(ada):
    response = ask(make_key(ada))
    assert response["RateLimit-Policy"] == '"key";q=3;w=3600'
    assert response["RateLimit"].startswith('"key";r=2;t=')


def test_one_too_many_is_told_when_to_come_back(ada):
    key = make_key(ada)
    answers = [ask(key).status_code for _ in range(4)]
    refused = ask(key)
    assert answers == [200, 200, 200, 429]
    assert refused["Content-Type"] == "application/problem+json"
    assert 1 <= int(refused["Retry-After"]) <= 1200
    assert refused.json()["violated_policies"] == ["key"]


def test_a_higher_tier_allows_more_and_keys_are_apart(ada):
    pro = make_key(ada, rate_limit_tier=RateLimitTier.PRO)
    assert [ask(pro).status_code for _ in range(6)] == [200] * 5 + [429]
    assert ask(make_key(ada)).status_code == 200


def test_a_browser_is_not_counted(ada, client):
    client.force_login(ada.user)
    response = client.get(URL)
    assert response.status_code == 200
    assert "RateLimit" not in response


def test_without_redis_each_process_counts_for_itself(ada, settings, monkeypatch):
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    monkeypatch.setattr(rate_limits, "_local", rate_limits._Local())
    key = make_key(ada)
    assert [ask(key).status_code for _ in range(4)] == [200, 200, 200, 429]


@pytest.mark.threaded
@pytest.mark.django_db(transaction=True)
def test_forty_at_once_against_a_limit_of_ten_let_exactly_ten_through(settings):
    settings.API_RATE_LIMITS = {"free": 10}
    key = make_key(MembershipFactory())
    together = threading.Barrier(40)

    def work(_):
        together.wait(timeout=60)
        try:
            return ask(key).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(work, range(40)))
    assert sorted(answers) == [200] * 10 + [429] * 30
