"""The launcher on other people's pages."""

import pytest

from config.tests.browsing import axe_violations
from widget.tests.browser import one_line, page_of, snippet

pytestmark = pytest.mark.browser

STRICT = (
    "default-src 'none'; script-src {ours}; frame-src {ours}; connect-src {ours}; "
    "require-trusted-types-for 'script'"
)
HOSTILE = """<style>
html { font-size: 62.5% } * { color: red !important; line-height: 0 !important }
button, your-agent { display: none !important } svg { width: 2px !important }
your-agent { opacity: 0 !important; position: static !important; zoom: 0.1 !important }
iframe { visibility: hidden !important; width: 1px !important }
</style>"""
IN_SHADOW = "document.querySelector('your-agent').shadowRoot"


def focused_in_shadow(shop) -> str:
    return shop.page.evaluate(f"{IN_SHADOW}.activeElement?.localName")


def focused_in_panel(shop) -> str:
    return shop.panel.evaluate("document.hasFocus() && document.activeElement.id")


def test_the_launcher_is_visible_and_named(shop, desk):
    shop.visit(page_of(snippet(shop.address, desk)))
    shop.launcher.wait_for()
    button = shop.page.get_by_role("button", name="Ask a question", exact=True)
    assert button.get_attribute("aria-expanded") == "false"
    assert button.get_attribute("aria-controls") == "pane"
    assert button.bounding_box()["height"] >= 44
    assert shop.page.get_by_role("region", name="Ask a question").count() == 1


def test_nothing_happens_before_it_is_opened(shop, desk):
    before = (
        "<script>window.known = new Set(Object.getOwnPropertyNames(window))</script>"
    )
    shop.visit(page_of(before + snippet(shop.address, desk)))
    shop.launcher.wait_for()
    shop.page.wait_for_load_state("networkidle")
    assert shop.ours() == [f"{shop.address}/static/widget/loader.js"]
    assert shop.context.cookies() == []
    assert shop.page.evaluate("localStorage.length + sessionStorage.length") == 0
    added = "Object.getOwnPropertyNames(window).filter(n => !known.has(n))"
    assert set(shop.page.evaluate(added)) - {"known"} == {"YourAgent"}


def test_opening_moves_focus_in_and_escape_takes_it_back(shop, desk):
    shop.visit(page_of(snippet(shop.address, desk)))
    shop.launcher.focus()
    shop.page.keyboard.press("Enter")
    shop.wait_for(lambda: focused_in_panel(shop) == "input")
    assert shop.launcher.get_attribute("aria-expanded") == "true"
    shop.page.keyboard.press("Escape")
    shop.wait_for(lambda: shop.launcher.get_attribute("aria-expanded") == "false")
    assert focused_in_shadow(shop) == "button"
    assert not shop.page.locator("your-agent iframe").is_visible()


def test_closing_in_the_panel_closes_it_and_opening_again_loads_nothing(shop, desk):
    shop.visit(page_of(snippet(shop.address, desk)))
    shop.open().click("#close")
    shop.wait_for(lambda: focused_in_shadow(shop) == "button")
    asked = len(shop.ours())
    shop.launcher.click()
    shop.wait_for(lambda: focused_in_panel(shop) == "input")
    assert len(shop.ours()) == asked


def test_focus_returns_to_the_pages_own_button(shop, desk):
    ask = "<script>buy.onclick = () => YourAgent.open()</script>"
    shop.visit(page_of(snippet(shop.address, desk) + ask))
    shop.page.click("#buy")
    shop.wait_for(lambda: focused_in_panel(shop) == "input")
    shop.page.keyboard.press("Escape")
    shop.wait_for(lambda: shop.page.evaluate("document.activeElement.id") == "buy")


@pytest.mark.parametrize("unanswered", ["boot", "sessions"])
def test_a_visitor_who_went_elsewhere_keeps_the_focus(shop, desk, unanswered):
    shop.visit(page_of("<input id='search'>" + snippet(shop.address, desk)))
    held = []
    shop.page.route(f"**/api/widget/v1/{unanswered}", lambda route: held.append(route))
    shop.launcher.click()
    shop.wait_for(lambda: held)
    shop.page.focus("#search")
    held[0].continue_()
    shop.panel.wait_for_selector("#form:not([inert])")
    assert shop.page.evaluate("document.activeElement.id") == "search"


def test_a_swapped_body_keeps_the_conversation(shop, desk):
    shop.visit(page_of(snippet(shop.address, desk)))
    shop.open()
    shop.ask("How long does it take to Graz?")
    shop.answers(2)
    asked = len(shop.ours())
    shop.page.evaluate(
        "{ const body = document.createElement('body'); body.textContent = 'Next';"
        " document.body.replaceWith(body); }"
    )
    assert len(shop.answers(2)) == 2
    assert shop.launcher.is_visible()
    assert len(shop.ours()) == asked


