"""A visitor and a member at two ends of the product's own web process."""

import json
from collections.abc import Iterator

import pytest
from django.conf import settings

from accounts.tests.factories import MembershipFactory, make_key
from agents.models import Session
from config.tests.serving import Server, free_port, served
from widget.tests.browser import test_database_url as database_url
from widget.tests.factories import SITE, SpeakingAgentFactory

pytestmark = [pytest.mark.process, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def web() -> Iterator[Server]:
    port = free_port()
    with served(
        "config.asgi:application",
        port=port,
        DATABASE_URL=database_url(),
        REDIS_URL=settings.REDIS_URL,
        PUBLIC_BASE_URL=f"http://127.0.0.1:{port}",
        LOG_LEVEL="warning",
    ) as server:
        yield server


def send(web: Server, path: str, body: dict, **headers: str) -> dict:
    connection = web.connect()
    given = {"Content-Type": "application/json", "Sec-Fetch-Site": "same-origin"}
    connection.request("POST", path, json.dumps(body), given | headers)
    response = connection.getresponse()
    told = json.loads(response.read())
    connection.close()
    assert response.status < 300, told
    return told


def heard(stream) -> Iterator[tuple[str, dict]]:
    """Read events as they come."""
    name = ""
    while line := stream.readline().decode():
        if line.startswith("event: "):
            name = line[7:].strip()
        elif line.startswith("data: "):
            yield name, json.loads(line[6:])


def test_what_a_member_answers_is_on_the_visitors_stream_at_once(web):
    ada = MembershipFactory(user__name="Ada Owner")
    key = {"X-API-Key": make_key(ada)}
    agent = SpeakingAgentFactory(organization=ada.organization)
    widget = "/api/widget/v1"
    booted = send(
        web, f"{widget}/boot", {"public_id": str(agent.public_id)}, Origin=SITE
    )
    entered = send(web, f"{widget}/sessions", {"boot_code": booted["boot_code"]})
    visitor = {"Authorization": f"Bearer {entered['token']}"}
    asked = send(web, f"{widget}/handover", {"locale": "en"}, **visitor)
    assert asked["handover"]["holder"] == "waiting"

    after = asked["events_after"]
    path = f"{widget}/stream?after={after}"
    with web.open(path, Accept="text/event-stream", **visitor) as stream:
        events = heard(stream)
        assert [next(events)[0] for _ in range(2)] == ["message", "handover"]
        inbox = f"/api/v1/inbox/{Session.objects.get().pk}"
        send(web, f"{inbox}/take/", {}, **key)
        name, told = next(events)
        assert (name, told["person"]) == (
            "handover",
            {"name": "Ada Owner", "title": ""},
        )
        send(web, f"{inbox}/reply/", {"content": "Hello, Ada here."}, **key)
        name, told = next(events)
        assert (name, told["message"]["content"]) == ("message", "Hello, Ada here.")
        silent = send(web, f"{widget}/messages", {"content": "Thanks"}, **visitor)
        assert silent["reply_id"] is None
