"""The optimizer: it proposes once, never goes live itself, and an edit wins."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditLog
from agents.configuration.personas import FALLBACK_KEY, get_persona
from agents.lifecycle.creation import create_agent, start_optimization
from agents.lifecycle.editing import update_agent
from agents.lifecycle.release import release_draft
from agents.models import Agent, OptimizationRun
from agents.optimization import runs
from agents.optimization.rewriting import with_missing_sections
from agents.replies.context import ContextService
from agents.tests.factories import AgentFactory
from metrics.models import AgentMetrics, MetricEvent

PROMPT = """You are the voice of Harbor Coffee.
Help customers with parcels. If the order is older than 30 days, refuse the refund. \
Otherwise approve it. Always ask for the order number.
  - Never promise a date, and keep a friendly tone."""


@pytest.fixture
def agent(harbor, ada):
    return create_agent(
        organization=harbor, created_by=ada.user, name="Desk", system_prompt=PROMPT
    )[0]


def run_of(agent):
    return OptimizationRun.objects.get(agent=agent)


def claimed(run):
    return runs.claim(OptimizationRun, run.pk, lease_seconds=60, give_up=runs.give_up)


def test_the_authors_text_stays_verbatim_and_in_order():
    text = with_missing_sections(PROMPT)
    assert text.startswith(PROMPT + "\n\n## Knowledge\n- ")
    assert "\n\n## Refusals\n- " in text


def test_a_section_the_author_wrote_about_is_not_added():
    text = with_missing_sections(PROMPT + " Cite the returns policy.")
    assert "## Knowledge" not in text
    assert "## Refusals" in text


def test_completing_again_changes_nothing():
    once = with_missing_sections(PROMPT)
    assert with_missing_sections(once) == once


@pytest.mark.parametrize(
    "prompt",
    [
        "",
        "Hilf Kunden mit Paketen. Ist die Bestellung älter als 30 Tage, lehne ab.",
        "Aide les clients avec leurs colis. Réponds toujours en français.",
        "ساعد العملاء في الطرود. إذا كان الطلب أقدم من 30 يومًا فارفض.",
        "Hilf den Kunden mit Paketen und frage nach der Nummer. If there is chest "
        "pain, say what you are told and what they should do: call 112.",
        "Kaffee.",
        "Help with the parcels that you are asked for. " * 215,
    ],
    ids=["empty", "german", "french", "arabic", "mixed", "word", "long"],
)
def test_a_prompt_is_left_alone_where_nothing_can_be_added(prompt):
    assert with_missing_sections(prompt) == prompt


@pytest.mark.django_db
@pytest.mark.parametrize("gate", ["none", "warn", "enforce"])
def test_a_better_prompt_is_proposed_and_never_goes_live_by_itself(agent, gate):
    update_agent(agent=agent, actor=None, changes={"release_gate": gate})
    runs.optimize(str(run_of(agent).pk))
    agent.refresh_from_db()
    assert (agent.live_version.number, agent.draft_version.number) == (1, 2)
    assert agent.draft_version.origin == "optimizer"
    assert agent.draft_version.system_prompt.startswith(PROMPT)
    assert agent.system_prompt == PROMPT
    assert run_of(agent).outcome == "proposed"
    assert agent.optimization_status == "done"
    assert agent.optimization_pending is False
    assert agent.optimization_metadata["previous_prompt"] == PROMPT
    assert agent.optimization_metadata["attempts"] == 1
    assert AuditLog.objects.filter(actor_type="system", action="UPDATE").exists()


@pytest.mark.django_db
def test_an_edit_after_a_proposal_takes_nothing_of_it_along(agent, ada):
    runs.optimize(str(run_of(agent).pk))
    edited = update_agent(
        agent=agent, actor=ada.user, changes={"config": {"temperature": 0.1}}
    )
    edited.refresh_from_db()
    assert edited.live_version.number == 3
    assert edited.live_version.system_prompt == PROMPT
    assert edited.live_version.parent.number == 1
    assert edited.draft_version is None


@pytest.mark.django_db
def test_a_released_proposal_is_the_agents_prompt(agent, ada):
    runs.optimize(str(run_of(agent).pk))
    released = release_draft(agent=agent, actor=ada.user)
    released.refresh_from_db()
    assert released.live_version.number == 2
    assert released.system_prompt == released.live_version.system_prompt != PROMPT
    assert run_of(agent).outcome == "live"


@pytest.mark.django_db
def test_a_run_that_is_done_twice_applies_once(agent):
    run_id = str(run_of(agent).pk)
    runs.optimize(run_id)
    runs.optimize(run_id)
    assert agent.versions.count() == 2


@pytest.mark.django_db
def test_an_edit_during_the_run_wins(agent, ada):
    update_agent(agent=agent, actor=ada.user, changes={"system_prompt": "Mine."})
    runs.optimize(str(run_of(agent).pk))
    agent.refresh_from_db()
    assert agent.system_prompt == "Mine."
    assert agent.optimization_status == "skipped"


@pytest.mark.django_db
def test_a_result_that_lost_its_lease_is_dropped(agent):
    run = run_of(agent)
    lost = claimed(run)
    OptimizationRun.objects.update(
        lease_expires_at=timezone.now() - timedelta(seconds=1)
    )
    runs.optimize(str(run.pk))
    base = agent.live_version
    runs.apply(lost, base, "Late.", timezone.now())
    agent.refresh_from_db()
    assert agent.system_prompt != "Late."
    assert agent.versions.count() == 2


@pytest.mark.django_db
def test_three_failures_leave_the_prompt_and_say_failed(agent):
    run = run_of(agent)
    for _ in range(3):
        OptimizationRun.objects.update(run_after=timezone.now())
        held = claimed(run)
        runs.give_up_or_retry(held, "ValueError", timezone.now())
    agent.refresh_from_db()
    assert agent.optimization_status == "failed"
    assert agent.optimization_metadata["error"] == "ValueError"
    assert agent.system_prompt == PROMPT
    assert claimed(run) is None


@pytest.mark.django_db
def test_a_deleted_agent_is_not_improved(harbor):
    agent = AgentFactory(organization=harbor, auto_optimize=True, system_prompt="Hi.")
    agent.soft_delete()
    runs.optimize(str(run_of(agent).pk))
    assert agent.versions.count() == 1


def test_a_proposal_teaches_nothing_until_it_is_released(agent, ada):
    runs.optimize(run_of(agent).pk)
    board = AgentMetrics.objects.get(agent_type=agent.slug)
    assert not MetricEvent.objects.filter(metrics=board).exists()
    release_draft(agent=agent, actor=ada.user)
    event = MetricEvent.objects.get(metrics=board)
    board.refresh_from_db()
    assert (event.kind, event.source) == ("learning", "optimizer")
    assert board.total_learning_cycles == 1
    assert board.learning_patterns[0].startswith("Version 2: ")


def test_a_prompt_that_lacks_nothing_gets_no_proposal(agent, ada):
    runs.optimize(run_of(agent).pk)
    agent = release_draft(agent=agent, actor=ada.user)
    run = start_optimization(agent, agent.live_version)
    runs.optimize(run.pk)
    run.refresh_from_db()
    assert run.outcome == "no_gain"


def test_an_empty_prompt_is_filled_from_the_persona_at_creation(api):
    body = {"name": "Desk", "persona_key": "support_expert", "system_prompt": "  "}
    made = api.post("/api/v1/agents/", body, format="json").json()
    persona = get_persona("support_expert")["system_prompt"]
    assert made["system_prompt"] == persona
    agent = Agent.objects.get(public_id=made["id"])
    assert ContextService(agent).instructions() == persona


def test_an_agent_without_prompt_and_persona_gets_the_usual_ones_prompt(harbor):
    agent, _ = create_agent(organization=harbor, created_by=None, name="Desk")
    assert agent.system_prompt == get_persona(FALLBACK_KEY)["system_prompt"]


def test_an_agents_page_shows_the_proposal_and_what_is_live(agent, ada, browser_of):
    runs.optimize(run_of(agent).pk)
    page = browser_of(ada).get(reverse("agents:detail", args=[agent.public_id]))
    text = page.content.decode()
    assert "Proposed prompt, version 2" in text
    assert "Release version 2" in text
    assert text.count("Otherwise approve it.") == 2


def test_an_authors_draft_is_not_replaced_by_a_proposal(agent, ada):
    changes = {"release_gate": "warn", "auto_optimize": False}
    agent = update_agent(agent=agent, actor=ada.user, changes=changes)
    OptimizationRun.objects.all().delete()
    changes = {"system_prompt": PROMPT + " Be kind."}
    agent = update_agent(agent=agent, actor=ada.user, changes=changes)
    run = start_optimization(agent, agent.draft_version)
    runs.optimize(run.pk)
    agent.refresh_from_db()
    assert (agent.draft_version.number, agent.draft_version.origin) == (2, "edit")
    run.refresh_from_db()
    assert run.outcome == "overtaken"


def test_a_proposal_that_waits_is_not_hidden_by_another_run(agent, ada, browser_of):
    runs.optimize(run_of(agent).pk)
    for is_on in (False, True):
        update_agent(agent=agent, actor=ada.user, changes={"auto_optimize": is_on})
    assert OptimizationRun.objects.count() == 1
    page = browser_of(ada).get(reverse("agents:detail", args=[agent.public_id]))
    assert "Proposed prompt, version 2" in page.content.decode()


def test_a_released_proposal_says_in_the_audit_log_what_it_changed(agent, ada):
    runs.optimize(run_of(agent).pk)
    release_draft(agent=agent, actor=ada.user)
    row = AuditLog.objects.get(action="EXECUTE", resource_type="agent")
    assert row.detail.changes["system_prompt"]["old"] == PROMPT


def test_another_persona_brings_its_own_prompt_where_the_author_wrote_none(api):
    body = {"name": "Desk", "persona_key": "support_expert"}
    made = api.post("/api/v1/agents/", body, format="json").json()
    path = f"/api/v1/agents/{made['id']}/"
    changed = api.patch(path, {"persona_key": "sales_rep"}, format="json").json()
    assert changed["system_prompt"] == get_persona("sales_rep")["system_prompt"]
    api.patch(path, {"system_prompt": "Mine."}, format="json")
    changed = api.patch(path, {"persona_key": "support_expert"}, format="json").json()
    assert changed["system_prompt"] == "Mine."


def test_a_proposal_survives_an_export_and_an_import(api, agent):
    runs.optimize(run_of(agent).pk)
    file = api.get(f"/api/v1/agents/{agent.public_id}/export/").json()
    file["agent"]["name"] = "Copy"
    made = api.post("/api/v1/agents/import/", file, format="json").json()
    copy = Agent.objects.get(public_id=made["id"])
    assert (copy.live_version.number, copy.draft_version.number) == (1, 2)
    assert copy.has_proposal
    assert copy.system_prompt == PROMPT
