"""The form with everything an agent can be set to."""

import pytest
from django.urls import reverse

from agents.lifecycle.editing import update_agent
from agents.tests.factories import AgentFactory
from agents.views.forms.agents import EditAgentForm

CSS = ".them {\n  color: teal;\n}"


@pytest.fixture
def desk(harbor, ada):
    return AgentFactory(
        organization=harbor,
        created_by=ada.user,
        system_prompt="Name the carrier first.\n\nThen the price.",
        widget_config={"custom_css": CSS, "suggestions": ["Where is my parcel?"]},
    )


@pytest.fixture
def send(browser_of, ada, desk):
    """Send the form as a browser does, with some answers changed."""
    client = browser_of(ada)
    address = reverse("agents:edit", args=[desk.public_id])
    shown = client.get(address).context["form"]

    def post(**wish):
        sent = {field.name: field.value() for field in shown} | wish
        sent = {name: value for name, value in sent.items() if value or value == 0}
        lines = {n: v.replace("\n", "\r\n") for n, v in sent.items() if "\n" in str(v)}
        return client.post(address, sent | lines)

    return post


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("theme", "minimal"),
        ("position", "top-left"),
        ("size", "large"),
        ("animation", "none"),
        ("branding", False),
        ("typing_indicator", False),
        ("quick_replies", False),
        ("sound_enabled", True),
        ("custom_css", ".you { color: navy; }"),
        ("welcome_message", "Ahoy!"),
    ],
)
def test_a_setting_of_the_widget_is_saved_and_nothing_else(send, desk, name, value):
    before = desk.widget_config
    assert send(**{name: value}).status_code == 302
    desk.refresh_from_db()
    assert desk.widget_config == before | {name: value}
    assert desk.live_version.widget_config[name] == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("template", "faq_bot"),
        ("industry", "ecommerce"),
        ("release_gate", "enforce"),
        ("auto_optimize", True),
        ("is_active", False),
    ],
)
def test_a_setting_of_the_agent_is_saved_without_a_version(send, desk, name, value):
    assert getattr(desk, name) != value
    assert send(**{name: value}).status_code == 302
    desk.refresh_from_db()
    assert getattr(desk, name) == value
    assert desk.versions.count() == 1


def test_a_form_sent_as_it_came_writes_nothing(send, desk):
    assert send().status_code == 302
    revision = desk.revision
    desk.refresh_from_db()
    assert (desk.revision, desk.versions.count()) == (revision, 1)


def test_css_is_taken_away(send, desk):
    send(custom_css="")
    desk.refresh_from_db()
    assert desk.widget_config["custom_css"] is None


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"custom_css": ".you { position: fixed; }"}, "The property position is not"),
        ({"custom_css": "@import 'x';"}, "@import is not allowed"),
        ({"custom_css": "a" * 10_001}, "at most 10000 characters"),
        ({"theme": "neon"}, "Select a valid choice"),
        ({"position": ""}, "This field is required"),
        ({"release_gate": "sometimes"}, "Select a valid choice"),
    ],
)
def test_a_wrong_setting_is_said_at_its_field(send, desk, wrong, words):
    response = send(**wrong)
    (name,) = wrong
    assert response.status_code == 422
    assert words in response.context["form"].errors[name][0]
    assert f'id="id_{name}_error"' in response.content.decode()
    assert desk.versions.count() == 1


def test_a_stale_form_keeps_what_was_chosen(send, desk, ada):
    update_agent(agent=desk, actor=ada.user, changes={"description": "Meanwhile"})
    response = send(theme="dark")
    assert response.status_code == 422
    assert "Somebody changed this agent" in response.content.decode()
    assert response.context["form"]["theme"].value() == "dark"
    desk.refresh_from_db()
    assert desk.widget_config["theme"] == "modern"


def test_what_is_set_to_nothing_shows_as_its_default(desk):
    desk.widget_config |= {"theme": None, "branding": None}
    shown = EditAgentForm.initial_of(desk)
    assert (shown["theme"], shown["branding"]) == ("modern", True)