def test_a_page_that_removes_it_gets_it_back(shop, desk):
    shop.visit(page_of(snippet(shop.address, desk)))
    shop.launcher.wait_for()
    shop.page.evaluate("document.querySelector('your-agent').remove()")
    shop.launcher.wait_for(timeout=2000)


def test_loading_and_starting_it_twice_shows_one(shop, desk):
    twice = snippet(shop.address, desk) * 2 + one_line(shop.address, desk)
    shop.visit(page_of(twice))
    shop.page.wait_for_load_state("networkidle")
    assert shop.page.locator("your-agent").count() == 1
    assert shop.complaints == []


def test_hostile_styles_of_the_page_change_nothing(shop, desk):
    shop.visit(page_of(snippet(shop.address, desk), head=HOSTILE))
    shop.launcher.wait_for()
    box = shop.launcher.bounding_box()
    assert box["height"] == 56
    assert 1000 - box["x"] - box["width"] == 20
    assert 800 - box["y"] - box["height"] == 20
    looks = shop.launcher.evaluate(
        "b => getComputedStyle(b).color + getComputedStyle(b).fontSize"
    )
    assert looks == "rgb(254, 253, 251)15px"
    assert shop.launcher.locator("svg").bounding_box()["width"] == 24
    shop.open()
    assert shop.page.locator("your-agent iframe").bounding_box()["width"] == 392


def test_a_strict_policy_and_trusted_types_are_kept_throughout(shop, desk):
    shop.context.add_init_script(
        "window.broken = []; addEventListener('securitypolicyviolation',"
        " e => broken.push(e.violatedDirective + ' ' + e.blockedURI))"
    )
    html = page_of(one_line(shop.address, desk))
    policy = STRICT.format(ours=shop.address)
    shop.visit(html, Content_Security_Policy=policy)
    panel = shop.open()
    shop.ask("How long does it take to Graz?")
    assert "three to four working days" in shop.answers(2)[1]
    panel.locator(".src button").click()
    shop.launcher.click()
    favicon = ["img-src data"]
    broken = shop.page.evaluate("broken")
    assert [each for each in broken if each not in favicon] == []
    assert panel.evaluate("broken") == []


@pytest.mark.parametrize("looks", ["light", "dark", "rtl"])
def test_axe_finds_nothing_closed_and_open(shop, desk, looks):
    scheme = "dark" if looks == "dark" else "light"
    head = f"<style>:root {{ color-scheme: {scheme}; background: Canvas }}</style>"
    shop.visit(
        page_of(
            snippet(shop.address, desk),
            head=head,
            lang="ar" if looks == "rtl" else "en",
            rest='dir="rtl"' if looks == "rtl" else "",
        )
    )
    shop.launcher.wait_for()
    assert axe_violations(shop.page) == []
    panel = shop.open()
    assert panel.evaluate("document.documentElement.dataset.scheme") == scheme
    shop.wait_for(lambda: panel.evaluate("!document.getAnimations().length"))
    assert axe_violations(panel) == []
    shop.ask("How long does it take to Graz?")
    shop.answers(2)
    panel.locator(".src button").click()
    assert axe_violations(panel) == []
    assert axe_violations(shop.page) == []


def test_in_a_page_from_right_to_left_everything_is_mirrored(shop, desk):
    shop.visit(page_of(snippet(shop.address, desk), lang="ar", rest='dir="rtl"'))
    assert shop.launcher.bounding_box()["x"] == 20
    panel = shop.open()
    assert shop.page.locator("your-agent iframe").bounding_box()["x"] == 20
    assert panel.evaluate("getComputedStyle(document.body).direction") == "rtl"
    assert panel.get_by_role("button", name="إرسال").is_visible()


def test_calls_made_before_the_loader_came_are_carried_out(shop, desk):
    early = (
        f"<script>YourAgent = [['init', {{agentPublicId: '{desk.public_id}'}}],"
        f" ['on', 'open', () => document.title = 'opened'], ['open']];</script>"
        f'<script src="{shop.address}/static/widget/loader.js" async></script>'
    )
    shop.visit(page_of("", head=early))
    shop.panel.wait_for_selector("#form:not([inert])")
    assert shop.page.title() == "opened"


