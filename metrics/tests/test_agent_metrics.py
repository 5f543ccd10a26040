"""The service: its names, its rules, and what the database keeps."""

import logging

import pytest
from django.test.utils import CaptureQueriesContext

from accounts.errors import Invalid
from accounts.tests.factories import OrganizationFactory
from metrics import ledger
from metrics.bodies import InvalidMetrics
from metrics.custody import CustodyProtocolService
from metrics.models import AgentMetrics, MetricEvent
from metrics.services import AgentMetricsService
from metrics.tests.factories import AgentMetricsFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def service(harbor):
    return AgentMetricsService.initialize(organization=harbor)


def give_tests(service, agent_type, outcomes, **fields):
    for passed in outcomes:
        result = {"passed": passed, "score": 95 if passed else 30} | fields
        assert service.update_custody_test_result(agent_type, result) is True


def test_get_agent_metrics(service):
    service.create_or_update_agent_metrics("imperium", {})
    metrics = service.get_agent_metrics("imperium")
    assert metrics is not None
    assert "learning_score" in metrics


def test_update_custody_test_result(service):
    test_result = {"passed": True, "score": 95, "duration": 120}
    success = service.update_custody_test_result("guardian", test_result)
    assert success is True


def test_an_unknown_agent_type_has_no_metrics(service):
    assert service.get_agent_metrics("nobody") is None
    assert service.get_custody_metrics("nobody") is None


def test_two_reads_are_two_queries(service, django_assert_num_queries):
    with django_assert_num_queries(2):
        service.get_agent_metrics("imperium")
        service.get_agent_metrics("imperium")


def test_all_metrics_are_one_query(service, django_assert_num_queries):
    for name in ("imperium", "guardian"):
        service.create_or_update_agent_metrics(name, {})
    with django_assert_num_queries(1):
        found = service.get_all_agent_metrics()
    assert list(found) == ["imperium", "guardian"]


def test_only_rows_that_exist_are_updated_specifically(service):
    assert service.update_specific_metrics("imperium", {"xp": 1}) is False
    service.create_or_update_agent_metrics("imperium", {})
    assert service.update_specific_metrics("imperium", {"xp": 1}) is True
    assert AgentMetrics.objects.get().xp == 1


def test_only_rows_that_exist_are_reset(service):
    assert service.reset_agent_metrics("imperium") is False
    service.create_or_update_agent_metrics("imperium", {"xp": 500})
    assert service.reset_agent_metrics("imperium") is True
    assert AgentMetrics.objects.get().xp == 0


def test_a_hundred_agent_types_cost_as_many_queries_as_one(service):
    def cost(how_many):
        updates = {f"agent-{n}": {"xp": n, "status": "idle"} for n in range(how_many)}
        service.bulk_update_metrics(updates)
        with CaptureQueriesContext(connection()) as queries:
            service.bulk_update_metrics(updates | {"agent-0": {"xp": 7}})
        return [
            query["sql"]
            for query in queries
            if not query["sql"].startswith(("SAVEPOINT", "RELEASE"))
        ]

    few, many = cost(2), cost(100)
    # the names, the locks, the rows, the events, the audit log
    assert len(few) == len(many) == 5, many


def connection():
    from django.db import connection

    return connection


# --- rules ------------------------------------------------------------------------
def test_a_passed_test_earns_the_usual_award_for_both_sums(service):
    give_tests(service, "guardian", [True])
    board = AgentMetrics.objects.get()
    assert (board.custody_xp, board.xp) == (25, 25)


def test_a_failed_test_earns_nothing_even_if_points_are_sent(service):
    give_tests(service, "guardian", [False], xp_awarded=500)
    board = AgentMetrics.objects.get()
    assert (board.custody_xp, board.xp) == (0, 0)
    assert board.test_history[0]["xp_awarded"] == 0


