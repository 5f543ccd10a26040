"""A visitor and a person in one chat, in a real browser."""

import pytest

from accounts.tests.factories import MembershipFactory
from agents.inbox import handover, queue_timeouts
from agents.models import InboxEntry, Session
from config.tests.browsing import axe_violations
from widget.tests.browser import page_of, snippet

pytestmark = pytest.mark.browser


@pytest.fixture
def chat(shop, desk):
    shop.visit(page_of(snippet(shop.address, desk)))
    shop.open()
    return shop


@pytest.fixture
def ada(desk):
    return MembershipFactory(organization=desk.organization, user__name="Ada Owner")


def state_is(chat, words):
    chat.wait_for(lambda: chat.panel.locator("#state").inner_text() == words)


def test_a_visitor_asks_for_a_person_and_talks_with_one(chat, ada):
    chat.panel.get_by_role("button", name="Ask for a person").click()
    state_is(chat, "Waiting for a person")
    session = Session.objects.get()
    handover.take(session=session, actor=ada.user)
    state_is(chat, "You are talking with Ada Owner")
    handover.answer(session=session, actor=ada.user, content="Hello, Ada here.")
    said = chat.panel.locator(".person")
    said.wait_for()
    assert said.inner_text().split() == ["Ada", "Owner", "Hello,", "Ada", "here."]
    chat.ask("Where is my parcel?")
    chat.wait_for(lambda: InboxEntry.objects.get().is_unread)
    assert axe_violations(chat.panel) == []
    # A reload finds the person still there.
    chat.page.reload()
    chat.open()
    state_is(chat, "You are talking with Ada Owner")
    handover.hand_back(session=session, actor=ada.user)
    state_is(chat, "Ready for your question")
    assert "The agent answers again." in chat.panel.locator("#log").inner_text()
    assert chat.panel.get_by_role("button", name="Ask for a person").is_visible()


def test_the_caution_stands_in_one_line_beside_or_above_the_buttons(chat, ada):
    chat.ask("How long do parcels to Portugal take?")
    for name in ("Ask for a person", "New conversation"):
        chat.panel.get_by_role("button", name=name).wait_for()
    assert chat.panel.locator(".foot > span").bounding_box()["height"] < 24


def test_where_nobody_comes_an_address_is_left(chat, ada):
    chat.ask("Can I talk to a person?")
    state_is(chat, "Waiting for a person")
    InboxEntry.objects.update(deadline_at=Session.objects.get().created_at)
    queue_timeouts.apologize_overdue()
    field = chat.panel.get_by_label("Your email address")
    field.fill("lena")
    chat.panel.get_by_role("button", name="Leave it").click()
    state_is(chat, "This is not an email address.")
    assert axe_violations(chat.panel) == []
    field.fill("lena@example.com")
    chat.panel.get_by_role("button", name="Leave it").click()
    field.wait_for(state="hidden")
    assert InboxEntry.objects.get().contact_email == "lena@example.com"
