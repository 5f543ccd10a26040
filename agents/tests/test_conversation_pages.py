"""The pages about an agent's conversations."""

import pytest
from django.urls import reverse

from agents.tests.factories import AgentFactory, SessionFactory

SOURCE = {
    "number": 1,
    "document_id": "d",
    "title": "Shipping times",
    "url": "https://harborcoffee.example/shipping",
    "passage": "Norway: 5 days.",
}


@pytest.fixture
def desk(harbor, ada):
    return AgentFactory(organization=harbor, created_by=ada.user, name="Shipping desk")


def talk(agent, answer="Yes, in 5 days.", citations=(SOURCE,)):
    session = SessionFactory(agent_ref=agent)
    session.add_message("user", "Do you ship to Norway?")
    session.add_message("assistant", answer, citations=list(citations))
    return session


def page_of(name, agent, *more):
    return reverse(f"agents:{name}", args=[agent.public_id, *more])


def test_a_stranger_cannot_read_a_conversation(browser_of, cy, desk):
    session = talk(desk)
    url = page_of("conversation", desk, session.pk)
    assert browser_of(cy).get(url).status_code == 404


def test_a_conversation_is_not_found_under_another_agent(browser_of, ada, desk, harbor):
    session = talk(AgentFactory(organization=harbor))
    url = page_of("conversation", desk, session.pk)
    assert browser_of(ada).get(url).status_code == 404


def test_a_transcript_shows_question_answer_and_source(browser_of, ada, desk):
    session = talk(desk, answer="Yes, in 5 days. [1] <b>")
    page = browser_of(ada).get(page_of("conversation", desk, session.pk))
    text = page.content.decode()
    assert "Do you ship to Norway?" in text
    assert 'Yes, in 5 days. <sup class="ref">1</sup> &lt;b&gt;' in text
    assert "Norway: 5 days." in text


def test_an_answer_without_a_source_is_marked(browser_of, ada, desk):
    session = talk(desk, answer="I don't know.", citations=())
    page = browser_of(ada).get(page_of("conversation", desk, session.pk))
    assert "No source" in page.content.decode()


def test_the_list_names_the_first_question(browser_of, ada, desk):
    talk(desk)
    page = browser_of(ada).get(page_of("conversations", desk)).content.decode()
    assert "Do you ship to Norway?" in page


def test_a_deleted_conversation_is_not_shown(browser_of, ada, desk):
    session = talk(desk)
    session.soft_delete()
    client = browser_of(ada)
    assert "Norway" not in client.get(page_of("conversations", desk)).content.decode()
    url = page_of("conversation", desk, session.pk)
    assert client.get(url).status_code == 404


@pytest.mark.parametrize("how_many", [1, 20])
def test_the_list_costs_the_same_however_long(
    browser_of, ada, desk, how_many, django_assert_num_queries
):
    for _ in range(how_many):
        talk(desk)
    client = browser_of(ada)
    client.get(page_of("conversations", desk))
    # The session, the user, the memberships, the agent; the count and the page.
    with django_assert_num_queries(6):
        client.get(page_of("conversations", desk))


@pytest.mark.parametrize("how_many", [1, 20])
def test_a_transcript_costs_the_same_however_long(
    browser_of, ada, desk, how_many, django_assert_num_queries
):
    session = SessionFactory(agent_ref=desk)
    for _ in range(how_many):
        session.add_message("user", "And now?")
    url = page_of("conversation", desk, session.pk)
    client = browser_of(ada)
    client.get(url)
    # The session, the user, the memberships, the agent; the conversation, the
    # count and the page of its messages.
    with django_assert_num_queries(7):
        client.get(url)
