"""Operators create, edit, delete and restore agents by the one way everybody does."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditLog, Organization
from accounts.tests.factories import OperatorFactory, OrganizationFactory
from accounts.tests.organizations.test_organizations_admin import errors_of, filled_in
from agents.models import Agent, Document, KnowledgePack, Persona
from agents.tests.factories import AgentFactory, DocumentFactory, KnowledgePackFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(db):
    return OperatorFactory(email="op@example.com")


@pytest.fixture
def site(operator):
    client = Client()
    client.force_login(operator)
    return client


def url(model: str, page: str, *args) -> str:
    return reverse(f"admin:agents_{model}_{page}", args=args)


def add_agent(site, organization, **values):
    address = url("agent", "add")
    form = {"organization": organization.pk, "name": "Till", "config": "{}"} | values
    return site.post(address, filled_in(site, address, **form))


def test_an_agent_is_created_with_version_counter_and_record(site, harbor, operator):
    persona = Persona.objects.get(organization=None, key="support_expert")
    response = add_agent(
        site,
        harbor,
        persona=persona.pk,
        allowed_origins="https://harbor.example\nhttps://shop.harbor.example",
    )
    assert response.status_code == 302
    agent = Agent.objects.get(name="Till")
    assert agent.persona == persona
    assert agent.created_by_user == operator
    assert len(agent.allowed_origins) == 2
    assert agent.live_version.number == 1
    assert Organization.objects.get(pk=harbor.pk).agent_count == 1
    assert AuditLog.objects.filter(resource_type="agent").count() == 1


def test_a_full_organization_is_a_form_error(site):
    full = OrganizationFactory(max_agents=0)
    response = add_agent(site, full)
    assert response.status_code == 200
    assert "agent limit (0)" in str(errors_of(response)["__all__"])
    assert not Agent.all_objects.filter(organization=full).exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 300),
        ("config", '{"temperature": 9}'),
        ("config", "[]"),
        ("config", "{"),
        ("widget_config", '{"custom_css": "@import url(x)"}'),
        ("allowed_origins", "not a site"),
        ("persona", "nothing"),
        ("knowledge_pack", "0198f000-0000-7000-8000-000000000000"),
    ],
)
def test_what_an_agent_may_not_be_is_an_error_at_its_field(site, harbor, field, value):
    response = add_agent(site, harbor, **{field: value})
    assert response.status_code == 200
    assert field in errors_of(response)
    assert not Agent.all_objects.exists()


def test_another_organizations_pack_is_refused(site, harbor):
    pack = KnowledgePackFactory()
    response = add_agent(site, harbor, knowledge_pack=pack.pk)
    assert "knowledge_pack" in errors_of(response)


def test_an_edit_makes_a_version(site, harbor, operator):
    agent = AgentFactory(organization=harbor)
    address = url("agent", "change", agent.pk)
    form = filled_in(site, address, system_prompt="Answer in one sentence.")
    assert site.post(address, form).status_code == 302
    agent.refresh_from_db()
    assert agent.live_version.number == 2
    assert agent.live_version.author == operator
    assert agent.name == form["name"]


def test_an_edit_that_came_too_late_is_a_form_error(site, harbor):
    agent = AgentFactory(organization=harbor)
    address = url("agent", "change", agent.pk)
    form = filled_in(site, address, description="Mine")
    site.post(address, form | {"description": "Theirs"})
    response = site.post(address, form)
    assert response.status_code == 200
    assert "changed since" in str(errors_of(response))
    agent.refresh_from_db()
    assert agent.description == "Theirs"


def test_a_taken_name_is_an_error_at_the_name(site, harbor):
    AgentFactory(organization=harbor, name="Barista")
    agent = AgentFactory(organization=harbor)
    address = url("agent", "change", agent.pk)
    response = site.post(address, filled_in(site, address, name="barista"))
    assert "name" in errors_of(response)


def test_deleting_frees_the_place_and_restoring_takes_it_again(site, harbor):
    agent = AgentFactory(organization=harbor)
    site.post(url("agent", "delete", agent.pk), {"post": "yes"})
    assert Agent.all_objects.get(pk=agent.pk).is_deleted
    assert Organization.objects.get(pk=harbor.pk).agent_count == 0
    form = {"action": "restore", "_selected_action": agent.pk}
    site.post(url("agent", "changelist"), form)
    assert not Agent.all_objects.get(pk=agent.pk).is_deleted
    assert Organization.objects.get(pk=harbor.pk).agent_count == 1


def test_several_are_deleted_by_the_domain_too(site, harbor):
    agents = AgentFactory.create_batch(3, organization=harbor)
    form = {
        "action": "delete_selected",
        "_selected_action": [agent.pk for agent in agents],
        "post": "yes",
    }
    site.post(url("agent", "changelist"), form)
    assert Organization.objects.get(pk=harbor.pk).agent_count == 0
    assert Agent.all_objects.count() == 3


def test_restoring_into_a_full_organization_says_why(site, harbor):
    agent = AgentFactory(organization=harbor)
    site.post(url("agent", "delete", agent.pk), {"post": "yes"})
    Organization.objects.filter(pk=harbor.pk).update(max_agents=0)
    form = {"action": "restore", "_selected_action": agent.pk}
    response = site.post(url("agent", "changelist"), form, follow=True)
    assert response.status_code == 200
    assert "agent limit (0)" in response.content.decode()
    assert Agent.all_objects.get(pk=agent.pk).is_deleted


def test_a_deleted_agent_is_only_read(site, harbor):
    agent = AgentFactory(organization=harbor)
    site.post(url("agent", "delete", agent.pk), {"post": "yes"})
    address = url("agent", "change", agent.pk)
    assert site.get(address).status_code == 200
    assert site.post(address, {"name": "Back"}).status_code == 403


def test_a_pack_is_created_and_its_language_changed(site, harbor):
    form = {"organization": harbor.pk, "name": "Manuals", "language": "english"}
    site.post(url("knowledgepack", "add"), form)
    pack = KnowledgePack.objects.get(name="Manuals")
    address = url("knowledgepack", "change", pack.pk)
    site.post(address, filled_in(site, address, language="german"))
    pack.refresh_from_db()
    assert pack.language == "german"
    rows = AuditLog.objects.filter(resource_type="knowledge_pack")
    assert rows.count() == 2


def test_a_pack_in_use_is_not_deleted(site, harbor):
    pack = KnowledgePackFactory(organization=harbor)
    AgentFactory(organization=harbor, knowledge_pack_id=pack.pk)
    address = url("knowledgepack", "delete", pack.pk)
    response = site.post(address, {"post": "yes"}, follow=True)
    assert "1 agent answers from this pack" in response.content.decode()
    assert KnowledgePack.objects.filter(pk=pack.pk).exists()


def test_a_document_is_added_once_and_deleted(site, harbor):
    pack = KnowledgePackFactory(organization=harbor)
    form = {"knowledge_pack": pack.pk, "title": "Hours", "content": "Open at seven."}
    site.post(url("document", "add"), form)
    response = site.post(url("document", "add"), form)
    assert "content" in errors_of(response)
    document = Document.objects.get()
    site.post(url("document", "delete", document.pk), {"post": "yes"})
    assert not Document.objects.exists()


def test_a_document_is_not_edited(site, harbor):
    document = DocumentFactory(knowledge_pack__organization=harbor)
    address = url("document", "change", document.pk)
    assert site.post(address, {"title": "Other"}).status_code == 403


def test_the_built_in_personas_are_only_read(site):
    persona = Persona.objects.filter(organization=None).first()
    assert site.get(url("persona", "change", persona.pk)).status_code == 200
    for page in ("change", "delete"):
        response = site.post(url("persona", page, persona.pk), {"post": "yes"})
        assert response.status_code == 403


def test_an_organization_gets_a_persona_of_its_own(site, harbor):
    form = {
        "organization": harbor.pk,
        "key": "barista",
        "name": "Barista",
        "domain": "product_expert",
        "system_prompt": "You pull shots.",
        "tactics": "{}",
    }
    response = site.post(url("persona", "add"), form)
    assert response.status_code == 302
    assert Persona.objects.get(key="barista").organization == harbor


def test_a_persona_for_nobody_is_refused(site):
    form = {"key": "x", "name": "X", "domain": "product_expert", "tactics": "{}"}
    response = site.post(url("persona", "add"), form | {"system_prompt": "You."})
    assert "organization" in errors_of(response)
