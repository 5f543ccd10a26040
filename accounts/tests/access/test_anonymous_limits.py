"""Doors that nobody signs in for: so many tries for each network, whoever hurries."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from django.db import connections
from django.http import HttpResponse
from django.test import Client, RequestFactory

from accounts import rate_limits
from accounts.tests.factories import new_address
from accounts.views.access import anonymous_page
from config.tests.serving import free_port

pytestmark = [pytest.mark.threaded, pytest.mark.django_db(transaction=True)]


def at_once(count, ask) -> list[int]:
    """Ask from many threads that start together; return the answers' statuses."""
    together = threading.Barrier(count)

    def work(_):
        together.wait(timeout=60)
        try:
            return ask().status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return sorted(pool.map(work, range(count)))


@anonymous_page("forty", 10, 3600)
def door(request):
    return HttpResponse("Come in.")


def knock(address):
    request = RequestFactory().get("/")
    request.client_address = address
    request.user, request.session = SimpleNamespace(is_authenticated=False), {}
    return door(request)


@pytest.fixture(params=[True, False], ids=["redis", "without redis"])
def limiter(request, settings, monkeypatch):
    if not request.param:
        settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
        monkeypatch.setattr(rate_limits, "_local", rate_limits._Local())


def test_forty_at_once_against_a_limit_of_ten_let_exactly_ten_in(limiter):
    address = new_address()
    assert at_once(40, lambda: knock(address)) == [200] * 10 + [429] * 30
    # Another network is not kept waiting by this one.
    assert knock(new_address()).status_code == 200


def test_forty_who_try_a_link_at_once_are_answered_without_redis_too(limiter):
    address, begun = new_address(), time.monotonic()
    statuses = at_once(
        40, lambda: Client(REMOTE_ADDR=address).get("/join/no-such-link/")
    )
    assert set(statuses) == {404, 429}
    # One place more every two seconds.
    came_free = (time.monotonic() - begun) / 2 + 1
    assert 30 <= statuses.count(404) <= 30 + came_free
