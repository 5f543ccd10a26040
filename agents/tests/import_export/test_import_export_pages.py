"""Export and import in the dashboard, without a line of JavaScript."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from agents.import_export.file_format import MAX_BYTES
from agents.models import Agent
from agents.tests.factories import AgentFactory, DocumentFactory, KnowledgePackFactory

pytestmark = pytest.mark.django_db
FILE = {"format": "youragent.agent", "version": 1, "agent": {"name": "Desk"}}


def send(client, content, key="k"):
    if isinstance(content, dict):
        content = json.dumps(content).encode()
    file = SimpleUploadedFile("desk.agent.json", content, "application/json")
    fields = {"file": file, "idempotency_key": key}
    return client.post(reverse("agents:import"), fields)


def test_an_agents_page_hands_it_out_as_a_file(browser_of, ada, harbor):
    agent = AgentFactory(organization=harbor, name="Desk")
    client = browser_of(ada)
    page = client.get(reverse("agents:detail", args=[agent.public_id]))
    address = reverse("agents:export", args=[agent.public_id])
    assert f'href="{address}"' in page.content.decode()
    answer = client.get(address)
    assert answer["Content-Disposition"] == 'attachment; filename="desk.agent.json"'
    assert json.loads(answer.content)["agent"]["name"] == "Desk"


def test_one_that_is_too_large_is_explained(browser_of, ada, harbor):
    pack = KnowledgePackFactory(organization=harbor)
    DocumentFactory(knowledge_pack=pack, content="x" * MAX_BYTES)
    agent = AgentFactory(organization=harbor, knowledge_pack_id=pack.pk)
    address = reverse("agents:export", args=[agent.public_id])
    answer = browser_of(ada).get(address, follow=True)
    assert "A file holds at most" in answer.content.decode()


def test_a_file_becomes_an_agent(browser_of, ada):
    answer = send(browser_of(ada), FILE)
    agent = Agent.objects.get()
    assert answer.url == reverse("agents:detail", args=[agent.public_id])
    assert (agent.name, agent.created_by_user) == ("Desk", ada.user)


def test_a_form_sent_twice_makes_one_agent(browser_of, ada):
    client = browser_of(ada)
    assert send(client, FILE).url == send(client, FILE).url
    assert Agent.objects.count() == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (FILE | {"live_version": 9}, "<code>/live_version</code>"),
        (FILE | {"agent": {"name": "X", "persona": "nobody"}}, "/agent/persona"),
        (b"{", "The body is not JSON"),
        (b'{"a": "\\u0000"}', "cannot be stored"),
        (b"x" * (MAX_BYTES + 1), "It is larger than 8 MB"),
        (b"", "The submitted file is empty"),
    ],
)
def test_what_is_wrong_is_shown_and_nothing_is_made(browser_of, ada, content, said):
    refused = send(browser_of(ada), content)
    assert refused.status_code == 422
    assert said in refused.content.decode()
    assert Agent.objects.count() == 0


def test_strangers_and_viewers_get_nothing(browser_of, cy, harbor):
    agent = AgentFactory(organization=harbor)
    address = reverse("agents:export", args=[agent.public_id])
    assert browser_of(cy).get(address).status_code == 404


def test_a_viewer_may_not_import(browser_of, bo):
    assert send(browser_of(bo), FILE).status_code == 403
