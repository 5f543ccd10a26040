"""What a month may cost: held before, settled after, refused in time."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from accounts.models import AuditLog, Organization, WebhookDelivery
from accounts.tests.factories import make_webhook
from agents.models import (
    AgentBudget,
    Reply,
    Reservation,
    UsageDay,
    UsageKind,
    UsageMonth,
)
from agents.models.usage import month_after, this_month
from agents.replies import production, questions, sweep
from agents.tests.factories import AgentFactory, SessionFactory
from agents.tests.speaking import Scripted
from agents.usage import budgets, notifications

pytestmark = pytest.mark.django_db


@pytest.fixture
def agent(harbor):
    return AgentFactory(organization=harbor)


@pytest.fixture
def session(agent, ada):
    return SessionFactory(agent_ref=agent, user=ada.user, visitor_id="")


def month_of(agent=None):
    return UsageMonth.objects.get(agent=agent, month=this_month())


def figures(row):
    return row.messages, row.tokens, row.reserved_messages, row.reserved_tokens


def hold(agent, tokens=100, kind=UsageKind.CONVERSATION):
    return budgets.reserve(agent=agent, kind=kind, tokens=tokens)


def test_a_question_holds_a_message_and_its_tokens(session, agent):
    questions.ask(session=session, content="How long?")
    held = Reservation.objects.get()
    assert held.tokens >= 3_000
    for row in (month_of(), month_of(agent)):
        assert figures(row) == (0, 0, 1, held.tokens)


def test_an_answer_settles_what_it_really_took(session, agent, monkeypatch):
    monkeypatch.setattr(production, "provider_for", lambda *a, **k: Scripted("Yes."))
    reply = questions.ask(session=session, content="How long?")[1]
    production.produce(reply.pk)
    for row in (month_of(), month_of(agent)):
        assert figures(row) == (1, 7, 0, 0)
    day = UsageDay.objects.get()
    assert (day.kind, day.messages, day.tokens) == ("conversation", 1, 7)


def test_a_reply_that_fails_gives_all_of_it_back(session, agent):
    reply = questions.ask(session=session, content="How long?")[1]
    Reply.objects.update(attempt=production.MAX_ATTEMPTS)
    production.produce(reply.pk)
    assert figures(month_of()) == figures(month_of(agent)) == (0, 0, 0, 0)


def test_a_repeated_key_holds_nothing_twice(session):
    for _ in range(2):
        questions.ask(session=session, content="How long?", idempotency_key="one")
    assert month_of().reserved_messages == 1


def test_the_organizations_cap_refuses_the_next_question(session, harbor):
    Organization.objects.update(max_messages_per_month=1)
    questions.ask(session=session, content="One?")
    with pytest.raises(budgets.BudgetExceeded) as refused:
        questions.ask(session=session, content="Two?")
    facts = refused.value.facts
    assert (facts["of"], facts["budget"]) == ("organization", "messages")
    assert (facts["limit"], facts["used"]) == (1, 1)
    assert session.message_rows.count() == 1


def test_the_agents_own_cap_refuses_and_leaves_the_organizations_figures(
    session, agent, ada
):
    budgets.set_caps(agent=agent, actor=ada.user, max_messages_per_month=1)
    questions.ask(session=session, content="One?")
    with pytest.raises(budgets.BudgetExceeded) as refused:
        questions.ask(session=session, content="Two?")
    assert refused.value.facts["of"] == "agent"
    assert month_of().reserved_messages == 1


def test_tokens_that_are_held_count_as_used(agent):
    Organization.objects.update(max_tokens_per_month=150)
    hold(agent)
    with pytest.raises(budgets.BudgetExceeded) as refused:
        hold(agent)
    assert refused.value.facts["budget"] == "tokens"


def test_a_settled_reservation_makes_room_again(agent):
    Organization.objects.update(max_tokens_per_month=150)
    budgets.settle(hold(agent), tokens=10)
    assert hold(agent).tokens == 100


def test_settling_twice_counts_once(agent):
    held = hold(agent)
    assert [budgets.settle(held, tokens=5), budgets.settle(held, tokens=5)] == [
        True,
        False,
    ]
    assert figures(month_of()) == (1, 5, 0, 0)


def test_custody_costs_tokens_and_no_messages(agent):
    Organization.objects.update(max_messages_per_month=0)
    budgets.settle(hold(agent, kind=UsageKind.CUSTODY), tokens=9)
    assert figures(month_of()) == (0, 9, 0, 0)
    assert UsageDay.objects.get().messages == 1


def test_unlimited_organizations_are_counted_all_the_same(agent):
    Organization.objects.update(max_messages_per_month=-1, max_tokens_per_month=-1)
    budgets.settle(hold(agent, tokens=10**9), tokens=10**9)
    assert month_of().tokens == 10**9


def test_the_sweep_releases_what_a_dead_process_left_held(agent):
    hold(agent)
    Reservation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    sweep.resend()
    assert not Reservation.objects.exists()
    assert figures(month_of()) == (0, 0, 0, 0)


def test_the_sweep_keeps_what_a_waiting_reply_holds(session):
    questions.ask(session=session, content="How long?")
    Reservation.objects.update(expires_at=timezone.now() - timedelta(days=1))
    assert budgets.release_overdue() == 0
    Reply.objects.update(status="failed")
    assert budgets.release_overdue() == 1


def test_the_year_turns_into_january():
    december = this_month().replace(year=2026, month=12)
    assert month_after(december).isoformat() == "2027-01-01"


def test_at_eighty_percent_the_owners_are_told_once(
    agent, ada, django_capture_on_commit_callbacks
):
    make_webhook(ada, "https://example.com/hook", events=["limit.reached"])
    Organization.objects.update(max_tokens_per_month=1_000)
    agent.organization.refresh_from_db()
    budgets.settle(hold(agent), tokens=799)
    assert month_of().warned_at is None
    for _ in range(2):
        budgets.settle(hold(agent), tokens=1)
    assert month_of().warned_at
    assert WebhookDelivery.objects.get().event == "limit.reached"


def test_the_notice_reaches_every_owner_and_no_viewer(agent, ada, bo):
    Organization.objects.update(max_tokens_per_month=1_000)
    budgets.settle(hold(agent), tokens=900)
    assert notifications.mail(month_of().pk) == 1
    assert mail.outbox[0].to == [ada.user.email]
    assert "900" in mail.outbox[0].body
    assert "1,000 tokens" in mail.outbox[0].body


def test_setting_a_cap_is_on_the_record(agent, ada):
    budgets.set_caps(agent=agent, actor=ada.user, max_tokens_per_month=5_000)
    assert AgentBudget.objects.get().max_tokens_per_month == 5_000
    assert AuditLog.objects.filter(resource_type="agent_budget").count() == 1


def test_the_api_answers_403_with_the_figures(api, agent):
    Organization.objects.update(max_messages_per_month=0)
    opened = api.post(
        "/api/v1/sessions/", {"agent": str(agent.public_id)}, format="json"
    )
    path = f"/api/v1/sessions/{opened.json()['id']}/messages/"
    answer = api.post(path, {"content": "How long?"}, format="json")
    assert answer.status_code == 403
    body = answer.json()
    assert body["code"] == "budget_exceeded"
    assert (body["limit"], body["used"]) == (0, 0)
    assert body["resets_at"].endswith("-01T00:00:00Z")
    assert "Retry-After" not in answer
