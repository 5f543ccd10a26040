"""Every page in Chromium: three widths, light and dark, judged by axe."""

import pytest
from playwright.sync_api import Page, expect

from config.tests.browsing import axe_violations
from config.tests.conftest import Visit

# The rows are made once and committed; the mark only asks for the database.
pytestmark = [pytest.mark.browser, pytest.mark.django_db]

TABLET = 768
SIZES = {390: 844, TABLET: 1024, 1440: 900}
PAGES = [
    "agents",
    "agents, none found",
    "new agent",
    "import",
    "templates",
    "template",
    "agent",
    "agent, improving",
    "settings",
    "all conversations",
    "conversations, found",
    "conversations, none found",
    "keeping",
    "conversations",
    "conversation",
    "try",
    "tests",
    "tests, none yet",
    "new test",
    "test",
    "run",
    "packs",
    "pack",
    "question",
    "document",
    "document, failed",
    "inbox",
    "inbox, none found",
    "inbox, waiting",
    "inbox, taken",
    "canned replies",
    "canned reply",
    "inbox preferences",
    "metrics",
    "metrics, none found",
    "scoreboard",
    "scoreboard, untested",
    "record",
    "reset",
    "usage",
    "models",
    "model account",
    "caps",
    "keys",
    "webhooks",
    "webhook",
    "delivery",
    "members",
    "audit",
    "audit, none found",
    "organizations",
    "organization settings",
    "your data",
    "password",
]
ENTRANCES = ["sign in", "forgotten", "nothing", "join", "join, known", "join, too late"]


def faults_at_every_size(page: Page) -> list[str]:
    """Look at the open page at three widths, and in the dark."""
    found = []
    for width, height in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > width:
            found.append(f"{width}: {wide} px wide")
        # Between the phone and the desk nothing is shown that one of them lacks.
        if width != TABLET:
            found += [f"{width}: {fault}" for fault in axe_violations(page)]
    # Dark changes colours and nothing else, at any width.
    page.emulate_media(color_scheme="dark")
    found += [f"dark: {at}" for at in axe_violations(page, "color-contrast")]
    page.emulate_media(color_scheme="light")
    return found


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_without_fault_at_every_size(visit, name):
    page = visit.open_named(name)
    expect(page.locator("h1")).to_be_visible()
    assert faults_at_every_size(page) == []
    assert visit.complaints == []


def test_every_page_there_is_was_looked_at(dashboard):
    assert list(dashboard.world.pages()) == PAGES
    assert list(dashboard.world.entrances()) == ENTRANCES


@pytest.mark.parametrize("name", ENTRANCES)
def test_the_entrance_is_without_fault_at_every_size(anonymous, dashboard, name):
    page = anonymous.open(dashboard.world.entrances()[name])
    assert faults_at_every_size(page) == []
    # The browser itself reports the status of a page that is not there.
    complaints = [text for text in anonymous.complaints if "404" not in text]
    assert complaints == []


def test_an_empty_organization_teaches_the_first_step(context, dashboard):
    context.add_cookies(dashboard.cookies["eve"])
    visit = Visit(context, dashboard)
    page = visit.open("/agents/")
    assert faults_at_every_size(page) == []
    page.get_by_role("link", name="Make the first one").click()
    expect(page.locator("h1")).to_have_text("What should your agent do?")
