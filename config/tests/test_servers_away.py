"""What the product answers while PostgreSQL or Redis is away, or hangs."""

import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import connection

from accounts.tests.factories import make_key
from config import embedded
from config.tests.relay import Relay
from config.tests.serving import served, until
from widget.tests.browser import collect_static

pytestmark = [pytest.mark.process, pytest.mark.django_db(transaction=True)]
# Promised is a third of it.
LONGEST_SECONDS = 6
LIGHT = ["/health/live", "/static/widget/loader.js", "/static/css/base.css"]
PAGE, API = "/agents/", "/api/v1/agents/"


@pytest.fixture(scope="module")
def relays(tmp_path_factory):
    """Sockets before the tests' own PostgreSQL and Valkey."""
    folder, servers = (
        tmp_path_factory.mktemp("r"),
        embedded.socket_dir(settings.DATA_DIR),
    )
    names = (".s.PGSQL.5432", "valkey.sock")
    return {name: Relay(folder / name, servers / name) for name in names}


@pytest.fixture(scope="module")
def site(relays, django_db_setup, django_db_blocker):
    collect_static()
    folder = quote(str(next(iter(relays.values())).front.parent))
    name = connection.settings_dict["NAME"]
    addresses = {
        "DATABASE_URL": f"postgresql://{embedded.ROLE}@/{name}?host={folder}",
        "REDIS_URL": f"unix://{folder}/valkey.sock?db=0",
        "ENV_FILE": "/dev/null",
    }
    with served(
        "config.asgi:application", module="config.serve", **addresses
    ) as server:
        yield server


@pytest.fixture
def postgresql(relays, site, ada):
    relay = relays[".s.PGSQL.5432"]
    assert site.get(PAGE)[0] == 302
    yield relay
    relay.speak_again()
    if relay.listener is None:
        relay.open()
    until(lambda: site.answers("/health/ready"))
    # Whatever waits for the server knows that it is back.
    until(lambda: taken(site, PAGE)[0] == 302)


def taken(site, path, key=""):
    """Return the status, the Retry-After and the seconds of one request."""
    begun = time.monotonic()
    session = f"{settings.SESSION_COOKIE_NAME}={'a' * 32}"
    found = site.open(path, Authorization=f"Bearer {key}", Cookie=session)
    found.read()
    return found.status, found.headers["Retry-After"], time.monotonic() - begun


@pytest.mark.parametrize(
    "fault", [Relay.close, Relay.fall_silent], ids=lambda f: f.__name__
)
def test_forty_who_wait_for_the_database_are_answered_and_hold_nobody_up(
    site, postgresql, fault, ada
):
    key = make_key(ada)
    until(lambda: taken(site, API, key)[0] == 200)
    fault(postgresql)
    with ThreadPoolExecutor(40) as many:
        waiting = [many.submit(taken, site, (PAGE, API)[n % 2], key) for n in range(40)]
        light = [taken(site, path) for path in LIGHT * 5]
        answers = [each.result() for each in waiting]
    assert {status for status, _, _ in light} == {200}
    assert max(seconds for _, _, seconds in light) < 1.5
    assert {(status, again) for status, again, _ in answers} == {(503, "2")}
    assert max(seconds for _, _, seconds in answers) < LONGEST_SECONDS


def test_forty_who_ask_for_the_health_at_once_do_not_wait_one_after_the_other(
    site, postgresql
):
    postgresql.fall_silent()
    with ThreadPoolExecutor(40) as many:
        paths = ["/health", "/health/ready"] * 20
        waiting = [many.submit(taken, site, path) for path in paths]
        answers = [each.result() for each in waiting]
    assert {(status, again) for status, again, _ in answers} == {(503, "2")}
    assert max(seconds for _, _, seconds in answers) < LONGEST_SECONDS


def test_a_database_that_is_back_is_used_at_once(site, postgresql):
    postgresql.close()
    until(lambda: taken(site, PAGE)[0] == 503)
    # Long enough for pauses that double to be longer than the test waits.
    time.sleep(4)
    postgresql.open()
    until(lambda: taken(site, PAGE)[0] == 302, 2)


def test_a_redis_that_hangs_costs_a_request_half_a_second_once(site, relays, ada):
    key, relay = make_key(ada), relays["valkey.sock"]
    until(lambda: taken(site, API, key)[0] == 200)
    relay.fall_silent()
    try:
        first, *others = [taken(site, API, key) for _ in range(6)]
    finally:
        relay.speak_again()
    assert {first[0], *(status for status, _, _ in others)} == {200}
    assert first[2] < 1.5
    assert sum(seconds for _, _, seconds in others) < 1.5
