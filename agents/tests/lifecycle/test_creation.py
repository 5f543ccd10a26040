"""Creation from the inside: it joins its caller's transaction and leaves no rest."""

import pytest
from django.db import transaction

from accounts.models import AuditLog
from agents.lifecycle import creation, deletion
from agents.models import Agent, AgentVersion, OptimizationRun, VersionIsImmutable
from agents.tests.factories import AgentFactory
from metrics.models import AgentMetrics

pytestmark = pytest.mark.django_db


def test_a_rolled_back_caller_leaves_nothing(
    harbor, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks() as sent, transaction.atomic():
        AgentFactory(organization=harbor, auto_optimize=True)
        transaction.set_rollback(True)
    harbor.refresh_from_db()
    assert not Agent.objects.exists()
    assert not AgentMetrics.objects.exists()
    assert not OptimizationRun.objects.exists()
    assert not AuditLog.objects.exists()
    assert harbor.agent_count == 0
    assert sent == []


def test_background_work_is_sent_once_and_only_on_commit(
    harbor, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks() as sent:
        AgentFactory(organization=harbor, auto_optimize=True)
        assert len(sent) == 0
    assert len(sent) == 1


def test_many_agents_fit_in_one_transaction(harbor):
    with transaction.atomic():
        for number in range(50):
            AgentFactory(organization=harbor, name=f"Agent {number}")
    harbor.refresh_from_db()
    assert harbor.agent_count == creation.count_organization_agents(harbor) == 50


def test_pages_of_the_service_are_clamped(harbor):
    for number in range(3):
        AgentFactory(organization=harbor, name=f"Agent {number}")
    assert len(creation.organization_agents(harbor, limit=0)) == 1
    assert len(creation.organization_agents(harbor, limit=1_000, offset=1)) == 2


def test_a_key_finds_only_its_own_organizations_living_agent(harbor, cy):
    agent = AgentFactory(organization=harbor, idempotency_key="k")
    find = creation.get_agent_by_idempotency_key
    assert find(harbor, "k") == agent
    assert find(cy.organization, "k") is None
    deletion.delete_agent(agent=agent, actor=None)
    assert find(harbor, "k") is None


def test_an_agent_is_deleted_once(harbor):
    agent = AgentFactory(organization=harbor)
    deletion.delete_agent(agent=agent, actor=None)
    deletion.delete_agent(agent=agent, actor=None)
    harbor.refresh_from_db()
    assert harbor.agent_count == 0
    assert AuditLog.objects.filter(action="DELETE").count() == 1


def test_an_agent_is_restored_once(harbor):
    agent = AgentFactory(organization=harbor)
    deletion.delete_agent(agent=agent, actor=None)
    deletion.restore_agent(agent=agent, actor=None)
    deletion.restore_agent(agent=agent, actor=None)
    harbor.refresh_from_db()
    assert harbor.agent_count == 1


def test_a_stored_version_cannot_be_changed(harbor):
    version = AgentVersion.objects.get(agent=AgentFactory(organization=harbor))
    version.system_prompt = "Rewritten history."
    with pytest.raises(VersionIsImmutable):
        version.save()


def test_names_of_any_script_give_a_slug(harbor):
    for name, slug in (
        ("Café Ünïon", "cafe-union"),
        ("日本語", "agent"),
        ("!!!", "agent-2"),
    ):
        assert AgentFactory(organization=harbor, name=name).slug == slug


def test_long_names_give_slugs_that_fit_and_differ(harbor):
    slugs = {
        AgentFactory(organization=harbor, name="x" * 200 + str(n)).slug
        for n in range(3)
    }
    assert len(slugs) == 3
    assert all(len(slug) <= 50 for slug in slugs)


def test_there_is_one_way_to_create():
    assert not hasattr(creation, "create_agent_in_session")
