"""The optimizer: it improves a prompt once, and an edit in the meantime wins."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import AuditLog
from agents import optimization
from agents.creation import create_agent, start_optimization
from agents.editing import update_agent
from agents.models import OptimizationRun
from agents.prompts import SECTIONS, Subject, is_structured, restructure
from agents.tests.factories import AgentFactory
from metrics.models import AgentMetrics, MetricEvent

SUBJECT = Subject(agent_name="Shipping desk", persona_name="Support expert")
PROMPT = """You are the voice of Harbor Coffee.
Help customers with parcels. Always ask for the order number. Never promise a date.
Cite the returns policy. Keep a friendly tone."""


@pytest.fixture
def agent(harbor, ada):
    return create_agent(
        organization=harbor, created_by=ada.user, name="Desk", system_prompt=PROMPT
    )[0]


def run_of(agent):
    return OptimizationRun.objects.get(agent=agent)


def test_every_sentence_of_the_author_is_kept():
    text = restructure(PROMPT, SUBJECT)
    for sentence in (
        "You are the voice of Harbor Coffee.",
        "Help customers with parcels.",
        "Always ask for the order number.",
        "Never promise a date.",
        "Cite the returns policy.",
        "Keep a friendly tone.",
    ):
        assert sentence in text


def test_the_result_has_all_sections_in_order():
    text = restructure(PROMPT, SUBJECT)
    places = [text.index(f"## {name}") for name in SECTIONS]
    assert places == sorted(places)
    assert is_structured(text)


def test_restructuring_again_changes_nothing():
    once = restructure(PROMPT, SUBJECT)
    assert restructure(once, SUBJECT) == once


def test_an_empty_prompt_becomes_a_useful_one():
    text = restructure("", SUBJECT)
    assert "You are Shipping desk, a support expert." in text


def test_a_prompt_that_would_not_fit_is_left_alone():
    long = "Help. " * 1_660
    assert restructure(long, SUBJECT) == long


@pytest.mark.django_db
def test_the_better_prompt_goes_live_as_a_version_of_the_optimizer(agent):
    optimization.optimize(str(run_of(agent).pk))
    agent.refresh_from_db()
    assert agent.live_version.number == 2
    assert agent.live_version.origin == "optimizer"
    assert agent.optimization_status == "done"
    assert agent.optimization_pending is False
    assert agent.optimization_metadata["previous_prompt"] == PROMPT
    assert agent.optimization_metadata["attempts"] == 1
    assert AuditLog.objects.filter(actor_type="system", action="UPDATE").count() == 1


@pytest.mark.django_db
def test_a_run_that_is_done_twice_applies_once(agent):
    run_id = str(run_of(agent).pk)
    optimization.optimize(run_id)
    optimization.optimize(run_id)
    assert agent.versions.count() == 2


@pytest.mark.django_db
def test_an_edit_during_the_run_wins(agent, ada):
    update_agent(agent=agent, actor=ada.user, changes={"system_prompt": "Mine."})
    optimization.optimize(str(run_of(agent).pk))
    agent.refresh_from_db()
    assert agent.system_prompt == "Mine."
    assert agent.optimization_status == "skipped"


@pytest.mark.django_db
def test_with_a_release_gate_the_result_is_proposed(agent, ada):
    update_agent(agent=agent, actor=ada.user, changes={"release_gate": "warn"})
    optimization.optimize(str(run_of(agent).pk))
    agent.refresh_from_db()
    assert (agent.live_version.number, agent.draft_version.number) == (1, 2)
    assert run_of(agent).outcome == "proposed"


@pytest.mark.django_db
def test_a_result_that_lost_its_lease_is_dropped(agent):
    run = run_of(agent)
    lost = optimization.claim(OptimizationRun, run.pk, lease_seconds=60)
    OptimizationRun.objects.update(
        lease_expires_at=timezone.now() - timedelta(seconds=1)
    )
    optimization.optimize(str(run.pk))
    base = agent.live_version
    optimization.apply(lost, base, "Late.", timezone.now())
    agent.refresh_from_db()
    assert agent.system_prompt != "Late."
    assert agent.versions.count() == 2


@pytest.mark.django_db
def test_three_failures_leave_the_prompt_and_say_failed(agent):
    run = run_of(agent)
    for _ in range(3):
        OptimizationRun.objects.update(run_after=timezone.now())
        held = optimization.claim(OptimizationRun, run.pk, lease_seconds=60)
        optimization.give_up_or_retry(held, "ValueError", timezone.now())
    agent.refresh_from_db()
    assert agent.optimization_status == "failed"
    assert agent.optimization_metadata["error"] == "ValueError"
    assert agent.system_prompt == PROMPT
    assert optimization.claim(OptimizationRun, run.pk, lease_seconds=60) is None


@pytest.mark.django_db
def test_a_deleted_agent_is_not_improved(harbor):
    agent = AgentFactory(organization=harbor, auto_optimize=True, system_prompt="Hi.")
    agent.soft_delete()
    optimization.optimize(str(run_of(agent).pk))
    assert agent.versions.count() == 1


def test_an_adopted_improvement_is_noted_as_learned(agent):
    optimization.optimize(run_of(agent).pk)
    board = AgentMetrics.objects.get(agent_type=agent.slug)
    event = MetricEvent.objects.get(metrics=board)
    assert (event.kind, event.source) == ("learning", "optimizer")
    assert board.total_learning_cycles == 1
    assert board.learning_patterns[0].startswith("Version 2: ")


def test_a_prompt_that_was_good_already_teaches_nothing(agent):
    optimization.optimize(run_of(agent).pk)
    agent.refresh_from_db()
    run = start_optimization(agent, agent.live_version)
    optimization.optimize(run.pk)
    assert MetricEvent.objects.count() == 1
