"""When the chat's part of the widget comes to a page, and what waits for it."""

import pytest

from widget.tests.browser import one_line, page_of, snippet
from widget.tests.test_loader import LOADER_LIMIT

pytestmark = pytest.mark.browser

EVENTS = (
    "<script>window.heard = []; for (const name of ['open', 'close'])"
    " YourAgent.on(name, () => heard.push(name))</script>"
)


def has_run(shop) -> None:
    """Wait for the import: the page's own one of the same module comes after it."""
    shop.page.evaluate("url => import(url).then(() => 0)", shop.openings()[0])


@pytest.mark.parametrize("sign", ["hover", "focus", "touch", "open", "toggle"])
def test_the_chat_is_imported_at_the_first_sign_of_use(phone, desk, sign):
    phone.visit(page_of(snippet(phone.address, desk)))
    phone.launcher.wait_for()
    phone.page.evaluate("YourAgent.close()")
    phone.page.wait_for_load_state("networkidle")
    assert phone.openings() == []
    if sign == "hover":
        phone.launcher.hover()
    elif sign == "focus":
        phone.launcher.focus()
    elif sign == "touch":
        at = phone.launcher.bounding_box()
        point = {"x": at["x"] + 20, "y": at["y"] + 20}
        phone.context.new_cdp_session(phone.page).send(
            "Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]}
        )
    else:
        phone.page.evaluate(f"YourAgent.{sign}()")
    phone.wait_for(lambda: phone.openings())
    has_run(phone)
    assert len(phone.openings()) == 1
    is_opened = sign in ("open", "toggle")
    assert phone.page.locator("your-agent #pane").is_visible() == is_opened
    if is_opened:
        phone.until_ready()
    # Nothing of the visitor goes to us before the chat is opened.
    assert any("/boot" in url for url in phone.ours()) == is_opened


def test_calls_wait_for_the_chat_and_keep_their_order(shop, desk):
    held = []
    shop.context.route("**/open.js*", lambda route: held.append(route))
    shop.visit(page_of(snippet(shop.address, desk) + EVENTS))
    calls = "YourAgent.open(); YourAgent.close(); YourAgent.toggle()"
    shop.page.evaluate(calls)
    shop.wait_for(lambda: held)
    assert shop.page.evaluate("heard") == []
    held[0].continue_()
    shop.until_ready()
    assert shop.page.evaluate("heard") == ["open", "close", "open"]
    assert len(shop.openings()) == 1


def test_who_taps_twice_while_the_chat_is_coming_gets_it_open(shop, desk):
    held = []
    shop.context.route("**/open.js*", lambda route: held.append(route))
    shop.visit(page_of(snippet(shop.address, desk)))
    shop.launcher.dblclick()
    shop.wait_for(lambda: held)
    held[0].continue_()
    shop.until_ready()
    assert shop.launcher.get_attribute("aria-expanded") == "true"


def test_what_was_asked_of_a_widget_taken_away_is_forgotten(shop, desk):
    held = []
    shop.context.route("**/open.js*", lambda route: held.append(route))
    shop.visit(page_of(snippet(shop.address, desk) + EVENTS))
    begin = f"YourAgent.init({{agentPublicId: '{desk.public_id}'}})"
    shop.page.evaluate(f"YourAgent.open(); YourAgent.destroy(); {begin}")
    shop.wait_for(lambda: held)
    held[0].continue_()
    has_run(shop)
    assert shop.page.evaluate("heard") == []
    shop.open()


@pytest.mark.parametrize(
    "scripts", ["'nonce-r4nd0m'", "'nonce-r4nd0m' 'strict-dynamic'", "{ours}"]
)
def test_it_is_imported_under_strict_policies_and_trusted_types(shop, desk, scripts):
    policy = (
        f"default-src 'none'; script-src {scripts}; frame-src {{ours}}; "
        "connect-src {ours}; img-src data:; require-trusted-types-for 'script'; "
        "trusted-types 'none'"
    )
    line = one_line(shop.address, desk, 'nonce="r4nd0m"')
    headers = {"Content_Security_Policy": policy.format(ours=shop.address)}
    shop.visit(page_of(line), **headers)
    shop.open()
    assert shop.complaints == []


def test_any_page_may_import_the_chat_and_keep_it_for_a_while(shop, desk):
    shop.visit(page_of(snippet(shop.address, desk)))
    with shop.page.expect_response("**/open.js*") as coming:
        shop.launcher.hover()
    headers = coming.value.headers
    assert headers["access-control-allow-origin"] == "*"
    assert headers["cross-origin-resource-policy"] == "cross-origin"
    assert headers["cache-control"] == "max-age=300, public"


def test_the_loader_is_sent_in_at_most_2600_bytes(shop, desk):
    shop.page = shop.context.new_page()
    with shop.page.expect_response("**/loader.js") as coming:
        shop.page.goto(shop.site.show("/", page_of(snippet(shop.address, desk))))
    assert coming.value.headers["content-encoding"] == "gzip"
    assert coming.value.request.sizes()["responseBodySize"] <= LOADER_LIMIT
