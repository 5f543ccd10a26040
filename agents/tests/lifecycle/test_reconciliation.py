"""The counter of agents, and the command that proves it."""

import io
from threading import Thread

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from accounts.models import AuditLog, Organization
from accounts.tests.factories import OrganizationFactory
from agents.lifecycle.creation import clone_agent, create_agent
from agents.lifecycle.deletion import delete_agent, restore_agent
from agents.lifecycle.reconciliation import find_drifts, repair_count
from agents.tests.factories import AgentFactory


def run(*arguments: str) -> tuple[str, int]:
    said = io.StringIO()
    try:
        call_command("reconcile", *arguments, stdout=said)
    except SystemExit as ended:
        return said.getvalue(), ended.code
    return said.getvalue(), 0


@pytest.mark.django_db
def test_the_counter_is_right_after_all_that_moves_it(harbor):
    agents = AgentFactory.create_batch(3, organization=harbor)
    clone_agent(agent=agents[0], created_by=None)
    delete_agent(agent=agents[1], actor=None)
    delete_agent(agent=agents[2], actor=None)
    restore_agent(agent=agents[2], actor=None)
    assert Organization.objects.get(pk=harbor.pk).agent_count == 3
    assert run() == ("Every counter is right.\n", 0)


@pytest.mark.django_db
@pytest.mark.parametrize("wrong", [0, 1, 7])
def test_a_wrong_counter_is_named_and_the_command_fails(wrong, harbor):
    AgentFactory.create_batch(2, organization=harbor)
    OrganizationFactory()
    Organization.objects.filter(pk=harbor.pk).update(agent_count=wrong)
    said = f"Harbor Coffee ({harbor.pk}): counted {wrong}, living 2\n"
    assert run() == (said, 1)
    assert Organization.objects.get(pk=harbor.pk).agent_count == wrong


@pytest.mark.django_db
def test_a_repair_corrects_and_records_it(harbor):
    AgentFactory.create_batch(2, organization=harbor)
    Organization.objects.filter(pk=harbor.pk).update(agent_count=9)
    assert "1 repaired" in run("--repair")[0]
    assert run()[1] == 0
    detail = AuditLog.objects.get(resource_type="organization").detail
    assert detail.changes == {"agent_count": {"old": 9, "new": 2}}


@pytest.mark.django_db
def test_the_comparison_costs_one_query(django_assert_num_queries):
    OrganizationFactory.create_batch(5)
    with django_assert_num_queries(1):
        assert find_drifts() == []


@pytest.mark.threaded
@pytest.mark.django_db(transaction=True)
def test_a_repair_waits_for_a_creation_that_is_under_way():
    harbor = OrganizationFactory(name="Harbor Coffee")
    Organization.objects.filter(pk=harbor.pk).update(agent_count=5)
    repaired = []

    def repair():
        repaired.append(repair_count(harbor.pk))
        connection.close()

    with transaction.atomic():
        create_agent(
            organization=harbor, created_by=None, name="First", auto_optimize=False
        )
        thread = Thread(target=repair)
        thread.start()
        # It waits for the lock: were it not to, it would be over at once.
        thread.join(0.5)
        assert thread.is_alive()
    thread.join(10)
    assert repaired[0].living == 1
    assert Organization.objects.get(pk=harbor.pk).agent_count == 1
