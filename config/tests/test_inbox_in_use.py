"""The inbox in Chromium, while others do things to its conversations."""

import json
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import expect

from accounts.tests.factories import make_key

# The rows are made once and committed; the mark only asks for the database.
pytestmark = [pytest.mark.browser, pytest.mark.django_db]


@pytest.fixture(scope="module")
def program(dashboard, django_db_blocker):
    """A program with a key of Ada's, for what others do meanwhile."""
    with django_db_blocker.unblock():
        key = make_key(dashboard.world.member)

    def send(path, **body):
        headers = {"X-API-Key": key, "Content-Type": "application/json"}
        url = f"{dashboard.address}/api/v1/{path}/"
        asked = Request(url, json.dumps(body).encode(), headers)  # noqa: S310
        with urlopen(asked, timeout=20) as answer:  # noqa: S310
            return json.load(answer)

    return send


def test_the_inbox_follows_what_happens_without_a_reload(visit, program):
    page = visit.open_named("inbox")
    page.locator("[data-inbox][data-live]").wait_for()
    page.evaluate("window.isSamePage = true")
    before = page.locator(".thread").count()
    desk = str(visit.dashboard.world.desk.public_id)
    session = program("sessions", agent=desk, visitor_id="v_lena")["id"]
    program(f"sessions/{session}/messages", content="Can I talk to a person, please?")
    expect(page.locator(".thread")).to_have_count(before + 1)
    expect(page.locator(".rail .count.hot")).to_be_visible()
    assert page.evaluate("window.isSamePage")

    # By keyboard: to the last one, into it, over to us.
    for _ in range(before + 1):
        page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Waits for a person").first).to_be_visible()
    page.keyboard.press("t")
    expect(page.get_by_text("You are answering")).to_be_visible()
    page.locator("[data-inbox][data-live]").wait_for()
    page.evaluate("window.isSamePage = true")

    # A canned reply, filled in and sent; what the visitor says then comes by itself.
    page.keyboard.press("r")
    page.keyboard.type("/hel")
    page.get_by_role("option", name="/hello").wait_for()
    page.keyboard.press("Enter")
    field = page.locator("#say")
    filled = "Hello, a person from Shipping desk here."
    expect(field).to_have_value(filled)
    field.press("Control+Enter")
    expect(page.locator(".turn.human .say")).to_have_text(filled)
    field.fill("I am just writing this")
    program(f"sessions/{session}/messages", content="Where is order 20418?")
    expect(page.locator(".turn.visitor").last).to_contain_text("order 20418")
    expect(field).to_have_value("I am just writing this")
    assert page.evaluate("window.isSamePage")

    # Handed back meanwhile, the form is no longer one for answers.
    program(f"inbox/{session}/hand-back")
    expect(page.get_by_text("Take over to answer the visitor")).to_be_visible()
    assert visit.complaints == []
