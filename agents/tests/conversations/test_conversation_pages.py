"""The pages about an agent's conversations."""

import json

import pytest
from django.urls import reverse

from agents.conversations.retention import days_kept
from agents.conversations.tags import add_tag
from agents.models import Rating, Tag
from agents.replies import production, questions
from agents.tests.factories import AgentFactory, RatingFactory, SessionFactory

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


def test_a_conversation_is_deleted_and_no_longer_read(browser_of, ada, desk):
    session = talk(desk)
    browser, url = browser_of(ada), page_of("conversation", desk, session.pk)
    delete = page_of("delete_conversation", desk, session.pk)
    assert delete in browser.get(url).content.decode()
    assert "is deleted" in browser.post(delete, follow=True).content.decode()
    assert browser.get(url).status_code == 404


def test_a_viewer_cannot_delete_a_conversation(browser_of, bo, desk):
    session = talk(desk)
    delete = page_of("delete_conversation", desk, session.pk)
    assert browser_of(bo).post(delete).status_code == 403


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


# --- Finding ----------------------------------------------------------------
ALL = reverse("agents:all_conversations")


def test_conversations_of_all_agents_are_found_in_one_place(
    browser_of, ada, desk, harbor
):
    talk(desk)
    talk(AgentFactory(organization=harbor, name="Bean finder"))
    page = browser_of(ada).get(ALL).content.decode()
    assert "Shipping desk" in page
    assert "Bean finder" in page


def test_what_fits_a_search_is_marked(browser_of, ada, desk):
    talk(desk, answer="Yes, <b>by boat</b> to Bergen.")
    page = browser_of(ada).get(ALL, {"search": "berg"}).content.decode()
    assert "<mark>Bergen</mark>" in page
    assert "<b>by boat" not in page


@pytest.mark.parametrize(
    ("query", "is_found"),
    [
        ({"search": "norway"}, True),
        ({"search": "sweden"}, False),
        ({"agent_name": "shipping"}, True),
        ({"agent_name": "beans"}, False),
        ({"tag": "Odd"}, True),
        ({"rating": "down"}, True),
        ({"rating": "up"}, False),
        ({"status": "completed"}, False),
        ({"channel": "widget"}, False),
        ({"until": "2001-01-01"}, False),
        ({"since": "2001-01-01"}, True),
        ({"status": "nonsense"}, True),
        ({"since": "soon"}, True),
    ],
)
def test_a_list_is_narrowed(browser_of, ada, desk, query, is_found):
    session = talk(desk)
    RatingFactory(message=session.message_rows.last(), value="down")
    add_tag(session=session, name="Odd", actor=None)
    page = browser_of(ada).get(ALL, query).content.decode()
    assert ("Do you ship to Norway?" in page) is is_found


def test_a_stranger_finds_nothing(browser_of, cy, desk):
    talk(desk)
    client = browser_of(cy)
    assert "Norway" not in client.get(ALL).content.decode()
    for kind in ("csv", "json"):
        file = client.get(reverse(f"agents:export_all_{kind}"))
        assert b"Norway" not in b"".join(file.streaming_content)


def test_a_list_is_downloaded_as_it_is_filtered(browser_of, ada, desk):
    talk(desk)
    client = browser_of(ada)
    for query, is_there in (({}, True), ({"search": "sweden"}, False)):
        for name in ("export_csv", "export_json"):
            file = client.get(page_of(name, desk), query)
            assert (b"Norway" in b"".join(file.streaming_content)) is is_there


@pytest.mark.parametrize("how_many", [1, 20])
@pytest.mark.parametrize("query", [{}, {"search": "norway"}])
def test_the_list_costs_the_same_however_long(
    browser_of, ada, desk, how_many, query, django_assert_num_queries
):
    for _ in range(how_many):
        add_tag(session=talk(desk), name="Odd", actor=None)
    client = browser_of(ada)
    client.get(ALL, query)
    # The session, the user, the memberships; the tags, the count and the page;
    # of a search also which message fits and a piece of it.
    with django_assert_num_queries(8 if query else 6):
        client.get(ALL, query)


@pytest.mark.parametrize("how_many", [1, 20])
def test_a_transcript_costs_the_same_however_long(
    browser_of, ada, desk, how_many, django_assert_num_queries
):
    session = SessionFactory(agent_ref=desk)
    for _ in range(how_many):
        RatingFactory(message__session=session)
    url = page_of("conversation", desk, session.pk)
    client = browser_of(ada)
    client.get(url)
    # The session, the user, the memberships, the agent; the conversation, the
    # count, the page of its messages and their ratings; the reply that may be
    # replaced; its tags and those there are.
    with django_assert_num_queries(11):
        client.get(url)


