"""The dashboard's own chat with an agent, with a real worker answering."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from accounts.tests.factories import MembershipFactory
from agents.conversations import event_stream
from agents.models import Message, Rating, Reply
from config.tests.browsing import axe_violations
from config.tests.pages_world import cookies_of

pytestmark = pytest.mark.browser

QUESTION = "How long does it take to Graz?"


@pytest.fixture
def page(context, served_product, desk):
    """The page to try the agent on, open for an owner."""
    address = f"http://127.0.0.1:{served_product.port}"
    owner = MembershipFactory(organization=desk.organization)
    context.add_cookies(cookies_of(owner, address))
    page = context.new_page()
    page.goto(f"{address}/agents/{desk.public_id}/try/")
    return page


def ask(page, question):
    page.get_by_label("Your question").fill(question)
    page.keyboard.press("Enter")


def answers(page):
    return page.locator(".turn:not(.visitor):not(.writing) .say")


def test_a_member_rates_replaces_and_comes_back(page, desk):
    ask(page, QUESTION)
    expect(answers(page).nth(1)).to_contain_text("three to four working days")
    page.get_by_role("button", name="Not helpful").click()
    page.get_by_role("textbox", name="What was wrong?").fill("Four days.")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("textbox", name="What was wrong?")).to_be_hidden()
    assert axe_violations(page) == []
    page.get_by_role("button", name="Answer anew").click()
    expect(answers(page).nth(1)).to_contain_text("three to four working days")
    expect(page.get_by_role("button", name="Helpful", exact=True)).to_be_visible()
    page.reload()
    expect(answers(page).nth(1)).to_contain_text("three to four working days")
    assert answers(page).count() == 2
    rating = Rating.objects.get()
    assert (rating.value, rating.comment) == ("down", "Four days.")
    assert Message.objects.filter(is_superseded=True).count() == 1


def test_a_reload_goes_on_with_an_answer_under_way_and_stops_it(page, desk):
    ask(page, QUESTION)
    expect(answers(page).nth(1)).to_contain_text("three to four working days")
    session = desk.sessions.get()
    # Waits for a worker that does not look before tomorrow.
    question = session.add_message("user", "When does my order leave?")
    Reply.objects.create(
        session=session,
        question=question,
        events_after=event_stream.last_event_id(session.pk),
        run_after=timezone.now() + timedelta(days=1),
    )
    page.reload()
    page.get_by_role("button", name="Stop").click()
    expect(answers(page).nth(2)).to_contain_text("stopped before it began")
    page.get_by_role("button", name="Answer anew").last.click()
    expect(answers(page).nth(2)).to_contain_text("14:00")


def test_a_question_whose_receipt_was_lost_is_asked_once(page, desk):
    def lose(route):
        route.fetch()
        route.abort()

    page.route("**/messages", lose, times=1)
    ask(page, QUESTION)
    expect(page.locator(".turn.bad")).to_contain_text("could not be reached")
    page.keyboard.press("Enter")
    expect(answers(page).last).to_contain_text("three to four working days")
    assert Message.objects.filter(role="user").count() == 1
