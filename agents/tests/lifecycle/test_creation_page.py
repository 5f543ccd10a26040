"""The form of a new agent: its pack and its texts come with it, or nothing does."""

import pytest
from django.urls import reverse

from accounts.models import Role
from accounts.tests.factories import MembershipFactory
from agents.models import Agent, KnowledgePack, Persona
from agents.tests.factories import KnowledgePackFactory
from agents.tests.files import named

CREATE = reverse("agents:create")


def new_agent(**fields):
    """Return the form of a new agent with one pasted text."""
    persona = Persona.objects.get(organization=None, key="support_expert")
    return {
        "name": "Shipping desk",
        "persona": persona.pk,
        "system_prompt": "Name the carrier first.",
        "knowledge": "new",
        "pack_name": "Shipping",
        "allowed_origins": "https://harborcoffee.example, http://localhost:5500",
        "temperature": "0.2",
        "max_tokens": "500",
        "idempotency_key": "a form of its own",
        "documents-TOTAL_FORMS": "2",
        "documents-INITIAL_FORMS": "0",
        "documents-0-title": "Shipping times",
        "documents-0-content": "Parcels to Austria take 3 days.",
        "documents-1-title": "",
        "documents-1-content": "",
    } | fields


def test_a_new_agent_comes_with_its_pack_and_texts(browser_of, ada):
    response = browser_of(ada).post(CREATE, new_agent())
    agent = Agent.objects.get()
    assert response["Location"] == reverse("agents:detail", args=[agent.public_id])
    assert agent.config["temperature"] == 0.2
    assert agent.allowed_origins == [
        "https://harborcoffee.example",
        "http://localhost:5500",
    ]
    document = agent.knowledge_pack.documents.get()
    assert document.content == "Parcels to Austria take 3 days."


def test_a_form_sent_twice_makes_one_agent(browser_of, ada):
    client = browser_of(ada)
    first = client.post(CREATE, new_agent())
    second = client.post(CREATE, new_agent())
    assert second["Location"] == first["Location"]
    assert (Agent.objects.count(), KnowledgePack.objects.count()) == (1, 1)


def test_an_existing_pack_is_taken_as_it_is(browser_of, ada, harbor):
    pack = KnowledgePackFactory(organization=harbor)
    wish = new_agent(knowledge="existing", knowledge_pack=pack.pk)
    browser_of(ada).post(CREATE, wish)
    assert Agent.objects.get().knowledge_pack == pack
    assert pack.documents.count() == 0


def test_an_agent_may_start_without_knowledge(browser_of, ada):
    browser_of(ada).post(CREATE, new_agent(knowledge="none"))
    assert Agent.objects.get().knowledge_pack is None


def test_files_alone_are_knowledge_enough(browser_of, ada):
    empty = {"documents-0-title": "", "documents-0-content": ""}
    given = [named("a.md", "# Shipping\n\nThree days."), named("b.txt", "Thirty days.")]
    browser_of(ada).post(CREATE, new_agent(**empty, files=given))
    documents = Agent.objects.get().knowledge_pack.documents
    assert sorted(documents.values_list("file_name", flat=True)) == ["a.md", "b.txt"]


def test_a_file_nobody_reads_stops_the_whole_form(browser_of, ada):
    given = [named("a.md", "# Shipping"), named("b.png", b"\x89PNG\r\n\x1a\n")]
    response = browser_of(ada).post(CREATE, new_agent(files=given))
    assert response.status_code == 422
    assert "b.png: This is a picture" in response.content.decode()
    assert not Agent.objects.exists()
    assert not KnowledgePack.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": " "}, "This field is required"),
        ({"knowledge": "existing"}, "Choose one of your packs"),
        ({"documents-0-content": ""}, "One of the texts needs another look"),
        (
            {"documents-0-title": "", "documents-0-content": ""},
            "Paste at least one text",
        ),
        ({"allowed_origins": "harbor"}, "is not a web origin"),
        ({"documents-TOTAL_FORMS": "x"}, "needs another look"),
    ],
)
def test_a_wrong_new_agent_is_not_made_in_part(browser_of, ada, wrong, words):
    response = browser_of(ada).post(CREATE, new_agent(**wrong))
    assert response.status_code == 422
    assert words in response.content.decode()
    assert not Agent.objects.exists()
    assert not KnowledgePack.objects.exists()


def test_a_full_organization_says_so_in_the_form(browser_of, ada, harbor):
    harbor.max_agents = 0
    harbor.save()
    response = browser_of(ada).post(CREATE, new_agent())
    assert "has reached agent limit (0)" in response.content.decode()
    assert not KnowledgePack.objects.exists()


def test_an_editor_may_create(browser_of, harbor, db):
    editor = MembershipFactory(organization=harbor, role=Role.EDITOR)
    assert browser_of(editor).post(CREATE, new_agent()).status_code == 302
