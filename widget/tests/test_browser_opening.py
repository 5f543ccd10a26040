"""What a visitor meets while the chat is coming, and when it does not come."""

import pytest

from config.tests.browsing import axe_violations, host_site
from widget.tests.browser import one_line, page_of, snippet

pytestmark = pytest.mark.browser

NO_FRAMES = (
    "default-src 'none'; script-src {ours} 'unsafe-inline'; connect-src {ours}; "
    "style-src 'unsafe-inline'; img-src data:"
)
NO_CONNECTIONS = "script-src {ours} 'unsafe-inline'; connect-src 'none'; frame-src *"
NO_IMPORT = "script-src {ours}/static/widget/loader.js 'unsafe-inline'"
CLICKS = "<script>buy.onclick = () => document.title = 'bought'</script>"
EVENTS = (
    "<script>window.heard = []; for (const name of ['open', 'close', 'error'])"
    " YourAgent.on(name, detail => heard.push(detail?.code || name))</script>"
)
NOTICE_MS = 8000


def forbid(agent) -> None:
    agent.allowed_origins = ["https://other.example"]
    agent.save(update_fields=["allowed_origins"])


def closer(shop):
    """The sheet's own button, not the panel's."""
    return shop.page.get_by_role("button", name="Close chat")


def alert(shop):
    return shop.page.get_by_role("alert").filter(has_text=".")


def ours_in_console(shop) -> list[str]:
    return [text for text in shop.complaints if text.startswith("YourAgent:")]


def focused(shop) -> str:
    root = "document.querySelector('your-agent').shadowRoot"
    return shop.page.evaluate(f"{root}.activeElement?.ariaLabel")


# Why it does not open -------------------------------------------------------


@pytest.mark.parametrize("cause", ["origin", "frames", "connections"])
def test_who_cannot_open_the_chat_on_a_phone_can_leave_it(phone, desk, cause):
    said, code, hint, policy = {
        "origin": (
            "The chat is not set up for this website yet.",
            "origin_not_allowed",
            f"Add {phone.site.origin} to the agent's allowed websites.",
            None,
        ),
        "frames": (
            "This website blocks the chat.",
            "blocked_by_policy",
            f"Add {phone.address} to its frame-src.",
            NO_FRAMES,
        ),
        "connections": (
            "This website blocks the chat.",
            "blocked_by_policy",
            f"Add {phone.address} to its connect-src.",
            NO_CONNECTIONS,
        ),
    }[cause]
    if cause == "origin":
        forbid(desk)
    headers = (
        {"Content_Security_Policy": policy.format(ours=phone.address)} if policy else {}
    )
    phone.visit(page_of(snippet(phone.address, desk) + CLICKS + EVENTS), **headers)
    phone.launcher.tap()
    alert(phone).wait_for()
    assert alert(phone).inner_text() == said
    assert phone.page.evaluate("heard") == ["open", code]
    sheet = phone.page.locator("your-agent #pane").bounding_box()
    assert sheet == {"x": 0, "y": 0, "width": 390, "height": 844}
    box = closer(phone).bounding_box()
    assert min(box["width"], box["height"]) >= 44
    assert focused(phone) == "Close chat"
    closer(phone).tap()
    assert phone.launcher.is_visible()
    assert focused(phone) == "Ask a question"
    phone.page.tap("#buy")
    assert phone.page.title() == "bought"
    assert len(ours_in_console(phone)) == 1
    assert ours_in_console(phone)[0].endswith(hint)


def test_opening_again_tries_again_and_warns_the_owner_once(phone, desk):
    forbid(desk)
    phone.visit(page_of(snippet(phone.address, desk)))
    for _ in range(2):
        phone.launcher.tap()
        alert(phone).wait_for()
        closer(phone).tap()
    desk.allowed_origins = [phone.site.origin]
    desk.save(update_fields=["allowed_origins"])
    phone.launcher.tap()
    phone.until_ready()
    assert len(ours_in_console(phone)) == 1


