"""The figures of a month: in the API, on the page, in the file."""

import datetime as dt

import pytest
from django.urls import reverse

from accounts.models import Organization
from accounts.tests.factories import make_key
from agents.models import AgentBudget, UsageKind, UsageMonth
from agents.tests.factories import AgentFactory
from agents.usage import budgets, reports

pytestmark = pytest.mark.django_db
URL = "/api/v1/usage/"


@pytest.fixture
def agent(harbor):
    return AgentFactory(organization=harbor, name="=Desk")


def use(agent, tokens=50, kind=UsageKind.CONVERSATION):
    budgets.settle(
        budgets.reserve(agent=agent, kind=kind, tokens=tokens), tokens=tokens
    )


def test_a_month_is_told_by_agent_and_by_day(api, agent, harbor):
    use(agent)
    use(agent, 9, UsageKind.CUSTODY)
    body = api.get(URL).json()
    assert body["messages"]["used"] == 1
    assert body["tokens"]["used"] == 59
    assert body["tokens"]["limit"] == harbor.max_tokens_per_month
    assert [each["agent"] for each in body["agents"]] == [str(agent.public_id)]
    assert [(day["kind"], day["tokens"]) for day in body["days"]] == [
        ("conversation", 50),
        ("custody", 9),
    ]


def test_an_empty_month_is_zeroes(api):
    body = api.get(f"{URL}?month=2026-01").json()
    assert (body["tokens"]["used"], body["agents"], body["days"]) == (0, [], [])


@pytest.mark.parametrize("month", ["2026-13", "november", "", "2026-1", "\u0662026-01"])
def test_what_is_no_month_is_refused(api, month):
    assert api.get(URL, {"month": month}).status_code == 400


def test_a_stranger_sees_only_their_own_figures(stranger_api, agent):
    use(agent)
    assert stranger_api.get(URL).json()["tokens"]["used"] == 0


@pytest.mark.parametrize("how_many", [1, 12])
def test_the_report_costs_the_same_however_many_agents(
    harbor, how_many, django_assert_num_queries
):
    Organization.objects.update(max_agents=-1)
    for each in AgentFactory.create_batch(how_many, organization=harbor):
        use(each)
    with django_assert_num_queries(4):  # the sums, agents, their caps, the days
        assert len(reports.report(harbor).agents) == how_many


def test_a_projection_goes_on_at_the_same_pace():
    now = dt.datetime(2026, 11, 11, tzinfo=dt.UTC)
    assert reports.projection(100, dt.date(2026, 11, 1), now) == 300
    assert reports.projection(100, dt.date(2026, 10, 1), now) == 100


def test_the_file_holds_every_day_and_no_formula(api, agent):
    use(agent)
    lines = b"".join(api.get(f"{URL}export/").streaming_content).decode().splitlines()
    assert lines[0] == "day,agent,name,kind,messages,tokens"
    assert "'=Desk,conversation,1,50" in lines[1]


def test_an_admin_sets_an_agents_caps(api, agent):
    path = f"{URL}{agent.public_id}/caps/"
    answer = api.put(path, {"max_messages_per_month": 7}, format="json")
    assert answer.json()["max_messages_per_month"] == 7
    assert AgentBudget.objects.get().max_tokens_per_month == -1


@pytest.mark.parametrize("cap", [-2, 2**31, "many"])
def test_a_cap_that_is_none_is_refused(api, agent, cap):
    path = f"{URL}{agent.public_id}/caps/"
    body = {"max_messages_per_month": cap}
    assert api.put(path, body, format="json").status_code == 400


def test_a_stranger_sets_nobodys_caps(stranger_api, agent):
    path = f"{URL}{agent.public_id}/caps/"
    assert stranger_api.put(path, {}, format="json").status_code == 404


def test_a_key_for_one_agent_does_not_see_the_organizations_usage(client, ada, agent):
    key = make_key(ada, agent_public_id=agent.public_id)
    assert client.get(URL, headers={"X-API-Key": key}).status_code == 403


def test_the_page_shows_the_month_and_offers_the_caps(browser_of, ada, agent):
    use(agent, 1_234)
    page = browser_of(ada).get(reverse("agents:usage")).content.decode()
    assert "1,234" in page
    assert reverse("agents:caps", args=[agent.public_id]) in page


def test_a_viewer_sees_the_page_but_may_set_no_caps(browser_of, bo, agent):
    use(agent)
    browser = browser_of(bo)
    path = reverse("agents:caps", args=[agent.public_id])
    assert path not in browser.get(reverse("agents:usage")).content.decode()
    assert browser.post(path, {}).status_code == 403


def test_an_emptied_field_takes_the_cap_away(browser_of, ada, agent):
    budgets.set_caps(agent=agent, actor=ada.user, max_tokens_per_month=9)
    path = reverse("agents:caps", args=[agent.public_id])
    browser = browser_of(ada)
    assert 'value="9"' in browser.get(path).content.decode()
    browser.post(path, {"max_messages_per_month": "4", "max_tokens_per_month": ""})
    budget = AgentBudget.objects.get()
    assert (budget.max_messages_per_month, budget.max_tokens_per_month) == (4, -1)


def test_the_caps_of_a_strangers_agent_are_no_page(browser_of, cy, agent):
    path = reverse("agents:caps", args=[agent.public_id])
    assert browser_of(cy).get(path).status_code == 404


def test_the_page_downloads_the_month(browser_of, ada, agent):
    use(agent)
    answer = browser_of(ada).get(reverse("agents:usage_export"))
    assert answer["Content-Type"].startswith("text/csv")
    assert UsageMonth.objects.count() == 2
