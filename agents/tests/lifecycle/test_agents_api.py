"""The REST door: what it answers, and to whom."""

import uuid

import pytest

from accounts.models import AuditLog, Organization
from accounts.tests.factories import MembershipFactory
from agents.configuration.settings import WidgetConfig
from agents.models import Agent, OptimizationRun
from agents.tests.factories import AgentFactory, KnowledgePackFactory
from conftest import client_with_key
from metrics.models import AgentMetrics

URL = "/api/v1/agents/"
SHAPE = set(
    "id public_id slug name description template industry system_prompt persona "
    "knowledge_pack vector_store_status config widget_config allowed_origins "
    "widget_mode release_gate is_active live_version auto_optimize "
    "optimization_pending optimization_status optimization_metadata embed_code "
    "created_by_user_id updated_by_user_id created_at updated_at deleted_at".split()
)


def post(client, body, path=URL, **headers):
    return client.post(path, body, format="json", headers=headers)


@pytest.fixture
def agent(harbor, ada):
    return AgentFactory(organization=harbor, created_by=ada.user, name="Shipping desk")


def at(agent, tail=""):
    return f"{URL}{agent.public_id}/{tail}"


def test_a_created_agent_is_answered_whole(api, ada):
    response = post(api, {"name": "Shipping desk", "persona_key": "support_expert"})
    body = response.json()
    assert response.status_code == 201
    assert set(body) == SHAPE
    assert body["id"] == body["public_id"]
    assert body["slug"] == "shipping-desk"
    assert body["persona"] == {"key": "support_expert", "name": "Support expert"}
    assert body["created_by_user_id"] == str(ada.user.pk)
    assert body["live_version"] == 1
    assert body["created_at"].endswith("Z")


def test_creation_writes_version_scoreboard_audit_counter_and_run(api, harbor):
    public_id = post(api, {"name": "Shipping desk"}).json()["id"]
    agent = Agent.objects.get(public_id=public_id)
    harbor.refresh_from_db()
    assert agent.versions.get().number == 1
    assert AgentMetrics.objects.get().agent_type == agent.slug
    audit = AuditLog.objects.get(resource_type="agent")
    assert (audit.action, audit.resource_id) == ("CREATE", public_id)
    assert harbor.agent_count == 1
    assert OptimizationRun.objects.get().base_version_id == agent.live_version_id


def test_a_new_agent_waits_for_its_optimization_unless_told_not_to(api):
    waiting = post(api, {"name": "One"}).json()
    content = post(api, {"name": "Two", "auto_optimize": False}).json()
    assert waiting["optimization_pending"] is True
    assert content["optimization_pending"] is False
    assert OptimizationRun.objects.count() == 1


def test_defaults_of_the_widget_are_filled_in(api):
    body = post(api, {"name": "One", "widget_config": {"theme": "dark"}}).json()
    assert body["widget_config"] == WidgetConfig(theme="dark").model_dump()


def test_unknown_widget_keys_are_kept(api, agent):
    body = {"widget_config": {"x_team": {"colour": "blue"}}}
    kept = api.patch(at(agent), body, format="json").json()["widget_config"]
    assert kept["x_team"] == {"colour": "blue"}
    assert kept["theme"] == "modern"


def test_the_organization_may_be_named_in_the_query(api, harbor):
    response = post(api, {"name": "One"}, f"{URL}?organization_id={harbor.pk}")
    assert response.status_code == 201


@pytest.mark.parametrize("asked", ["0", "999999", "x", "١", "-1", "9" * 30])
def test_a_foreign_organization_is_like_none(api, cy, asked):
    foreign = post(api, {"name": "One"}, f"{URL}?organization_id={cy.organization.pk}")
    none = post(api, {"name": "One"}, f"{URL}?organization_id={asked}")
    assert foreign.status_code == none.status_code == 404
    assert not Agent.objects.exists()


def test_who_belongs_to_several_organizations_must_say_which(ada, client):
    MembershipFactory(user=ada.user)
    client.force_login(ada.user)
    response = client.get(URL)
    assert response.status_code == 400
    assert response.json()["errors"][0]["pointer"] == "/organization_id"