def test_streaks_follow_the_outcomes(service):
    give_tests(service, "guardian", [True, True, False])
    board = AgentMetrics.objects.get()
    assert (board.consecutive_successes, board.consecutive_failures) == (0, 1)
    give_tests(service, "guardian", [True])
    board.refresh_from_db()
    assert (board.consecutive_successes, board.consecutive_failures) == (1, 0)


def test_rates_are_fractions_of_four_digits(service):
    give_tests(service, "guardian", [True, True, False])
    board = AgentMetrics.objects.get()
    assert (board.pass_rate, board.failure_rate) == (0.6667, 0.3333)


def test_learning_leaves_the_streaks_alone(service):
    give_tests(service, "guardian", [True, True])
    service.update_learning_metrics("guardian", {"learning_score": 5})
    assert AgentMetrics.objects.get().consecutive_successes == 2


def test_a_winner_is_counted(service):
    give_tests(service, "guardian", [True], is_winner=True)
    give_tests(service, "guardian", [True], is_winner=False)
    assert AgentMetrics.objects.get().adversarial_wins == 1


def test_three_failures_ease_the_difficulty_and_a_pass_brings_it_back(service):
    service.create_or_update_agent_metrics("guardian", {"custody_xp": 1950})
    give_tests(service, "guardian", [False, False])
    assert AgentMetrics.objects.get().current_difficulty == "advanced"
    give_tests(service, "guardian", [False])
    assert AgentMetrics.objects.get().current_difficulty == "intermediate"
    give_tests(service, "guardian", [True])
    assert AgentMetrics.objects.get().current_difficulty == "advanced"


def test_a_level_set_by_hand_is_not_lost_by_a_test(service):
    service.create_or_update_agent_metrics("guardian", {"level": 9, "custody_level": 8})
    give_tests(service, "guardian", [True])
    board = AgentMetrics.objects.get()
    assert (board.level, board.custody_level) == (9, 8)


def test_an_older_test_does_not_turn_the_last_date_back(service):
    give_tests(service, "guardian", [True], timestamp="2025-03-01T00:00:00Z")
    give_tests(service, "guardian", [True], timestamp="2025-01-01T00:00:00Z")
    assert AgentMetrics.objects.get().last_test_date.isoformat() == (
        "2025-03-01T00:00:00+00:00"
    )


def test_the_history_keeps_the_newest_fifty(service):
    for number in range(52):
        give_tests(service, "guardian", [True], duration=number)
    board = AgentMetrics.objects.get()
    durations = [entry["duration"] for entry in board.test_history]
    assert durations == list(range(2, 52))
    assert board.total_tests_given == 52


def test_the_size_of_the_history_can_be_set(service, settings):
    settings.MAX_TEST_HISTORY_SIZE = 3
    give_tests(service, "guardian", [True] * 5)
    assert len(AgentMetrics.objects.get().test_history) == 3


def test_patterns_and_suggestions_keep_their_newest(service):
    for part in (range(60), range(60, 120)):
        service.update_learning_metrics(
            "guardian",
            {
                "learning_patterns": [f"pattern {n}" for n in part],
                "improvement_suggestions": [f"suggestion {n}" for n in part],
            },
        )
    board = AgentMetrics.objects.get()
    assert board.learning_patterns == [f"pattern {n}" for n in range(20, 120)]
    assert board.improvement_suggestions == [f"suggestion {n}" for n in range(70, 120)]


def test_what_follows_from_a_value_is_recomputed(service):
    service.create_or_update_agent_metrics(
        "guardian",
        {
            "xp": 12_750,
            "custody_xp": 3_000,
            "total_tests_given": 4,
            "total_tests_passed": 3,
        },
    )
    board = AgentMetrics.objects.get()
    assert (board.level, board.prestige, board.custody_level) == (52, 1, 31)
    assert board.current_difficulty == "expert"
    assert (board.total_tests_failed, board.pass_rate) == (1, 0.75)


def test_what_was_sent_is_not_recomputed(service):
    service.create_or_update_agent_metrics("guardian", {"xp": 500, "level": 9})
    service.update_specific_metrics("guardian", {"priority": "high"})
    assert AgentMetrics.objects.get().level == 9


