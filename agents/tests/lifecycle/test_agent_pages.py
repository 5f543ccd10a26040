"""The pages about agents, walked without a browser."""

import pytest
from django.urls import reverse
from django.utils import timezone

from agents.lifecycle.deletion import delete_agent
from agents.lifecycle.editing import update_agent
from agents.models import Agent
from agents.tests.factories import AgentFactory, KnowledgePackFactory, SessionFactory
from agents.views.forms.agents import EditAgentForm
from metrics.models import AgentMetrics

LIST = reverse("agents:list")
PAGED = [("", 25), ("?page=2", 5), ("?page=x", 25)]
PAGES = ["detail", "conversations", "try", "edit", "optimization"]


@pytest.fixture
def desk(harbor, ada):
    pack = KnowledgePackFactory(organization=harbor, name="Shipping and returns")
    return AgentFactory(
        organization=harbor,
        created_by=ada.user,
        name="Shipping desk",
        persona_key="support_expert",
        knowledge_pack_id=pack.pk,
        allowed_origins=["https://harborcoffee.example"],
        system_prompt="Name the carrier first.",
    )


def page_of(name, agent, *more):
    return reverse(f"agents:{name}", args=[agent.public_id, *more])


def talk(agent):
    session = SessionFactory(agent_ref=agent)
    session.add_message("user", "Do you ship to Norway?")
    session.add_message("assistant", "Yes, in 5 days.")


def form_of(agent):
    """Return what the edit form would send unchanged: no empty box is sent."""
    shown = EditAgentForm.initial_of(agent)
    return {name: value for name, value in shown.items() if value not in (None, False)}


@pytest.mark.parametrize("name", PAGES)
def test_an_owner_sees_every_page_of_an_agent(browser_of, ada, desk, name):
    response = browser_of(ada).get(page_of(name, desk))
    assert response.status_code == 200


@pytest.mark.parametrize("name", PAGES)
def test_a_stranger_sees_no_page_of_an_agent(browser_of, cy, desk, name):
    assert browser_of(cy).get(page_of(name, desk)).status_code == 404


@pytest.mark.parametrize("name", ["delete", "restore", "duplicate"])
def test_a_stranger_changes_nothing(browser_of, cy, desk, name):
    assert browser_of(cy).post(page_of(name, desk)).status_code == 404
    assert list(Agent.objects.all()) == [desk]


def test_a_stranger_cannot_restore_a_version(browser_of, cy, desk):
    assert browser_of(cy).post(page_of("use_version", desk, 1)).status_code == 404
    assert desk.versions.count() == 1


@pytest.mark.parametrize("name", ["list", "create", "search", "knowledge_list"])
def test_nobody_gets_in_without_signing_in(client, db, name):
    response = client.get(reverse(f"agents:{name}"))
    assert response["Location"].startswith(reverse("account_login"))


@pytest.mark.parametrize("name", ["edit", "delete", "restore", "duplicate"])
def test_a_viewer_may_not_change_an_agent(browser_of, bo, desk, name):
    assert browser_of(bo).post(page_of(name, desk)).status_code == 403


def test_a_viewer_is_offered_nothing_they_may_not_do(browser_of, bo, desk):
    page = browser_of(bo).get(page_of("detail", desk)).content.decode()
    assert page_of("edit", desk) not in page
    assert page_of("delete", desk) not in page


def test_somebody_without_an_organization_reads_what_to_do(
    client, django_user_model, db
):
    client.force_login(django_user_model.objects.create_user("new@example.com"))
    response = client.get(LIST)
    assert response.status_code == 404
    assert "You belong to no organization yet" in response.content.decode()


def test_the_list_shows_figures_of_real_rows(browser_of, ada, desk):
    AgentMetrics.objects.filter(agent_type=desk.slug).update(
        total_tests_given=50, total_tests_passed=47, total_tests_failed=3, level=4
    )
    talk(desk)
    row = browser_of(ada).get(LIST).context["rows"][0]
    assert (row.level, row.conversations) == (4, 1)
    assert "47 of 50" in browser_of(ada).get(LIST).content.decode()