def test_the_page_decides_about_five_things_only(shop, desk):
    config = """{ theme: 'dark', position: 'top-left', size: 'small', locale: 'de-AT',
        welcome_message: '<img src=x onerror=alert(1)> **Moin**', branding: false,
        suggestions: ['mine'], animation: 'none' }"""
    shop.visit(page_of(snippet(shop.address, desk, config)))
    box = shop.launcher.bounding_box()
    assert (box["x"], box["y"]) == (20, 20)
    panel = shop.open()
    assert shop.page.locator("your-agent iframe").bounding_box()["width"] == 340
    assert panel.locator("html").get_attribute("lang") == "de"
    assert panel.locator("html").get_attribute("data-scheme") == "dark"
    assert panel.locator("html").get_attribute("data-animation") == "slide-up"
    assert panel.locator("#brand").is_visible()
    assert "<img src=x onerror=alert(1)> Moin" in shop.answers(1)[0]
    assert panel.locator("#log strong").inner_text() == "Moin"
    assert "mine" not in panel.locator("#suggestions").inner_text()


def test_a_site_that_is_not_allowed_says_so_and_nothing_more(shop, desk):
    desk.allowed_origins = ["https://other.example"]
    desk.save(update_fields=["allowed_origins"])
    hear = "<script>YourAgent.on('error', e => document.title = e.code)</script>"
    shop.visit(page_of(snippet(shop.address, desk) + hear))
    shop.launcher.click()
    alert = shop.page.get_by_role("alert")
    alert.wait_for()
    assert alert.inner_text() == "The chat is not set up for this website yet."
    assert shop.page.title() == "origin_not_allowed"
    assert shop.page.locator("your-agent iframe").count() == 0


def test_a_message_from_elsewhere_moves_nothing(shop, desk):
    shop.visit(page_of(snippet(shop.address, desk)))
    shop.open()
    shop.page.evaluate(
        "new Promise(done => { addEventListener('message', done);"
        " postMessage({type: 'close'}, '*'); })"
    )
    assert shop.launcher.get_attribute("aria-expanded") == "true"


def test_it_can_be_hidden_shown_destroyed_and_begun_again(shop, desk):
    shop.visit(page_of(snippet(shop.address, desk)))
    shop.launcher.wait_for()
    shop.page.evaluate("YourAgent.hide()")
    assert not shop.launcher.is_visible()
    shop.page.evaluate("YourAgent.show()")
    assert shop.launcher.is_visible()
    shop.open()
    shop.page.evaluate("YourAgent.destroy()")
    assert shop.page.locator("your-agent").count() == 0
    begin = f"YourAgent.init({{agentPublicId: '{desk.public_id}'}})"
    shop.page.evaluate(begin)
    shop.open()


def test_the_page_hears_of_events_but_not_of_words(shop, desk):
    hear = """<script>window.heard = [];
        for (const name of ['ready', 'open', 'close', 'session', 'message', 'error'])
          YourAgent.on(name, detail => heard.push([name, detail]));</script>"""
    shop.visit(page_of(snippet(shop.address, desk) + hear))
    shop.open()
    shop.ask("How long does it take to Graz?")
    shop.answers(2)
    shop.launcher.click()
    shop.wait_for(lambda: len(shop.page.evaluate("heard")) == 6)
    heard = shop.page.evaluate("heard")
    names = ["ready", "open", "session", "message", "message", "close"]
    assert [name for name, _ in heard] == names
    assert heard[2][1] == {"resumed": False}
    assert [set(detail) for name, detail in heard if name == "message"] == [
        {"role", "id"}
    ] * 2


def test_on_a_phone_the_chat_fills_the_screen(chromium, shop, desk):
    shop.context = chromium.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    shop.visit(page_of(snippet(shop.address, desk)))
    assert shop.launcher.bounding_box()["width"] == 56
    panel = shop.open()
    box = shop.page.locator("your-agent iframe").bounding_box()
    assert box == {"x": 0, "y": 0, "width": 390, "height": 844}
    assert not shop.launcher.is_visible()
    assert panel.evaluate("getComputedStyle(input).fontSize") == "16px"
    for name in ("Close chat", "Send"):
        target = panel.get_by_role("button", name=name).bounding_box()
        assert round(min(target["width"], target["height"]), 3) >= 44
    panel.click("#close")
    shop.launcher.wait_for()
    shop.context.close()


def test_motion_and_colours_follow_the_visitors_settings(shop, desk):
    shop.visit(page_of(snippet(shop.address, desk)))
    shop.page.emulate_media(reduced_motion="reduce", forced_colors="active")
    style = "(({transitionDuration: t, borderTopStyle: b}) => [t, b])"
    looks = shop.launcher.evaluate(f"button => {style}(getComputedStyle(button))")
    assert looks == ["0s", "solid"]
    panel = shop.open()
    assert panel.evaluate("document.getAnimations().length") == 0
