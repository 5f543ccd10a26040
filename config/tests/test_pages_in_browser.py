"""Every page in Chromium: three widths, light and dark, judged by axe."""

import pytest
from playwright.sync_api import Page, expect

from accounts.tests.sign_in.second_step import shown as code_of
from config.tests.browsing import OF_STYLE_SHEETS, axe_violations
from config.tests.conftest import Visit

# The rows are made once and committed; the mark only asks for the database.
pytestmark = [pytest.mark.browser, pytest.mark.django_db]

# The first is a desk's 1280 px at 400 % (WCAG 2.2, 1.4.10 Reflow).
SIZES = {320: 700, 390: 844, 768: 1024, 1440: 900}
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
    "site",
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
    "account",
    "password",
    "address",
]
ENTRANCES = [
    "sign in",
    "sign up",
    "forgotten",
    "forgotten, sent",
    "forgotten, done",
    "inactive",
    "nothing",
    "join",
    "join, known",
    "join, too late",
]


def faults_at_every_size(page: Page, turn: int) -> list[str]:
    """Look at the open page at each width, and judge it on phone and desk.

    In the light on one of them and in the dark on the other, each next `turn` the
    other way round: what pages share is judged in all four, what is one's own at both
    widths and in both colours.
    """
    schemes = {390: "light", 1440: "dark"} if turn % 2 else {390: "dark", 1440: "light"}
    found = []
    for width, height in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > width:
            found.append(f"{width}: {wide} px wide")
        # Between the phone and the desk nothing is shown that one of them lacks.
        if scheme := schemes.get(width):
            page.emulate_media(color_scheme=scheme)
            found += [f"{width}, {scheme}: {each}" for each in axe_violations(page)]
    page.emulate_media(color_scheme="light")
    return found


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_without_fault_at_every_size(adas_tab, name):
    adas_tab.complaints.clear()
    page = adas_tab.open_named(name)
    expect(page.locator("h1")).to_be_visible()
    assert faults_at_every_size(page, PAGES.index(name)) == []
    assert adas_tab.complaints == []


def test_every_page_there_is_was_looked_at(dashboard):
    assert list(dashboard.world.pages()) == PAGES
    assert list(dashboard.world.entrances()) == ENTRANCES


@pytest.mark.parametrize("name", ENTRANCES)
def test_the_entrance_is_without_fault_at_every_size(anonymous_tab, dashboard, name):
    anonymous_tab.complaints.clear()
    page = anonymous_tab.open(dashboard.world.entrances()[name])
    assert faults_at_every_size(page, ENTRANCES.index(name)) == []
    # The browser itself reports the status of a page that is not there.
    complaints = [text for text in anonymous_tab.complaints if "404" not in text]
    assert complaints == []


def test_no_page_of_ours_is_locked_to_an_orientation(adas_tab):
    page = adas_tab.open_named("agents")
    assert axe_violations(page, OF_STYLE_SHEETS) == []


def test_an_empty_organization_teaches_the_first_step(context, dashboard):
    context.add_cookies(dashboard.cookies["eve"])
    visit = Visit(context, dashboard)
    page = visit.open("/agents/")
    assert faults_at_every_size(page, 0) == []
    page.get_by_role("link", name="Make the first one").click()
    expect(page.locator("h1")).to_have_text("What should your agent do?")


@pytest.fixture
def device(context, dashboard):
    """Ada's browser with a passkey's device in it, at a name passkeys work at."""
    visit = Visit(context, dashboard)
    place = dashboard.address.replace("127.0.0.1", "localhost")
    visit.dashboard = dashboard._replace(address=place)
    session = context.new_cdp_session(visit.page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return visit


def enter_password(page: Page, button: str) -> None:
    page.get_by_label("Password").fill("a long enough passphrase")
    page.get_by_role("button", name=button, exact=True).click()


def sign_in_by_password(visit: Visit) -> Page:
    page = visit.open("/accounts/login/")
    page.get_by_label("Email").fill("ada@example.com")
    enter_password(page, "Sign in")
    return page


def leave(visit: Visit) -> None:
    visit.open("/accounts/logout/").locator("main button[type=submit]").first.click()


def test_a_second_step_is_set_up_and_used(device):
    page, faults = sign_in_by_password(device), {}

    def look(name: str, heading: str) -> None:
        expect(page.locator("h1")).to_have_text(heading)
        faults[name] = faults_at_every_size(page, len(faults))
        page.set_viewport_size({"width": 1440, "height": 900})

    device.open("/account/").get_by_role("link", name="Set up an app").click()
    look("again", "Confirm it is you")
    enter_password(page, "Continue")
    look("app", "Set up an app")
    secret = page.locator("code.wrap").inner_text()
    page.get_by_label("Code of the app").fill(code_of(secret))
    page.get_by_role("button", name="Turn it on").click()
    look("codes", "Recovery codes")
    device.open("/account/").get_by_role("link", name="Add a passkey").click()
    look("add", "Add a passkey")
    page.get_by_role("button", name="Add it").click()
    look("account", "Your account")
    page.get_by_role("link", name="Rename Passkey 1").click()
    look("rename", "Rename the passkey")
    device.open("/account/").get_by_role("link", name="Remove Passkey 1").click()
    look("remove", "Remove the passkey")

    leave(device)
    sign_in_by_password(device)
    look("second step", "One more step")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.locator("h1")).to_have_text("Agents")
    leave(device)
    device.open("/accounts/login/?next=/account/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.locator("h1")).to_have_text("Your account")
    assert {name: found for name, found in faults.items() if found} == {}
    assert device.complaints == []
