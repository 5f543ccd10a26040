"""A small pool, and the dashboard in a browser, for the tests that need them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import pytest
from django.db import connection, connections
from playwright.sync_api import Browser, BrowserContext, Page

from config.tests import databases
from config.tests.pages_world import World, build_world, cookies_of


@pytest.fixture
def pooled(django_db_setup, django_db_blocker) -> Iterator[str]:
    """Give an alias of its own with a small pool, on the test database."""
    # Without a test case around it, which would forbid the alias; nothing writes.
    alias = "pooled"
    default = connection.settings_dict
    entry = {
        **default,
        "OPTIONS": {
            **default["OPTIONS"],
            "pool": {"min_size": 2, "max_size": 4, "timeout": 1},
        },
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": True,
    }
    connections.settings[alias] = entry
    with django_db_blocker.unblock():
        yield alias
        connections[alias].close()
        connections[alias].close_pool()
        connection.close()
    del connections[alias]
    del connections.settings[alias]


class Dashboard(NamedTuple):
    address: str
    world: World
    cookies: dict[str, list[dict[str, str]]]


@pytest.fixture(scope="module")
def dashboard(served_product, django_db_blocker) -> Iterator[Dashboard]:
    """The product on the tests' database, filled once for this whole file."""
    address = f"http://127.0.0.1:{served_product.port}"
    with django_db_blocker.unblock():
        try:
            world = build_world()
            people = {
                "ada": world.member,
                "ada again": world.member,
                "eve": world.empty,
            }
            cookies = {who: cookies_of(m, address) for who, m in people.items()}
            yield Dashboard(address, world, cookies)
        finally:
            databases.empty()


class Visit:
    """A tab of a signed-in browser, and what its console complained about."""

    def __init__(self, context: BrowserContext, dashboard: Dashboard) -> None:
        self.dashboard = dashboard
        self.page: Page = context.new_page()
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._hear)

    def _hear(self, message) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def open(self, path: str) -> Page:
        answer = self.page.goto(self.dashboard.address + path)
        assert answer.status < 500
        return self.page

    def open_named(self, name: str) -> Page:
        return self.open(self.dashboard.world.pages()[name])


@contextmanager
def a_context(chromium: Browser) -> Iterator[BrowserContext]:
    # Nothing moves: a colour half-way is nobody's colour.
    made = chromium.new_context(
        viewport={"width": 1440, "height": 900}, reduced_motion="reduce"
    )
    made.set_default_timeout(15_000)
    yield made
    made.close()


@pytest.fixture
def context(chromium) -> Iterator[BrowserContext]:
    with a_context(chromium) as made:
        yield made


@pytest.fixture(scope="module")
def adas_tab(chromium, dashboard) -> Iterator[Visit]:
    """One tab for pages that are only looked at: a new one costs as much as a page."""
    with a_context(chromium) as made:
        made.add_cookies(dashboard.cookies["ada"])
        yield Visit(made, dashboard)


@pytest.fixture(scope="module")
def anonymous_tab(chromium, dashboard) -> Iterator[Visit]:
    with a_context(chromium) as made:
        yield Visit(made, dashboard)


@pytest.fixture
def visit(context, dashboard) -> Visit:
    """Ada's browser."""
    context.add_cookies(dashboard.cookies["ada"])
    return Visit(context, dashboard)