def test_escape_leaves_the_sheet_wherever_the_focus_is(shop, desk):
    forbid(desk)
    ask = "<script>buy.onclick = () => YourAgent.open()</script>"
    shop.visit(page_of(snippet(shop.address, desk) + ask))
    shop.page.click("#buy")
    alert(shop).wait_for()
    assert shop.page.evaluate("document.activeElement.id") == "buy"
    shop.page.keyboard.press("Escape")
    assert shop.launcher.get_attribute("aria-expanded") == "false"
    assert not alert(shop).is_visible()
    assert shop.page.evaluate("document.activeElement.id") == "buy"


def test_a_server_that_does_not_answer_is_noticed_after_eight_seconds(phone, desk):
    phone.context.clock.install()
    phone.context.route("**/widget/v1/boot", lambda route: None)
    phone.visit(page_of(snippet(phone.address, desk)))
    phone.launcher.tap()
    phone.page.get_by_text("Connecting").wait_for()
    phone.page.clock.pause_at(phone.page.evaluate("Date.now() / 1000 + 1"))
    phone.page.clock.fast_forward(NOTICE_MS - 3000)
    assert closer(phone).is_visible()
    assert not alert(phone).is_visible()
    phone.page.clock.fast_forward(2000)
    alert(phone).wait_for()
    assert alert(phone).inner_text() == "The chat cannot be reached right now."
    assert ours_in_console(phone) == [f"YourAgent: {phone.address} did not answer."]
    phone.page.clock.resume()
    phone.context.unroute("**/widget/v1/boot")
    phone.page.get_by_role("button", name="Try again").tap()
    phone.until_ready()
    assert closer(phone).count() == 0


def test_a_frame_that_comes_late_is_shown_all_the_same(phone, desk):
    phone.context.clock.install()
    held = []
    phone.context.route("**/widget/frame/**", lambda route: held.append(route))
    phone.visit(page_of(snippet(phone.address, desk)))
    phone.launcher.tap()
    phone.wait_for(lambda: held)
    phone.page.clock.fast_forward(NOTICE_MS)
    alert(phone).wait_for()
    held[0].continue_()
    phone.until_ready()
    assert alert(phone).count() == closer(phone).count() == 0
    assert phone.page.locator("your-agent iframe").is_visible()


def test_a_page_around_the_page_that_is_not_allowed_is_named(phone, desk):
    phone.context.clock.install()
    with host_site("127.0.0.1") as around:
        inner = phone.site.show("/inner", page_of(one_line(phone.address, desk)))
        outer = around.show(
            "/", page_of(f'<iframe src="{inner}" height="700"></iframe>')
        )
        page = phone.page = phone.context.new_page()
        page.on("console", phone._hear)
        page.goto(outer)
        frame = page.frame(url=inner)
        frame.locator("your-agent [aria-controls]").tap()
        frame.locator("your-agent iframe").wait_for(state="attached")
        page.clock.fast_forward(NOTICE_MS)
        frame.get_by_text("The chat cannot be reached right now.").wait_for()
        assert f"{phone.site.origin}, {around.origin}" in ours_in_console(phone)[0]
        frame.get_by_role("button", name="Close chat").tap()
        assert frame.locator("your-agent [aria-controls]").is_visible()


def test_a_site_taken_off_the_list_ends_an_open_chat_with_the_reason(phone, desk):
    phone.visit(page_of(snippet(phone.address, desk)))
    panel = phone.open()
    forbid(desk)
    panel.evaluate(
        "parent.postMessage({type: 'boot'}, document.documentElement.dataset.host)"
    )
    alert(phone).wait_for()
    assert phone.page.locator("your-agent iframe").count() == 0
    closer(phone).tap()
    assert phone.launcher.is_visible()


# Offline --------------------------------------------------------------------


