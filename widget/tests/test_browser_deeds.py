"""What a visitor does about answers, and what a page that is left takes up again."""

import contextlib
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Error

from agents.conversations import event_stream
from agents.models import Message, Rating, Reply
from config.tests.browsing import axe_violations, host_site
from widget.tests.browser import Shop, page_of, snippet

pytestmark = pytest.mark.browser

QUESTION = "How long does it take to Graz?"


@pytest.fixture
def chat(shop, desk):
    """The chat, open and ready, on a page with the strictest policy there is."""
    policy = (
        f"default-src 'none'; script-src 'unsafe-inline' {shop.address}; "
        f"frame-src {shop.address}; connect-src {shop.address}; img-src data:; "
        "require-trusted-types-for 'script'"
    )
    shop.visit(
        page_of(snippet(shop.address, desk)), **{"Content-Security-Policy": policy}
    )
    shop.open()
    return shop


def pressed(chat, name):
    return chat.panel.get_by_role("button", name=name, exact=True).get_attribute(
        "aria-pressed"
    )


def test_an_answer_is_rated_explained_and_copied(chat):
    chat.ask(QUESTION)
    chat.answers(2)
    panel = chat.panel
    panel.get_by_role("button", name="Not helpful").click()
    panel.get_by_role("textbox", name="What was wrong?").fill("Four days.")
    assert axe_violations(panel) == []
    panel.locator(".why button").click()
    panel.get_by_text("We will look into it.").wait_for()
    rating = Rating.objects.get()
    assert (rating.value, rating.comment) == ("down", "Four days.")
    panel.get_by_role("button", name="Copy").click()
    panel.get_by_role("button", name="Copied").wait_for()
    chat.page.reload()
    chat.open()
    chat.answers(2)
    assert pressed(chat, "Not helpful") == "true"
    chat.panel.get_by_role("button", name="Not helpful").click()
    chat.wait_for(lambda: not Rating.objects.exists())
    assert pressed(chat, "Not helpful") == "false"
    assert chat.complaints == []


def test_another_answer_takes_the_place_of_the_last(chat):
    chat.ask(QUESTION)
    chat.answers(2)
    chat.panel.get_by_role("button", name="Answer again").click()
    superseded = Message.objects.filter(is_superseded=True)
    chat.wait_for(superseded.exists)
    chat.wait_for(lambda: Reply.objects.filter(status="done").count() == 2)
    assert "three to four working days" in chat.answers(2)[1]
    assert chat.panel.locator("#log > .them").count() == 2


def test_an_answer_is_stopped_and_asked_for_again(chat, desk):
    chat.ask(QUESTION)
    chat.answers(2)
    session = desk.sessions.get()
    # Waits for a worker that does not look before tomorrow.
    question = session.add_message("user", "When does my order leave?")
    Reply.objects.create(
        session=session,
        question=question,
        events_after=event_stream.last_event_id(session.pk),
        run_after=timezone.now() + timedelta(days=1),
    )
    chat.page.reload()
    panel = chat.open()
    panel.get_by_role("button", name="Stop the answer").click()
    panel.get_by_text("You stopped before the answer began.").wait_for()
    assert not panel.locator("#stop").is_visible()
    assert axe_violations(panel) == []
    panel.get_by_role("button", name="Answer again").click()
    assert "14:00" in chat.answers(3)[2]


@pytest.fixture
def neighbour(context, served_product, desk):
    """The chat on a page of the same site, where a frame may keep things."""
    with host_site("127.0.0.1") as site:
        desk.allowed_origins = [site.origin]
        desk.save(update_fields=["allowed_origins"])
        shop = Shop(context, site, f"http://127.0.0.1:{served_product.port}")
        shop.visit(page_of(snippet(shop.address, desk)))
        shop.open()
        yield shop


@pytest.mark.parametrize("is_stored", [False, True])
def test_a_question_on_its_way_survives_a_reload_and_is_asked_once(
    neighbour, desk, is_stored
):
    neighbour.ask(QUESTION)
    neighbour.answers(2)

    def lose(route):
        if route.request.method != "POST":
            return route.continue_()
        # The page may go away while its request is held.
        with contextlib.suppress(Error):
            if is_stored:
                route.fetch()
            route.abort()
        return None

    neighbour.page.route("**/messages", lose)
    neighbour.ask("When does my order leave?")
    neighbour.panel.locator(".me.waiting").wait_for()
    neighbour.page.reload()
    neighbour.open()
    neighbour.page.unroute("**/messages")
    assert "14:00" in neighbour.answers(3)[2]
    neighbour.wait_for(lambda: neighbour.panel.locator(".me").count() == 2)
    asked = Message.objects.filter(session__agent_ref=desk, role="user")
    assert asked.count() == 2
    neighbour.wait_for(lambda: neighbour.panel.evaluate("sessionStorage.length") == 0)