def test_counts_that_do_not_add_up_are_refused(service):
    with pytest.raises(Invalid) as refusal:
        service.create_or_update_agent_metrics(
            "guardian", {"total_tests_given": 3, "total_tests_failed": 1}
        )
    assert refusal.value.pointer == "/total_tests_given"
    assert not AgentMetrics.objects.exists()


def test_a_sum_that_no_column_holds_is_refused(service):
    service.create_or_update_agent_metrics("guardian", {"xp": 2_147_483_647})
    with pytest.raises(Invalid) as refusal:
        give_tests(service, "guardian", [True])
    assert refusal.value.pointer == "/xp_awarded"
    assert MetricEvent.objects.count() == 1


@pytest.mark.parametrize("name", ["analytics", "Bulk-Update", "leaderboard", "", "a b"])
def test_names_that_are_no_agent_types_are_refused(service, name):
    with pytest.raises(InvalidMetrics):
        service.create_or_update_agent_metrics(name, {})


def test_names_are_lower_case(service):
    service.create_or_update_agent_metrics("Imperium", {})
    assert service.get_agent_metrics("IMPERIUM")["agent_type"] == "imperium"


# --- the platform's own tests -------------------------------------------------------
def test_the_custody_service_keeps_nothing_in_memory(harbor):
    custody = CustodyProtocolService(harbor)
    assert custody.record_test_result("guardian", {"passed": True, "score": 90})
    assert not hasattr(custody, "custody_metrics")
    found = CustodyProtocolService(harbor).get_custody_metrics("guardian")
    assert found["total_tests_passed"] == 1
    assert custody.get_custody_analytics()["summary"]["total_tests_given"] == 1


def test_the_platforms_own_tests_are_told_from_what_others_say(service, harbor):
    give_tests(service, "guardian", [True])
    CustodyProtocolService(harbor).record_test_result(
        "guardian", {"passed": True, "score": 90}
    )
    sources = MetricEvent.objects.order_by("sequence").values_list("source", flat=True)
    assert list(sources) == ["api", "custody_run"]


def test_a_recorded_test_is_logged_with_its_figures(service, caplog):
    with caplog.at_level(logging.INFO):
        give_tests(service, "guardian", [True], duration=120)
    (record,) = [
        record.msg
        for record in caplog.records
        if isinstance(record.msg, dict) and "new_xp" in record.msg
    ]
    assert record["event"] == "Updated custody test results"
    assert record["agent_type"] == "guardian"
    assert record["test_result"]["duration"] == 120
    assert record["new_xp"] == 25


# --- deleted agents -----------------------------------------------------------------
def test_the_row_of_a_deleted_agent_is_hidden_and_comes_back(service, harbor):
    service.create_or_update_agent_metrics("imperium", {"xp": 5})
    ledger.retire(organization=harbor, agent_type="imperium")
    assert service.get_agent_metrics("imperium") is None
    assert service.get_all_agent_metrics() == {}
    assert service.update_specific_metrics("imperium", {"xp": 6}) is False
    ledger.revive(organization=harbor, agent_type="imperium")
    assert service.get_agent_metrics("imperium")["xp"] == 5


def test_results_that_came_before_the_agent_become_its_own(service, harbor):
    give_tests(service, "desk", [True])
    ledger.open_scoreboard(organization=harbor, agent_id="an-id", agent_type="desk")
    ledger.open_scoreboard(organization=harbor, agent_id="other", agent_type="desk")
    board = AgentMetrics.objects.get()
    assert (board.agent_id, board.total_tests_given) == ("an-id", 1)


def test_organizations_do_not_share_an_agent_type(service):
    other = AgentMetricsFactory(
        organization=OrganizationFactory(), agent_type="imperium"
    )
    give_tests(service, "imperium", [True])
    other.refresh_from_db()
    assert other.total_tests_given == 0