def test_a_visitor_who_comes_online_again_gets_the_chat(phone, desk):
    phone.visit(page_of(snippet(phone.address, desk, "{locale: 'de'}")))
    phone.launcher.focus()
    phone.wait_for(lambda: phone.openings())
    phone.page.wait_for_load_state("networkidle")
    phone.context.set_offline(True)
    phone.launcher.tap()
    alert(phone).wait_for()
    assert alert(phone).inner_text().startswith("Sie sind offline.")
    assert phone.page.get_by_role("button", name="Chat schließen").is_visible()
    assert ours_in_console(phone) == []
    phone.context.set_offline(False)
    phone.until_ready()
    assert alert(phone).count() == 0


def test_a_visitor_who_is_offline_before_the_chat_has_come_gets_it_later(phone, desk):
    phone.visit(page_of(snippet(phone.address, desk) + CLICKS))
    phone.launcher.wait_for()
    phone.context.set_offline(True)
    phone.launcher.tap()
    alert(phone).wait_for()
    assert alert(phone).inner_text() == "This chat is not available right now."
    assert phone.launcher.is_visible()
    phone.page.tap("#buy")
    assert phone.page.title() == "bought"
    phone.context.set_offline(False)
    phone.until_ready()
    assert alert(phone).count() == 0


@pytest.mark.parametrize("how", ["refused", "silent"])
def test_a_click_asks_again_for_what_could_not_be_imported(shop, desk, how):
    shop.context.clock.install()
    lose = (lambda route: route.abort()) if how == "refused" else (lambda route: None)
    shop.context.route("**/open.js*", lose, times=1)
    shop.visit(page_of(snippet(shop.address, desk)))
    shop.launcher.dispatch_event("click")
    if how == "silent":
        shop.wait_for(lambda: shop.openings())
        shop.page.clock.fast_forward(NOTICE_MS)
    alert(shop).wait_for()
    shop.launcher.dispatch_event("click")
    shop.until_ready()
    assert alert(shop).count() == 0
    assert len(set(shop.openings())) == 2


def test_a_policy_without_our_scripts_is_named_and_the_notice_goes(phone, desk):
    policy = NO_IMPORT.format(ours=phone.address)
    html = page_of(snippet(phone.address, desk) + EVENTS)
    phone.visit(html, Content_Security_Policy=policy)
    phone.launcher.tap()
    alert(phone).wait_for()
    assert phone.page.evaluate("heard") == ["unreachable"]
    assert f"script-src must allow {phone.address}." in ours_in_console(phone)[0]
    phone.page.keyboard.press("Escape")
    assert alert(phone).count() == 0


# Until it is ready ----------------------------------------------------------


def test_the_sheets_own_button_goes_when_the_frame_is_ready(phone, desk):
    held = []
    phone.context.route("**/widget/frame/**", lambda route: held.append(route))
    phone.visit(page_of(snippet(phone.address, desk)))
    phone.launcher.tap()
    phone.wait_for(lambda: held)
    assert closer(phone).is_visible()
    assert axe_violations(phone.page) == []
    held[0].continue_()
    phone.until_ready()
    assert closer(phone).count() == 0
    focus = "document.hasFocus() && document.activeElement.id"
    phone.wait_for(lambda: phone.panel.evaluate(focus) == "input")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("lang", ["en", "ar"])
def test_axe_finds_nothing_on_sheet_and_notice(phone, desk, scheme, lang):
    forbid(desk)
    head = f"<style>:root {{ color-scheme: {scheme}; background: Canvas }}</style>"
    rest = 'dir="rtl"' if lang == "ar" else ""
    html = page_of(snippet(phone.address, desk), head=head, lang=lang, rest=rest)
    phone.context.route("**/open.js*", lambda route: route.abort(), times=1)
    phone.visit(html)
    phone.launcher.dispatch_event("click")
    alert(phone).wait_for()
    assert axe_violations(phone.page) == []
    phone.launcher.dispatch_event("click")
    phone.page.locator("your-agent section button:not(.x)").wait_for()
    assert axe_violations(phone.page) == []