# --- What members do --------------------------------------------------------
def post(client, page, desk, session, *more, **form):
    return client.post(page_of(page, desk, session.pk, *more), form, follow=True)


@pytest.fixture
def answered(desk):
    session = SessionFactory(agent_ref=desk)
    reply = questions.ask(session=session, content="Do you ship to Norway?")[1]
    production.produce(reply.pk)
    reply.refresh_from_db()
    return reply


@pytest.fixture(autouse=True)
def no_pause(settings):
    settings.GROUNDED_TOKEN_DELAY_MS = 0


def test_a_member_rates_comments_and_takes_back(browser_of, ada, desk, answered):
    client, session = browser_of(ada), answered.session
    page = post(client, "rate", desk, session, answered.answer_id, rating="down")
    assert 'aria-pressed="true" aria-label="Not helpful"' in page.content.decode()
    why = {"rating": "down", "comment": "Too <b>short</b>"}
    page = post(client, "rate", desk, session, answered.answer_id, **why)
    assert "Too &lt;b&gt;short&lt;/b&gt;" in page.content.decode()
    post(client, "rate", desk, session, answered.answer_id, rating="", comment="")
    assert not Rating.objects.exists()


def test_an_answer_is_asked_for_anew_and_the_first_is_folded(
    browser_of, ada, desk, answered
):
    client, session = browser_of(ada), answered.session
    page = post(client, "regenerate", desk, session, answered.answer_id)
    text = page.content.decode()
    assert "is answering" in text
    assert "An earlier answer, replaced" in text
    page = post(client, "stop", desk, session)
    assert "This question got no answer." in page.content.decode()


def test_a_refusal_is_told(browser_of, ada, desk, answered):
    questions.ask(session=answered.session, content="And now?")
    page = post(
        browser_of(ada), "regenerate", desk, answered.session, answered.answer_id
    )
    assert "The conversation has gone on" in page.content.decode()


def test_a_tag_is_added_and_taken_off(browser_of, ada, desk):
    client, session = browser_of(ada), talk(desk)
    page = post(client, "add_tag", desk, session, name="Lost parcel")
    assert "Take off Lost parcel" in page.content.decode()
    page = post(client, "remove_tag", desk, session, Tag.objects.get().pk)
    assert "Take off" not in page.content.decode()


def test_a_viewer_rates_and_files_nothing(browser_of, bo, desk, answered):
    client, session = browser_of(bo), answered.session
    page = post(client, "rate", desk, session, answered.answer_id, rating="up")
    assert page.status_code == 200
    assert post(client, "add_tag", desk, session, name="x").status_code == 403


def test_a_stranger_changes_nothing(browser_of, cy, desk, answered):
    client, session, answer = browser_of(cy), answered.session, answered.answer_id
    pages = [
        post(client, "rate", desk, session, answer, rating="up"),
        post(client, "regenerate", desk, session, answer),
        post(client, "stop", desk, session),
        post(client, "add_tag", desk, session, name="x"),
        client.get(page_of("export_one_csv", desk, session.pk)),
    ]
    assert {page.status_code for page in pages} == {404}
    assert (Rating.objects.count(), Tag.objects.count()) == (0, 0)


def test_one_conversation_is_downloaded(browser_of, ada, desk):
    session, _ = talk(desk), talk(desk)
    file = browser_of(ada).get(page_of("export_one_json", desk, session.pk))
    (told,) = json.loads(b"".join(file.streaming_content))
    assert told["id"] == str(session.pk)


# --- Keeping ----------------------------------------------------------------
def test_an_owner_sets_how_long_conversations_are_kept(browser_of, ada, harbor):
    client, url = browser_of(ada), reverse("agents:retention")
    client.post(url, {"days": "90"})
    assert days_kept(harbor) == 90
    assert 'value="90"' in client.get(url).content.decode()
    assert client.post(url, {"days": "0"}).status_code == 400
    client.post(url, {"days": ""})
    assert days_kept(harbor) is None


def test_a_viewer_does_not(browser_of, bo):
    assert browser_of(bo).get(reverse("agents:retention")).status_code == 403
