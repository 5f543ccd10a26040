"""What is taken away is refused at the next request, by every way in.

Every door is opened first; then one thing happens; then each is tried again.
"""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.access.api_keys import revoke_api_key
from accounts.models import APIKey, Role
from accounts.organizations.deletion import delete_organization
from accounts.organizations.members import change_role, remove_member
from accounts.privacy.account_closing import close_account
from accounts.tests.factories import MembershipFactory, make_key
from agents.lifecycle.deletion import delete_agent
from agents.lifecycle.editing import update_agent
from widget.models import WidgetSession
from widget.sessions import revoke
from widget.tests.conftest import Visitor
from widget.tests.factories import SpeakingAgentFactory

pytestmark = pytest.mark.django_db
PHRASE = "another long passphrase"


class World:
    """Vera edits in Harbor Coffee; her key, her browser and a visitor are inside."""

    def __init__(self, harbor, ada):
        self.ada, self.harbor = ada, harbor
        self.vera = MembershipFactory(organization=harbor, role=Role.EDITOR)
        self.agent = SpeakingAgentFactory(organization=harbor, name="Desk")
        self.raw = make_key(self.vera)
        self.key = APIKey.objects.get()
        self.browser = Client()
        self.browser.force_login(self.vera.user)
        self.visitor = Visitor(self.agent)
        self.visitor.enter()
        self.visitor.say("How long?")  # from here on there is a cookie, too

    def by_key(self, path: str, **headers: str):
        return Client().get(path, headers=headers or {"X-API-Key": self.raw})

    def edit(self, client: Client, **headers: str):
        path = f"/api/v1/agents/{self.agent.public_id}/"
        body = {"description": "Edited."}
        return client.patch(path, body, "application/json", headers=headers)

    def ask(self, client: Client, **headers: str):
        body = {"agent": str(self.agent.public_id)}
        return client.post(
            "/api/v1/sessions/", body, "application/json", headers=headers
        )

    def by_cookie(self):
        """Renew with the cookie alone, as a reloaded frame does."""
        token, self.visitor.token = self.visitor.token, ""
        answer = self.visitor.refresh()
        self.visitor.token = token
        return answer

    def frame(self):
        path = reverse("widget:frame", args=[self.agent.public_id])
        return Client().get(path, {"origin": self.visitor.origin})

    def doors(self) -> dict[str, Callable]:
        agent = f"/api/v1/agents/{self.agent.public_id}/"
        bearer = {"Authorization": f"Bearer {self.raw}"}
        return {
            "key": lambda: self.by_key(agent),
            "bearer": lambda: self.by_key(agent, **bearer),
            "key, list": lambda: self.by_key("/api/v1/sessions/"),
            "key, editing": lambda: self.edit(Client(), **{"X-API-Key": self.raw}),
            "key, asking": lambda: self.ask(Client(), **bearer),
            "openai": lambda: self.by_key(f"/v1/models/{self.agent.public_id}"),
            "page": lambda: self.browser.get(f"/agents/{self.agent.public_id}/"),
            "page, list": lambda: self.browser.get("/agents/"),
            "browser": lambda: self.browser.get(agent),
            "browser, editing": lambda: self.edit(self.browser),
            "browser, asking": lambda: self.ask(self.browser),
            "widget, boot": self.visitor.boot,
            "widget, frame": self.frame,
            "widget, token": lambda: self.visitor.send("GET", "messages"),
            "widget, asking": lambda: self.visitor.say("And then?"),
            "widget, renewing": self.by_cookie,
        }

    def open(self) -> set[str]:
        return {name for name, door in self.doors().items() if is_open(door())}


def is_open(answer) -> bool:
    assert answer.status_code < 500
    return answer.status_code < 300


KEY = {"key", "bearer", "key, list", "key, editing", "key, asking", "openai"}
BROWSER = {"page", "page, list", "browser", "browser, editing", "browser, asking"}
WIDGET = {
    "widget, boot",
    "widget, frame",
    "widget, token",
    "widget, asking",
    "widget, renewing",
}
EDITING = {"key, editing", "browser, editing"}
ASKING = {"key, asking", "browser, asking"}


def key_revoked(world):
    revoke_api_key(key=world.key, actor=world.ada.user)


def key_expired(world):
    APIKey.objects.update(expires_at=timezone.now() - timedelta(seconds=1))


def person_deactivated(world):
    world.vera.user.deactivate()


def account_closed(world):
    close_account(user=world.vera.user, actor=world.vera.user)


def member_removed(world):
    remove_member(
        organization=world.harbor, actor=world.ada.user, user_id=world.vera.user_id
    )


def role_lowered(world):
    change_role(
        organization=world.harbor,
        actor=world.ada.user,
        user_id=world.vera.user_id,
        role=Role.VIEWER,
    )


def password_changed(world):
    world.vera.user.set_password(PHRASE)
    world.vera.user.save()


def agent_switched_off(world):
    update_agent(agent=world.agent, actor=world.ada.user, changes={"is_active": False})


def agent_deleted(world):
    delete_agent(agent=world.agent, actor=world.ada.user)


def site_taken_off_the_list(world):
    changes = {"allowed_origins": ["https://other.example"]}
    update_agent(agent=world.agent, actor=world.ada.user, changes=changes)


def visit_revoked(world):
    revoke(WidgetSession.objects.get())


def organization_deleted(world):
    delete_organization(organization=world.harbor, actor=world.ada.user)


# What each closes. A viewer may still talk with agents; a key is not made of its
# owner's password, and is revoked by itself.
CLOSED = {
    key_revoked: KEY,
    key_expired: KEY,
    person_deactivated: KEY | BROWSER,
    account_closed: KEY | BROWSER,
    member_removed: KEY | BROWSER,
    role_lowered: EDITING,
    password_changed: BROWSER,
    agent_switched_off: ASKING | WIDGET | {"openai"},
    site_taken_off_the_list: WIDGET,
    visit_revoked: {"widget, token", "widget, asking", "widget, renewing"},
    agent_deleted: (KEY | BROWSER | WIDGET) - {"key, list", "page, list"},
    organization_deleted: KEY | BROWSER | WIDGET,
}


@pytest.fixture
def world(harbor, ada):
    return World(harbor, ada)


@pytest.mark.parametrize("event", CLOSED, ids=lambda event: event.__name__)
def test_it_is_refused_at_the_next_request(world, event):
    assert world.open() == set(world.doors())
    event(world)
    assert set(world.doors()) - world.open() == CLOSED[event]