def test_another_organizations_agents_are_not_listed(browser_of, cy, desk):
    assert "Shipping desk" not in browser_of(cy).get(LIST).content.decode()


@pytest.mark.parametrize("how_many", [1, 20])
def test_the_list_costs_the_same_however_long(
    browser_of, ada, harbor, how_many, django_assert_num_queries
):
    for _ in range(how_many):
        talk(AgentFactory(organization=harbor, persona_key="sales_rep"))
    client = browser_of(ada)
    client.get(LIST)
    # The session, the user, the memberships; the states, the count, the page,
    # its scoreboards, its conversations; the personas to filter by.
    with django_assert_num_queries(9):
        client.get(LIST)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?q=ship", ["Shipping desk"]),
        ("?q=nothing", []),
        ("?state=paused", ["Press office"]),
        ("?state=answering", ["Shipping desk"]),
        ("?persona=support_expert", ["Shipping desk"]),
        ("?order=name", ["Press office", "Shipping desk"]),
        ("?order=nonsense&state=nonsense", ["Press office", "Shipping desk"]),
        ("?q=%00&page=9999", ["Press office", "Shipping desk"]),
    ],
)
def test_the_list_is_searched_filtered_and_ordered(
    browser_of, ada, harbor, desk, query, found
):
    AgentFactory(organization=harbor, name="Press office", is_active=False)
    rows = browser_of(ada).get(LIST + query).context["rows"]
    assert [row.agent.name for row in rows] == found


def test_an_agent_is_found_by_its_id(browser_of, ada, harbor, desk):
    AgentFactory(organization=harbor)
    rows = browser_of(ada).get(f"{LIST}?q={desk.public_id}").context["rows"]
    assert [row.agent for row in rows] == [desk]


def test_the_palette_finds_agents_by_name(browser_of, ada, desk):
    page = browser_of(ada).get(reverse("agents:search"), {"q": "shipp"})
    assert page_of("detail", desk) in page.content.decode()


def test_the_palette_shows_a_stranger_nothing(browser_of, cy, desk):
    page = browser_of(cy).get(reverse("agents:search"), {"q": "shipp"})
    assert "Shipping" not in page.content.decode()


@pytest.mark.parametrize("how_many", [1, 20])
def test_an_agents_page_costs_the_same_however_much_was_said(
    browser_of, ada, desk, how_many, django_assert_num_queries
):
    for _ in range(how_many):
        talk(desk)
    client = browser_of(ada)
    client.get(page_of("detail", desk))
    # The session, the user, the memberships, the agent; its days, scoreboard,
    # answers and their ratings, run, versions and their number, knowledge, latest
    # conversations and who made it.
    with django_assert_num_queries(14):
        client.get(page_of("detail", desk))


def test_the_page_shows_both_forms_of_the_snippet(browser_of, ada, desk):
    page = browser_of(ada).get(page_of("detail", desk)).content.decode()
    assert f"data-agent-public-id=&quot;{desk.public_id}&quot;" in page
    assert "YourAgent.init" in page


def test_the_page_asks_again_while_the_prompt_is_improved(browser_of, ada, harbor):
    agent = AgentFactory(organization=harbor, auto_optimize=True)
    page = browser_of(ada).get(page_of("detail", agent)).content.decode()
    assert f'hx-get="{page_of("optimization", agent)}"' in page


def test_the_page_stops_asking_when_it_is_done(browser_of, ada, desk):
    part = browser_of(ada).get(page_of("optimization", desk))
    assert "hx-get" not in part.content.decode()
    assert part["HX-Refresh"] == "true"


def test_a_deleted_agent_comes_back_by_undo(browser_of, ada, desk):
    client = browser_of(ada)
    page = client.post(page_of("delete", desk), follow=True).content.decode()
    assert f'action="{page_of("restore", desk)}"' in page
    assert "Shipping desk deleted" in page
    client.post(page_of("restore", desk))
    assert Agent.objects.get() == desk


