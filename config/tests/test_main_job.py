"""The main job, from `bin/up` to a visitor's answered question, with every door real.

One start of the product serves this whole file, on servers and ports of its own.
"""

import json
import re
import urllib.request
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import FrameLocator, Locator, Page, expect

from config.tests.browsing import host_site
from config.tests.running import Up, a_data_directory, running
from config.tests.serving import until

pytestmark = [pytest.mark.browser]

TITLE = "Returns and shipping"
TEXT = """# Returns

You can send unopened bags back within 45 days of delivery and get the full price.
An opened bag is replaced when the beans arrived damaged.

# Shipping

Parcels to Portugal take six working days and cost 7.20 euros.
Orders before noon leave our roastery in Hamburg the same day.
"""
QUESTION = "How long do parcels to Portugal take?"
UNKNOWN = "Who won the chess championship in 1972?"
HOST = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">
<title>A shop</title></head><body><h1>A shop</h1>
{snippet}
</body></html>"""


class Product(NamedTuple):
    up: Up
    email: str
    password: str


@pytest.fixture(scope="module")
def product() -> Iterator[Product]:
    with a_data_directory() as data_dir, running(data_dir, "--demo") as up:
        up.wait_until_ready()
        up.wait_for_health("healthy")
        email, password = re.search(r"Sign in +(\S+) +(\S+)", up.output).groups()
        yield Product(up, email, password)


def sign_in(page: Page, product: Product) -> None:
    page.goto(product.up.address)
    page.get_by_label("Email").fill(product.email)
    page.get_by_label("Password", exact=True).fill(product.password)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", level=1, name="Agents")).to_be_visible()


def create_agent(page: Page, origin: str) -> str:
    """Create an agent from a persona and pasted text; return its two-line snippet."""
    page.get_by_role("link", name="New agent").first.click()
    page.get_by_role("radio", name="Support expert").check()
    page.get_by_label("Name", exact=True).fill("Parcel desk")
    page.get_by_label("Name of the new pack").fill("Parcels")
    page.get_by_label("Title").first.fill(TITLE)
    page.get_by_label("Text", exact=True).first.fill(TEXT)
    page.get_by_label("Allowed sites").fill(origin)
    page.get_by_role("button", name="Create the agent").click()
    expect(page.get_by_role("heading", level=1, name="Parcel desk")).to_be_visible()
    # The demo's own texts may still be ahead of it.
    until(lambda: page.reload() and has_passages(page), 60)
    page.get_by_role("tab", name="Two lines").click()
    return page.locator("#snippet-two").inner_text()


def has_passages(page: Page) -> bool:
    return bool(re.search(r"[1-9]\d* passage", page.locator("main").inner_text()))


def ask_as_a_visitor(panel: FrameLocator, question: str) -> Locator:
    """Ask in the widget; return where the answer after it will stand."""
    panel.locator("#form:not([inert]) #input").fill(question)
    panel.locator("#input").press("Enter")
    expect(panel.locator("#log")).to_contain_text(question)
    return panel.locator("#log > :last-child")


def test_a_visitor_of_another_site_is_answered_from_the_owners_text(product, chromium):
    owner = chromium.new_page()
    sign_in(owner, product)
    with host_site() as site:
        snippet = create_agent(owner, site.origin)
        assert len(snippet.splitlines()) == 2
        visitor = chromium.new_context().new_page()
        visitor.goto(site.show("/", HOST.format(snippet=snippet)))
        visitor.locator("your-agent button").click()
        panel = visitor.frame_locator("your-agent iframe")
        answer = ask_as_a_visitor(panel, QUESTION)
        expect(answer).to_contain_text("six working days", timeout=20_000)
        expect(answer).to_contain_text(TITLE)
        unknown = ask_as_a_visitor(panel, UNKNOWN)
        expect(unknown).to_contain_text(re.compile("I don.t know"), timeout=20_000)
    owner.get_by_role("link", name="Conversations").first.click()
    owner.get_by_role("link", name=QUESTION).first.click()
    expect(owner.get_by_text("six working days").first).to_be_visible()
    expect(owner.get_by_text(UNKNOWN).first).to_be_visible()


def create_key(page: Page) -> str:
    page.get_by_role("link", name="API keys").first.click()
    page.get_by_label("Name", exact=True).fill("The shop's server")
    for scope in page.get_by_role("checkbox").all():
        scope.check()
    page.get_by_role("button", name=re.compile("Create")).first.click()
    shown = page.get_by_text(re.compile("ya_live_[0-9A-Za-z]{36}")).first
    expect(shown).to_be_visible()
    return re.search("ya_live_[0-9A-Za-z]{36}", page.content())[0]


class Program:
    """A program with an API key, and nothing else."""

    def __init__(self, address: str, key: str) -> None:
        self.address, self.key = address, key

    def call(self, method: str, path: str, body: Any = None) -> Any:
        with self.open(method, path, body) as answer:
            return json.loads(answer.read())

    def open(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(  # noqa: S310
            self.address + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"X-API-Key": self.key, "Content-Type": "application/json"},
        )
        return urllib.request.urlopen(request, timeout=30)  # noqa: S310

    def ask(self, session: str, question: str) -> tuple[str, dict]:
        """Return the streamed text and the finished message."""
        asked = self.call(
            "POST", f"/api/v1/sessions/{session}/messages", {"content": question}
        )
        path = f"/api/v1/sessions/{session}/stream?after={asked['events_after']}"
        streamed, event = "", ""
        with self.open("GET", path) as stream:
            for line in map(bytes.decode, stream):
                name, _, value = line.rstrip("\n").partition(": ")
                if name == "event":
                    event = value
                elif name == "data" and event == "token":
                    streamed += json.loads(value)["text"]
                elif name == "data" and event == "done":
                    return streamed, json.loads(value)["message"]
        raise AssertionError("The stream ended before the answer.")


def test_the_same_through_the_api_without_a_browser(product, chromium):
    page = chromium.new_page()
    sign_in(page, product)
    program = Program(product.up.address, create_key(page))
    pack = program.call("POST", "/api/v1/knowledge-packs/", {"name": "By program"})
    document = program.call(
        "POST",
        f"/api/v1/knowledge-packs/{pack['id']}/documents/",
        {"title": TITLE, "content": TEXT},
    )
    agent = program.call(
        "POST",
        "/api/v1/agents/",
        {
            "name": "Made by a program",
            "persona_key": "support_expert",
            "knowledge_pack_id": pack["id"],
            "idempotency_key": "once",
        },
    )
    wait_until_indexed(program, document["id"], page)
    session = program.call("POST", "/api/v1/sessions/", {"agent": agent["id"]})["id"]
    streamed, message = program.ask(session, QUESTION)
    assert "six working days" in message["content"]
    assert streamed == message["content"]
    assert message["citations"][0]["title"] == TITLE
    assert re.search(r"I don.t know", program.ask(session, UNKNOWN)[1]["content"])
    transcript = program.call("GET", f"/api/v1/sessions/{session}/")
    assert [row["role"] for row in transcript["messages"]] == ["user", "assistant"] * 2
    assert transcript["total_messages"] == 4


def wait_until_indexed(program: Program, document: str, page: Page) -> None:
    for _ in range(200):
        if program.call("GET", f"/api/v1/documents/{document}/")["status"] == "done":
            return
        page.wait_for_timeout(250)
    raise AssertionError("The document was not indexed.")
