"""A visitor's browser: the loader's calls and the frame's, over HTTP."""

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from widget.tests.factories import SITE, SpeakingAgentFactory


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
