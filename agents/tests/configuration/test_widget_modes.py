"""A widget mode that only closes the widget is not offered; who has one keeps it."""

import json

import pytest
from django.urls import reverse
from drf_spectacular.generators import SchemaGenerator

from accounts.tests.factories import OperatorFactory
from agents.models import Agent, WidgetMode
from agents.tests.factories import AgentFactory

pytestmark = pytest.mark.django_db
URL = "/api/v1/agents/"
CLOSED = [WidgetMode.IDENTITY_REQUIRED, WidgetMode.SERVER_ONLY]


@pytest.fixture
def agent(harbor):
    """An agent from when the mode was offered."""
    agent = AgentFactory(organization=harbor, name="Finder")
    Agent.objects.update(widget_mode=WidgetMode.SERVER_ONLY)
    agent.refresh_from_db()
    return agent


def pointers(answer):
    assert answer.status_code == 400, answer.content
    return [each["pointer"] for each in answer.json()["errors"]]


@pytest.mark.parametrize("mode", CLOSED)
def test_no_new_agent_gets_one(api, mode):
    body = {"name": "Finder", "widget_mode": mode}
    assert pointers(api.post(URL, body, format="json")) == ["/widget_mode"]
    assert not Agent.objects.exists()


@pytest.mark.parametrize("send", ["patch", "put"])
@pytest.mark.parametrize("mode", CLOSED)
def test_no_agent_is_changed_to_one(api, harbor, send, mode):
    agent = AgentFactory(organization=harbor)
    body = {"name": "Other", "widget_mode": mode}
    answer = getattr(api, send)(f"{URL}{agent.public_id}/", body, format="json")
    assert pointers(answer) == ["/widget_mode"]
    agent.refresh_from_db()
    assert (agent.widget_mode, agent.name != "Other") == ("public", True)


@pytest.mark.parametrize("send", ["patch", "put"])
def test_an_agent_that_has_one_keeps_it_until_another_is_chosen(api, agent, send):
    url, write = f"{URL}{agent.public_id}/", getattr(api, send)
    body = {"name": "Other", "widget_mode": "server_only"}
    kept = write(url, body, format="json").json()
    assert (kept["name"], kept["widget_mode"]) == ("Other", "server_only")
    body = {"name": "Other", "widget_mode": "identity_required"}
    assert pointers(write(url, body, format="json")) == ["/widget_mode"]
    body = {"name": "Other", "widget_mode": "public"}
    assert write(url, body, format="json").json()["widget_mode"] == "public"


def test_a_clone_and_a_file_keep_what_the_agent_has(api, agent):
    url = f"{URL}{agent.public_id}/"
    clone = api.post(f"{url}clone/", {}, format="json").json()
    file = json.loads(api.get(f"{url}export/").content)
    brought = api.post(f"{URL}import/", file, format="json").json()
    assert file["agent"]["widget_mode"] == "server_only"
    assert clone["widget_mode"] == brought["widget_mode"] == "server_only"


def test_its_page_says_that_the_mode_is_not_available_yet(browser_of, ada, agent):
    browser = browser_of(ada)
    words = "Only through your own server: not available yet"
    page = reverse("agents:detail", args=[agent.public_id])
    assert words in browser.get(page).content.decode()
    Agent.objects.update(widget_mode=WidgetMode.PUBLIC)
    assert words not in browser.get(page).content.decode()


def test_saving_its_page_keeps_the_mode(browser_of, ada, agent):
    browser = browser_of(ada)
    address = reverse("agents:edit", args=[agent.public_id])
    form = browser.get(address).context["form"]
    sent = {field.name: field.value() for field in form} | {"name": "Other"}
    sent = {name: value for name, value in sent.items() if value or value == 0}
    assert browser.post(address, sent).status_code == 302
    agent.refresh_from_db()
    assert (agent.name, agent.widget_mode) == ("Other", "server_only")


def test_an_operator_is_offered_what_there_is_and_what_the_agent_has(client, agent):
    client.force_login(OperatorFactory())
    page = client.get(reverse("admin:agents_agent_add"))
    field = page.context["adminform"].form.fields["widget_mode"]
    assert [value for value, _ in field.choices] == ["public"]
    page = client.get(reverse("admin:agents_agent_change", args=[agent.pk]))
    field = page.context["adminform"].form.fields["widget_mode"]
    assert dict(field.choices) == {
        "public": "Anyone on an allowed site",
        "server_only": "Only through your own server: not available yet",
    }


def test_the_document_offers_neither_a_mode_nor_a_scope_that_is_not_built():
    shapes = SchemaGenerator().get_schema(request=None, public=True)["components"]
    bodies = {
        name: json.dumps(shape)
        for name, shape in shapes["schemas"].items()
        if "Body" in name
    }
    assert {"NewAgentBodyRequest", "KeyBodyRequest"} <= bodies.keys()
    offering = [
        name
        for name, text in bodies.items()
        if any(word in text for word in ("server_only", "widget:sessions"))
    ]
    assert offering == []