def test_the_path_is_answered_with_and_without_its_last_slash(api):
    assert post(api, {"name": "One"}, "/api/v1/agents").status_code == 201
    assert api.get("/api/v1/agents").json()["count"] == 1


# --- limit ------------------------------------------------------------------
def test_a_full_organization_is_told_its_limit_and_nothing_stays(api, harbor):
    Organization.objects.filter(pk=harbor.pk).update(max_agents=1)
    post(api, {"name": "One"})
    response = post(api, {"name": "Two"})
    problem = response.json()
    assert response.status_code == 403
    assert response["Content-Type"] == "application/problem+json"
    assert problem["type"].endswith("/agent-limit-reached")
    assert (problem["limit"], problem["used"]) == (1, 1)
    assert problem["detail"] == "Organization has reached agent limit (1)"
    assert AgentMetrics.objects.count() == OptimizationRun.objects.count() == 1
    assert AuditLog.objects.filter(resource_type="agent").count() == 1


def test_inactive_agents_count_too(api, harbor):
    Organization.objects.filter(pk=harbor.pk).update(max_agents=1)
    AgentFactory(organization=harbor, is_active=False)
    assert post(api, {"name": "Two"}).status_code == 403


def test_a_limit_of_minus_one_is_none(api, harbor):
    Organization.objects.filter(pk=harbor.pk).update(max_agents=-1)
    assert post(api, {"name": "One"}).status_code == 201


def test_deleting_frees_a_place_and_restoring_needs_one(api, harbor, agent):
    Organization.objects.filter(pk=harbor.pk).update(max_agents=1)
    assert api.delete(at(agent)).status_code == 204
    assert post(api, {"name": "Two"}).status_code == 201
    response = api.post(at(agent, "restore"))
    assert response.status_code == 403
    assert response.json()["type"].endswith("agent-limit-reached")


