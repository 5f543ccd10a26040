"""The standing cast: Ada owns, Bo is a member, Cy is a stranger and refused."""

import gc
import re
from contextlib import suppress
from functools import cache

import pytest
import redis
from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher
from rest_framework.test import APIClient

from accounts.audit.log import current_request
from accounts.models import Role
from accounts.outbound import redis_pool
from accounts.sign_in import first_owner
from accounts.tests.factories import MembershipFactory, OrganizationFactory, make_key
from config.tests import databases


@pytest.fixture(scope="session", autouse=True)
def passwords_cost_little():
    """Hash as the product does, at its lowest price: hundreds of tests sign in."""
    Argon2PasswordHasher.time_cost = 1
    Argon2PasswordHasher.memory_cost = 64
    Argon2PasswordHasher.parallelism = 1


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix):
    if databases.is_built_in():
        databases.use_copies()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    if databases.is_built_in():
        databases.empty_at_once()


@pytest.fixture(scope="session", autouse=True)
def the_installation_is_set_up():
    """Let pages be opened without a user, except where a test is about that."""
    first_owner._is_known = True


@pytest.fixture(autouse=True)
def nobody_asks_yet():
    """A test that authenticates by hand leaves no actor behind for the next one."""
    token = current_request.set(None)
    yield
    current_request.reset(token)


@pytest.fixture(autouse=True)
def nobody_failed_yet():
    """What other tests tried in vain does not keep this one's out of the record."""
    client = redis_pool.connect(settings.REDIS_URL)
    with suppress(redis.RedisError):
        client.delete("ya:limit:refusals:127.0.0.1", "ya:limit:refusals-all:all")


@pytest.fixture
def harbor(db):
    return OrganizationFactory(name="Harbor Coffee")


@pytest.fixture
def ada(harbor):
    """An owner's membership in Harbor Coffee."""
    return MembershipFactory(
        organization=harbor, user__email="ada@example.com", user__name="Ada Owner"
    )


@pytest.fixture
def bo(harbor):
    """A viewer's membership in Harbor Coffee."""
    return MembershipFactory(
        organization=harbor,
        user__email="bo@example.com",
        user__name="Bo Viewer",
        role=Role.VIEWER,
    )


@pytest.fixture
def cy(db):
    """The owner of another organization."""
    return MembershipFactory(
        user__email="cy@example.com",
        user__name="Cy Stranger",
        organization__name="Elsewhere",
    )


def client_with_key(membership, **fields) -> APIClient:
    return APIClient(headers={"X-API-Key": make_key(membership, **fields)})


@pytest.fixture
def api(ada):
    """Ada's program, with every scope."""
    return client_with_key(ada)


@pytest.fixture
def viewer_api(bo):
    return client_with_key(bo)


@pytest.fixture
def stranger_api(cy):
    return client_with_key(cy)


@pytest.fixture
def browser_of(client):
    """Sign a member in and return their browser, without a screen."""

    def sign_in(membership):
        client.force_login(membership.user)
        return client

    return sign_in


@pytest.fixture(scope="session")
def chromium():
    """The one browser of a test run: Playwright allows no second beside it."""
    from config.tests.browsing import chromium

    with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def served_product(django_db_setup, django_db_blocker):
    """The one product a run's browser opens, on the tests' database."""
    from widget.tests.browser import product

    with django_db_blocker.unblock(), product() as web:
        yield web


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Run browser tests last: Playwright leaves an event loop in this thread.

    First come those that need no database: one worker is busy with them while the
    other makes the databases' template.
    """

    def turn(item) -> int:
        if item.get_closest_marker("browser"):
            return 2
        return bool(item.get_closest_marker("django_db")) or "db" in item.fixturenames

    items.sort(key=turn)


def pytest_deselected(items):
    """Let no test be left out of the stage it belongs to: `bin/test` finds its file."""
    for item in items:
        for stage in ("threaded", "process", "browser"):
            if item.get_closest_marker(stage) and not names(item.path, stage):
                raise pytest.UsageError(f"{item.nodeid}: write `{stage}` in its file.")


@cache
def names(path, word: str) -> bool:
    return re.search(rf"\b{word}\b", path.read_text()) is not None


def pytest_configure():
    """Let the collector come by seldom.

    Looking for circles after each 700 new objects, as it otherwise does, is a twelfth
    of all time.
    """
    gc.set_threshold(50_000, 20, 20)


def pytest_collection_finish():
    """Let the collector leave alone what stays until the end: thousands of tests."""
    gc.collect()
    gc.freeze()
