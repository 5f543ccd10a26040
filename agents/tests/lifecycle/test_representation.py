"""An agent looks the same by whichever query it was read."""

import pytest

from agents.tests.factories import AgentFactory, KnowledgePackFactory

pytestmark = pytest.mark.django_db
URL = "/api/v1/agents/"
WIDGET = {"welcome_message": "Grüße </script> „ja“", "own": [1, None, {"a": 1.5}]}


@pytest.fixture
def agent(harbor):
    pack = KnowledgePackFactory(organization=harbor)
    return AgentFactory(
        organization=harbor,
        persona_key="support_expert",
        knowledge_pack_id=pack.pk,
        widget_config=WIDGET,
        allowed_origins=["https://shop.example.com"],
    )


def test_plain_filtered_deep_and_single_reads_show_an_agent_alike(api, agent):
    one = api.get(f"{URL}{agent.public_id}/").json()
    assert one["widget_config"].items() >= WIDGET.items()
    for query in ("", "?limit=10&offset=0", "?persona=support_expert", "?cursor="):
        assert api.get(f"{URL}{query}").json()["results"] == [one]


def test_a_plain_page_skips_and_stops_where_it_is_asked_to(api, harbor):
    names = [AgentFactory(organization=harbor).name for _ in range(5)]
    page = api.get(f"{URL}?limit=2&offset=1").json()
    assert [row["name"] for row in page["results"]] == names[::-1][1:3]
    assert page["count"] == 5


def test_a_deleted_agent_is_in_no_read(api, agent):
    assert api.delete(f"{URL}{agent.public_id}/").status_code == 204
    assert api.get(URL).json()["results"] == []
    assert api.get(f"{URL}{agent.public_id}/").status_code == 404


def test_an_agent_of_another_organization_is_in_no_read(stranger_api, agent):
    assert stranger_api.get(URL).json()["results"] == []
    assert stranger_api.get(f"{URL}{agent.public_id}/").status_code == 404