# --- idempotency ------------------------------------------------------------
def test_a_repeated_key_returns_the_first_agent(api):
    body = {"name": "One", "idempotency_key": "abc"}
    first, again = post(api, body), post(api, body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert again["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first


def test_header_and_body_say_the_same_key(api):
    first = post(api, {"name": "One"}, **{"Idempotency-Key": "abc"})
    again = post(api, {"name": "One", "idempotency_key": "abc"})
    assert (first.status_code, again.status_code) == (201, 200)


def test_two_different_keys_in_one_request_are_refused(api):
    body = {"name": "One", "idempotency_key": "abc"}
    response = post(api, body, **{"Idempotency-Key": "xyz"})
    assert response.status_code == 400
    assert not Agent.objects.exists()


def test_a_key_used_for_another_body_is_refused(api):
    post(api, {"name": "One", "idempotency_key": "abc"})
    response = post(api, {"name": "Two", "idempotency_key": "abc"})
    assert response.status_code == 422
    assert response.json()["type"].endswith("/idempotency-key-reused")


def test_a_replay_works_at_the_limit_and_after_deletion(api, harbor):
    Organization.objects.filter(pk=harbor.pk).update(max_agents=1)
    body = {"name": "One", "idempotency_key": "abc"}
    public_id = post(api, body).json()["id"]
    assert post(api, body).status_code == 200
    api.delete(f"{URL}{public_id}/")
    replay = post(api, body)
    assert replay.status_code == 200
    assert replay.json()["deleted_at"] is not None
    assert Agent.objects.count() == 0


def test_a_failed_request_leaves_its_key_usable(api):
    assert post(api, {"name": "", "idempotency_key": "abc"}).status_code == 400
    assert post(api, {"name": "One", "idempotency_key": "abc"}).status_code == 201


def test_keys_of_two_organizations_are_apart(api, stranger_api):
    body = {"name": "One", "idempotency_key": "abc"}
    assert post(api, body).status_code == 201
    assert post(stranger_api, body).status_code == 201


@pytest.mark.parametrize("key", ["", " ", "a b", "ü", "x" * 256, "tab\t"])
def test_a_malformed_key_is_refused(api, key):
    response = post(api, {"name": "One", "idempotency_key": key})
    assert response.status_code == 400
    assert not Agent.objects.exists()


# --- names and slugs ----------------------------------------------------------
def test_a_name_is_taken_whatever_its_case(api, agent):
    response = post(api, {"name": "SHIPPING Desk"})
    assert response.status_code == 400
    assert response.json()["errors"][0]["pointer"] == "/name"


def test_the_name_of_a_deleted_agent_is_free_and_its_slug_is_not(api, agent):
    api.delete(at(agent))
    assert post(api, {"name": "Shipping desk"}).json()["slug"] == "shipping-desk-2"


def test_a_slug_is_never_a_path_of_the_metrics(api):
    assert post(api, {"name": "Analytics"}).json()["slug"] == "analytics-agent"


# --- reading ------------------------------------------------------------------
def test_reading_shows_the_agent_and_its_etag(api, agent):
    response = api.get(at(agent))
    assert response.json()["name"] == "Shipping desk"
    assert response["ETag"] == agent.etag


def test_the_snippet_names_the_agent_and_no_secret(api, agent):
    body = api.get(at(agent, "embed")).json()
    assert f"agentPublicId: '{agent.public_id}'" in body["embed_code"]
    assert f'data-agent-public-id="{agent.public_id}"' in body["strict_embed_code"]
    assert "ya_live_" not in str(body)
    assert "apiKey" not in str(body)


def test_a_hostile_welcome_message_cannot_leave_its_script(api):
    widget = {"welcome_message": "</script><script>alert(1)</script>\u2028&"}
    code = post(api, {"name": "One", "widget_config": widget}).json()["embed_code"]
    assert code.count("</script>") == 2
    assert "<script>alert" not in code


def test_versions_are_listed_newest_first_and_can_be_restored(api, agent):
    before = api.get(at(agent)).json()["system_prompt"]
    api.patch(at(agent), {"system_prompt": "Be brief."}, format="json")
    rows = api.get(at(agent, "versions")).json()["results"]
    numbers = [row["number"] for row in rows]
    restored = api.post(at(agent, "versions/1/restore"))
    assert numbers == [2, 1]
    assert restored.status_code == 201
    assert restored.json()["number"] == 3
    assert api.get(at(agent)).json()["system_prompt"] == before


# --- editing ------------------------------------------------------------------
def test_an_edit_of_the_prompt_makes_a_version_that_is_live(api, agent):
    body = api.patch(at(agent), {"system_prompt": "Be brief."}, format="json").json()
    assert body["live_version"] == 2
    assert agent.versions.count() == 2


def test_an_edit_of_the_name_makes_no_version(api, agent):
    body = api.patch(at(agent), {"name": "Parcels"}, format="json").json()
    assert (body["name"], body["live_version"]) == ("Parcels", 1)


def test_with_a_release_gate_an_edit_stays_a_draft(api, agent):
    edit = {"release_gate": "enforce", "system_prompt": "Be brief."}
    assert api.patch(at(agent), edit, format="json").json()["live_version"] == 1
    agent.refresh_from_db()
    assert agent.draft_version.number == 2


def test_replacing_puts_back_what_is_left_out(api, agent):
    api.patch(at(agent), {"description": "Old", "config": {"x": 1}}, format="json")
    body = api.put(at(agent), {"name": "New"}, format="json").json()
    assert (body["name"], body["description"]) == ("New", "")
    assert "x" not in body["config"]


def test_an_edit_is_audited_with_what_changed(api, agent, bo):
    api.patch(at(agent), {"name": "Parcels"}, format="json")
    row = AuditLog.objects.filter(action="UPDATE").select_related("detail").get()
    assert row.detail.changes == {"name": {"old": "Shipping desk", "new": "Parcels"}}


def test_a_wrong_configuration_is_pointed_at_and_changes_nothing(api, agent):
    edit = {"name": "New", "widget_config": {"theme": "loud"}}
    response = api.patch(at(agent), edit, format="json")
    assert response.status_code == 400
    assert response.json()["errors"][0]["pointer"] == "/widget_config/theme"
    agent.refresh_from_db()
    assert agent.name == "Shipping desk"


def test_another_organizations_knowledge_pack_does_not_exist(api, agent):
    foreign = KnowledgePackFactory()
    for pack_id in (foreign.pk, uuid.uuid4()):
        edit = {"knowledge_pack_id": str(pack_id)}
        response = api.patch(at(agent), edit, format="json")
        assert response.status_code == 400
        assert response.json()["detail"] == "There is no such knowledge pack."


def test_a_clone_is_another_agent_like_it(api, agent):
    api.patch(at(agent), {"system_prompt": "Be brief."}, format="json")
    first = post(api, {}, at(agent, "clone"), **{"Idempotency-Key": "k"})
    again = post(api, {}, at(agent, "clone"), **{"Idempotency-Key": "k"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["system_prompt"] == "Be brief."
    assert first.json()["name"] == "Shipping desk copy"
    assert Agent.objects.count() == 2


def test_a_deleted_agent_is_gone_and_comes_back_with_its_scoreboard(api, agent):
    api.delete(at(agent))
    assert api.get(at(agent)).status_code == 404
    assert AgentMetrics.objects.get().retired_at is not None
    assert api.post(at(agent, "restore")).status_code == 200
    assert api.get(at(agent)).status_code == 200
    assert AgentMetrics.objects.get().retired_at is None


# --- who may ------------------------------------------------------------------
DOORS = [
    ("get", "", None),
    ("put", "", {"name": "X"}),
    ("patch", "", {"name": "X"}),
    ("delete", "", None),
    ("post", "restore", {}),
    ("post", "clone", {}),
    ("get", "embed", None),
    ("get", "versions", None),
    ("post", "versions/1/restore", {}),
]


@pytest.mark.parametrize(("method", "tail", "body"), DOORS)
def test_a_stranger_is_answered_as_if_there_were_no_agent(
    stranger_api, agent, method, tail, body
):
    def ask(public_id):
        call = getattr(stranger_api, method)
        return call(f"{URL}{public_id}/{tail}", body, format="json")

    theirs, none = ask(agent.public_id), ask(uuid.uuid4())
    assert theirs.status_code == none.status_code == 404
    unlike = ("instance", "request_id")
    assert {k: v for k, v in theirs.json().items() if k not in unlike} == {
        k: v for k, v in none.json().items() if k not in unlike
    }


@pytest.mark.parametrize(("method", "tail", "body"), [("get", "", None), *DOORS])
def test_nobody_is_asked_for_credentials(client, agent, method, tail, body):
    response = getattr(client, method)(at(agent, tail))
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == 'Bearer realm="api"'
    assert response["Content-Type"] == "application/problem+json"


def test_a_viewer_reads_and_does_not_write(viewer_api, agent):
    assert viewer_api.get(URL).status_code == 200
    assert post(viewer_api, {"name": "X"}).status_code == 403
    assert viewer_api.delete(at(agent)).status_code == 403


def test_a_key_does_no_more_than_its_scopes(ada, agent):
    reader = client_with_key(ada, scopes=["agents:read"])
    assert reader.get(at(agent)).status_code == 200
    assert post(reader, {"name": "X"}).status_code == 403


def test_a_key_bound_to_another_agent_sees_none(ada, agent):
    other = AgentFactory(organization=ada.organization)
    bound = client_with_key(ada, agent_public_id=other.public_id)
    assert bound.get(at(agent)).status_code == 404
    assert [row["id"] for row in bound.get(URL).json()["results"]] == [
        str(other.public_id)
    ]
    assert post(bound, {"name": "X"}).status_code == 403


def test_a_browser_session_needs_a_csrf_token_to_write(ada, agent):
    from django.test import Client

    browser = Client(enforce_csrf_checks=True)
    browser.force_login(ada.user)
    assert browser.get(URL).status_code == 200
    response = browser.post(URL, {"name": "X"}, content_type="application/json")
    assert response.status_code == 403
