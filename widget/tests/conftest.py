"""A visitor's browser: the loader's calls and the frame's, over HTTP."""

import time

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from accounts.tests.factories import OrganizationFactory
from agents.knowledge.indexing import index_document
from agents.tests.factories import DocumentFactory, KnowledgePackFactory
from config.tests import browsing
from widget.tests.browser import Shop
from widget.tests.factories import SITE, SpeakingAgentFactory

SHIPPING = """Parcels to Graz take three to four working days.

Orders before 14:00 leave our roastery the same day.

You can send the grinder back within thirty days, also after trying it.
"""


class Visitor:
    """Speaks the widget's protocol as the loader and the panel do."""

    def __init__(self, agent, origin: str = SITE, address: str = "") -> None:
        self.agent = agent
        self.origin = origin
        self.client = APIClient()
        self.address = address or f"test-{agent.public_id}"[:45]
        self.token = ""

    def send(self, method: str, name: str, body=None, **headers):
        given = {"Sec-Fetch-Site": "same-origin"} | headers
        if self.token:
            given.setdefault("Authorization", f"Bearer {self.token}")
        return self.client.generic(
            method,
            reverse(f"widget:{name}"),
            b"" if body is None else self.client._encode_data(body, "json")[0],
            "application/json",
            headers=given,
            REMOTE_ADDR=self.address,
        )

    def boot(self, **body):
        return self.client.post(
            reverse("widget:boot"),
            {"public_id": str(self.agent.public_id), "locale": "en"} | body,
            format="json",
            headers={"Origin": self.origin} if self.origin else {},
            REMOTE_ADDR=self.address,
        )

    def enter(self):
        code = self.boot().json()["boot_code"]
        answer = self.send("POST", "sessions", {"boot_code": code})
        self.token = answer.json()["token"]
        return answer

    def refresh(self, **headers):
        body = {"public_id": str(self.agent.public_id)}
        return self.send("POST", "refresh", body, **headers)

    def say(self, content: str, **headers):
        return self.send("POST", "messages", {"content": content}, **headers)


def until_refused(ask, *, quota: int, window: int):
    """Ask until the answer is 429; see that it came when the bucket was empty.

    A bucket refills while a slow machine asks, so time decides how many are many.
    """
    begun = time.monotonic()
    allowed = 0
    while (answer := ask()).status_code != 429 and allowed < quota * 3:
        allowed += 1
    elapsed = time.monotonic() - begun
    assert quota <= allowed <= quota + elapsed * quota / window + 1
    return answer


@pytest.fixture
def agent(harbor):
    return SpeakingAgentFactory(organization=harbor, name="Shipping desk")


@pytest.fixture
def visitor(agent):
    return Visitor(agent)


@pytest.fixture
def inside(visitor):
    """A visitor whose panel is open."""
    visitor.enter()
    return visitor


@pytest.fixture
def host(served_product):
    with browsing.host_site() as site:
        yield site


@pytest.fixture
def context(chromium):
    context = chromium.new_context(viewport={"width": 1000, "height": 800})
    yield context
    context.close()


@pytest.fixture
def shop(context, host, served_product):
    """A shop's site; `shop.visit(html)` opens its page."""
    return Shop(context, host, f"http://127.0.0.1:{served_product.port}")


@pytest.fixture
def phone(chromium, shop):
    """The shop's site on a phone."""
    shop.context = chromium.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    yield shop
    shop.context.close()


@pytest.fixture
def desk(transactional_db, host):
    """An agent that knows about shipping and may speak in the shop."""
    harbor = OrganizationFactory(name="Harbor Coffee")
    pack = KnowledgePackFactory(organization=harbor)
    document = DocumentFactory(
        knowledge_pack=pack,
        title="Shipping times",
        content=SHIPPING,
        source_url="https://shop.example/shipping",
    )
    index_document(str(document.pk))
    return SpeakingAgentFactory(
        organization=harbor,
        name="Shipping desk",
        knowledge_pack_id=pack.pk,
        allowed_origins=[host.origin],
        widget_config={"suggestions": ["How long does it take to Graz?"]},
    )
