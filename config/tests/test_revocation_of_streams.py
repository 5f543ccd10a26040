"""What is taken away is heard no longer: an open stream ends at its next heartbeat."""

import asyncio

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.test import AsyncClient
from django.urls import reverse

from agents.conversations import event_stream, inbox_feed
from agents.inbox.closing import delete_session
from agents.models import Session
from config.tests import test_revocation as taken

pytestmark = [pytest.mark.threaded, pytest.mark.django_db(transaction=True)]
HEARTBEAT_SECONDS = 0.05
# So many more heartbeats does a stream live that is left alone.
LIVES = 3


def session_deleted(world):
    delete_session(session=Session.objects.get(), actor=world.ada.user)


# A member reads what an agent said when it no longer speaks.
KEY = {"key", "key, inbox"}
BROWSER = {"browser", "browser, inbox"}
VISITOR = {"visitor"}
ENDED = {
    taken.key_revoked: KEY,
    taken.key_expired: KEY,
    taken.person_deactivated: KEY | BROWSER,
    taken.member_removed: KEY | BROWSER,
    taken.role_lowered: set(),
    taken.password_changed: BROWSER,
    taken.agent_switched_off: VISITOR,
    taken.site_taken_off_the_list: VISITOR,
    # Its conversations are deleted with it.
    taken.agent_deleted: {"key", "browser"} | VISITOR,
    session_deleted: {"key", "browser"},
    taken.organization_deleted: KEY | BROWSER | VISITOR,
}


@pytest.fixture
def world(harbor, ada, monkeypatch):
    monkeypatch.setattr(event_stream, "HEARTBEAT_SECONDS", HEARTBEAT_SECONDS)
    yield taken.World(harbor, ada)
    channel = inbox_feed.channel(harbor.pk)
    kept = Session.all_objects.values_list("pk", flat=True)
    event_stream.forget([*kept, channel])


def addresses(world) -> dict[str, tuple[str, dict[str, str]]]:
    """Name each stream's address and the headers that let in, if not a cookie."""
    conversation = f"/api/v1/sessions/{Session.objects.get().pk}/stream"
    inbox = "/api/v1/inbox/stream"
    key, browser = {"X-API-Key": world.raw}, {}
    visitor = {
        "Authorization": f"Bearer {world.visitor.token}",
        "Sec-Fetch-Site": "same-origin",
    }
    return {
        "key": (conversation, key),
        "key, inbox": (inbox, key),
        "browser": (conversation, browser),
        "browser, inbox": (inbox, browser),
        "visitor": (reverse("widget:stream"), visitor),
    }


async def opened(world, path, headers):
    client = AsyncClient()
    if not headers:
        client.cookies = world.browser.cookies
    answer = await client.get(path, headers=headers)
    assert answer.status_code == 200
    parts = aiter(answer.streaming_content)
    assert (await anext(parts)).startswith(b"retry: ")
    return parts


async def ends(parts) -> bool:
    """Listen until a stream is over, or has outlived what would have ended it."""
    heartbeats = 0
    async for part in parts:
        heartbeats += part == b": alive\n\n"
        if heartbeats == LIVES:
            await parts.aclose()
            return False
    return True


def in_a_thread(event, world):
    try:
        event(world)
    finally:
        connections.close_all()


async def ended_by(event, world, doors) -> set[str]:
    listening = {name: await opened(world, *door) for name, door in doors.items()}
    try:
        await asyncio.to_thread(in_a_thread, event, world)
        over = await asyncio.gather(*map(ends, listening.values()))
    finally:
        await event_stream._reader().aclose()
        # The thread that ran the visitor's view keeps its connection.
        await sync_to_async(connections.close_all)()
    return {name for name, is_over in zip(listening, over, strict=True) if is_over}


@pytest.mark.parametrize("event", ENDED, ids=lambda event: event.__name__)
def test_an_open_stream_ends_with_what_let_its_reader_in(world, event):
    hearing = ended_by(event, world, addresses(world))
    assert asyncio.run(asyncio.wait_for(hearing, 20)) == ENDED[event]


def test_a_stream_that_is_never_silent_is_asked_as_well():
    async def hear() -> bytes:
        event_stream.append("talkative", "token", {})
        relayed = event_stream.relay(
            "talkative", may_go_on=lambda: False, heartbeat_seconds=0.05
        )
        heard = b""
        async for part in relayed:
            heard += part
            await asyncio.to_thread(event_stream.append, "talkative", "token", {})
        await event_stream._reader().aclose()
        return heard

    try:
        assert b": alive" not in asyncio.run(asyncio.wait_for(hear(), 20))
    finally:
        event_stream.forget(["talkative"])
