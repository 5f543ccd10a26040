"""Ready agents: complete, made by the import, and passing their own tests."""

import pytest
from django.urls import reverse

from accounts.models import Organization
from agents.custody.runs import put
from agents.custody.suites import OWN, cases_of
from agents.import_export.agent_templates import file_of, industry_rules, ready_agents
from agents.import_export.file_format import read
from agents.import_export.importing import import_agent
from agents.knowledge.embedding_jobs import embed_pack
from agents.knowledge.indexing import index_document
from agents.models import Agent, Document, Industry, Template

pytestmark = pytest.mark.django_db
URL = "/api/v1/templates/"
READY = list(ready_agents().values())


def own_cases(agent):
    return [case for case in cases_of(agent) if case["pack"] == OWN]


def use(client, key="faq_bot", **fields):
    page = client.get(reverse("agents:template", args=[key]))
    form = page.context["form"]
    sent = {name: form[name].value() for name in form.fields} | fields
    return client.post(
        reverse("agents:template", args=[key]),
        {name: value for name, value in sent.items() if value is not False},
    )


def test_there_is_one_for_every_kind_and_every_industry():
    assert set(ready_agents()) == set(Template.values) - {Template.CUSTOM}
    assert set(industry_rules()) == set(Industry.values)


@pytest.mark.parametrize("ready", READY, ids=lambda ready: ready.key)
@pytest.mark.parametrize("industry", Industry.values)
def test_each_is_a_file_an_import_takes(ready, industry):
    file = read(file_of(ready, industry))
    assert file.agent.system_prompt.startswith(ready.prompt)
    assert len(file.tests) >= 2
    assert len(file.knowledge.documents[0].content) > 500


@pytest.mark.parametrize("ready", READY, ids=lambda ready: ready.key)
def test_each_passes_its_own_tests_from_its_sample(ready, harbor, settings):
    settings.GROUNDED_TOKEN_DELAY_MS = 0
    agent, _ = import_agent(
        organization=harbor, created_by=None, file=read(file_of(ready))
    )
    for document in Document.objects.all():
        index_document(str(document.pk))
    embed_pack(str(agent.knowledge_pack_id))
    answers = [
        put(agent.live_version, case, before_answer=lambda: None)
        for case in own_cases(agent)
    ]
    assert len(answers) == len(ready.tests)
    failed = [(each.transcript[-1], each.grades) for each in answers if not each.passed]
    assert failed == []


def test_the_api_tells_them_with_their_files(api, django_assert_max_num_queries):
    with django_assert_max_num_queries(2):  # the key, and its first use
        answer = api.get(URL, {"industry": "healthcare"}).json()
    assert answer["count"] == len(answer["results"]) == 7
    first = answer["results"][0]
    assert "Never diagnose" in first["file"]["agent"]["system_prompt"]
    made = api.post("/api/v1/agents/import/", first["file"], format="json")
    assert made.status_code == 201
    assert made.json()["industry"] == "healthcare"


@pytest.mark.parametrize("wrong", ["industry=mining", "cursor=", "kind=x"])
def test_what_the_list_does_not_know_is_refused(api, wrong):
    assert api.get(f"{URL}?{wrong}").status_code == 400


def test_one_click_makes_the_agent_with_text_and_tests(browser_of, ada, harbor):
    answer = use(browser_of(ada), name="Front desk", industry="education")
    agent = Agent.objects.get()
    assert answer.url == reverse("agents:detail", args=[agent.public_id])
    assert (agent.name, agent.industry) == ("Front desk", "education")
    assert "graded work" in agent.live_version.system_prompt
    assert agent.knowledge_pack.name == "Quick answers: sample"
    assert agent.custody_tests.count() == 3


def test_it_comes_without_the_sample_if_one_wants(browser_of, ada):
    use(browser_of(ada), knowledge=False)
    agent = Agent.objects.get()
    assert (agent.knowledge_pack, agent.custody_tests.count()) == (None, 0)


def test_an_impatient_hand_makes_one(browser_of, ada):
    client = browser_of(ada)
    for _ in range(2):
        use(client, idempotency_key="once")
    assert Agent.objects.count() == 1


def test_a_full_plan_says_so_on_the_page(browser_of, ada, harbor):
    Organization.objects.filter(pk=harbor.pk).update(max_agents=0)
    refused = use(browser_of(ada))
    assert refused.status_code == 422
    assert "reached agent limit" in refused.content.decode()
    assert Document.objects.count() == 0


def test_viewers_see_them_and_make_none(browser_of, bo):
    client = browser_of(bo)
    assert client.get(reverse("agents:templates")).status_code == 200
    assert client.get(reverse("agents:template", args=["faq_bot"])).status_code == 403
    assert client.get("/agents/templates/unknown/").status_code == 403


def test_there_is_no_other(browser_of, ada):
    assert browser_of(ada).get("/agents/templates/unknown/").status_code == 404
