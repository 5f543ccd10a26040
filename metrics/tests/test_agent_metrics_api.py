"""The nine endpoints, to the letter."""

import pytest

from metrics.tests.factories import AgentMetricsFactory

URL = "/api/agent-metrics/"
TEST = {
    "passed": True,
    "score": 95,
    "duration": 120,
    "timestamp": "2025-01-25T10:00:00Z",
    "xp_awarded": 25,
}
FOUR = [
    # agent type, learning score, xp, tests given and passed, custody xp
    ("imperium", 400, 500, 12, 10, 250),
    ("guardian", 300, 725, 11, 9, 225),
    ("sandbox", 350, 500, 11, 9, 225),
    ("conquest", 450, 750, 10, 9, 225),
]


@pytest.fixture
def four(harbor):
    for agent_type, learning_score, xp, given, passed, custody_xp in FOUR:
        AgentMetricsFactory(
            organization=harbor,
            agent_type=agent_type,
            learning_score=learning_score,
            xp=xp,
            total_tests_given=given,
            total_tests_passed=passed,
            custody_xp=custody_xp,
        )


def test_the_documented_test_is_answered_as_documented(api, four):
    response = api.post(f"{URL}guardian/custody-test", TEST, format="json")
    assert response.status_code == 200
    assert response.json() == {
        "status": "success",
        "agent_type": "guardian",
        "message": "Custody test result recorded successfully",
        "updated_custody_metrics": {
            "total_tests_given": 12,
            "total_tests_passed": 10,
            "custody_level": 3,
            "custody_xp": 250,
        },
    }


def test_the_overview_then_shows_the_documented_sums(api, four):
    api.post(f"{URL}guardian/custody-test", TEST, format="json")
    response = api.get(URL)
    assert response.status_code == 200
    assert response.json() == {
        "status": "success",
        "total_agents": 4,
        "agents": ["imperium", "guardian", "sandbox", "conquest"],
        "summary": {
            "total_learning_score": 1500.0,
            "total_xp": 2500,
            "total_tests_given": 45,
            "total_tests_passed": 38,
            "average_level": 3.5,
        },
    }