def test_an_undo_without_room_says_so(browser_of, ada, harbor, desk):
    delete_agent(agent=desk, actor=ada.user)
    harbor.refresh_from_db()
    harbor.max_agents = 0
    harbor.save()
    page = browser_of(ada).post(page_of("restore", desk), follow=True)
    assert "has reached agent limit (0)" in page.content.decode()


def test_a_copy_is_made_under_another_name(browser_of, ada, desk):
    browser_of(ada).post(page_of("duplicate", desk))
    assert Agent.objects.filter(name="Shipping desk copy").exists()


def test_an_edit_makes_a_version(browser_of, ada, desk):
    wish = form_of(desk) | {"system_prompt": "Name the price first."}
    response = browser_of(ada).post(page_of("edit", desk), wish)
    desk.refresh_from_db()
    assert response["Location"] == page_of("detail", desk)
    assert (desk.system_prompt, desk.versions.count()) == ("Name the price first.", 2)


def test_an_unchanged_form_changes_nothing(browser_of, ada, desk):
    browser_of(ada).post(page_of("edit", desk), form_of(desk))
    assert desk.versions.count() == 1


def test_a_stale_form_is_refused_and_keeps_its_text(browser_of, ada, desk):
    wish = form_of(desk) | {"system_prompt": "My long text."}
    update_agent(agent=desk, actor=ada.user, changes={"description": "Meanwhile"})
    response = browser_of(ada).post(page_of("edit", desk), wish)
    page = response.content.decode()
    assert response.status_code == 422
    assert "Somebody changed this agent" in page
    assert "My long text." in page
    desk.refresh_from_db()
    assert desk.system_prompt == "Name the carrier first."


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": ""}, "This field is required"),
        ({"name": "PRESS OFFICE"}, "Another agent already has this name"),
        ({"allowed_origins": "ftp://x"}, "is not a web origin"),
        ({"temperature": "9"}, "less than or equal to 2"),
        ({"max_tokens": "0"}, "greater than or equal to 1"),
        ({"persona": "nonsense"}, "valid UUID"),
        ({"system_prompt": "x" * 10_001}, "at most 10000 characters"),
        ({"name": "nul \x00"}, "Null characters are not allowed"),
    ],
)
def test_a_wrong_form_changes_nothing_and_says_why(
    browser_of, ada, harbor, desk, wrong, words
):
    AgentFactory(organization=harbor, name="Press office")
    response = browser_of(ada).post(page_of("edit", desk), form_of(desk) | wrong)
    assert response.status_code == 422
    assert words in response.content.decode()
    assert desk.versions.count() == 1


def test_another_organizations_pack_cannot_be_chosen(browser_of, ada, desk):
    foreign = KnowledgePackFactory()
    wish = form_of(desk) | {"knowledge_pack": foreign.pk}
    response = browser_of(ada).post(page_of("edit", desk), wish)
    assert response.status_code == 422


def test_a_version_is_restored_as_the_newest(browser_of, ada, desk):
    update_agent(agent=desk, actor=ada.user, changes={"system_prompt": "Second."})
    browser_of(ada).post(page_of("use_version", desk, 1))
    desk.refresh_from_db()
    assert desk.system_prompt == "Name the carrier first."
    assert desk.versions.count() == 3


def test_the_pages_say_when_an_agent_was_made(browser_of, ada, desk):
    page = browser_of(ada).get(page_of("detail", desk)).content.decode()
    assert f'title="{timezone.now():%Y-%m-%d}' in page


@pytest.mark.parametrize(
    ("query", "how_many"), [("", 25), ("?page=2", 5), ("?page=x", 25)]
)
def test_a_long_list_has_pages(browser_of, ada, harbor, query, how_many):
    AgentFactory.create_batch(30, organization=harbor)
    response = browser_of(ada).get(LIST + query)
    assert len(response.context["rows"]) == how_many
    assert "of 30" in response.content.decode()
