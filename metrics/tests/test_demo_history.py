"""The demo's eight weeks: believable, the same every time, written once."""

from datetime import timedelta

import pytest
from django.utils import timezone

from metrics import overviews, replay
from metrics.demo import FOUNDERS, load_history
from metrics.models import AgentMetrics, MetricEvent
from metrics.services import AgentMetricsService

pytestmark = pytest.mark.django_db


def test_the_founders_have_eight_weeks_behind_them(harbor):
    events = load_history(harbor)
    assert events == MetricEvent.objects.count()
    for name in FOUNDERS:
        days = MetricEvent.objects.filter(metrics__agent_type=name).dates(
            "occurred_at", "day"
        )
        assert timedelta(days=40) < days.last() - days.first() < timedelta(days=57)
    assert MetricEvent.objects.latest("occurred_at").occurred_at < timezone.now()


def test_the_history_is_written_once(harbor):
    load_history(harbor, ["desk"])
    assert load_history(harbor, ["desk"]) == 0


def test_other_events_do_not_keep_it_from_being_written(harbor):
    AgentMetricsService(harbor).put("desk", {"priority": "high"})
    assert load_history(harbor, ["desk"]) > 0
    assert AgentMetrics.objects.get().priority == "high"


def test_it_is_the_same_story_every_time(harbor, cy):
    def story(organization):
        load_history(organization)
        events = MetricEvent.objects.filter(organization=organization)
        return list(events.order_by("occurred_at").values_list("kind", "score"))

    assert story(harbor) == story(cy.organization)


def test_the_ledger_holds_it_like_everything_else(harbor):
    load_history(harbor, [f"desk-{n}" for n in range(12)])
    assert replay.verify().differences == []


def test_it_is_believable(harbor):
    load_history(harbor)
    for board in AgentMetrics.objects.all():
        assert 30 < board.total_tests_given < 120
        assert 0.5 < board.pass_rate < 1
        assert board.level > 2
        assert board.learning_patterns
    page = overviews.overview(harbor, interval="week")
    assert len(page.points) >= 8
    assert sum(point.tests for point in page.points) > 100


def test_no_test_of_the_demo_counts_for_the_badge(harbor):
    load_history(harbor)
    assert overviews.portrait(harbor, "imperium").badge == {"tests": 0, "passed": 0}
