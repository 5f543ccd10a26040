"""Summary, leaderboard, overview and portraits: what they say and what they cost."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from metrics import overviews
from metrics.models import AgentMetrics
from metrics.services import AgentMetricsService
from metrics.tests.factories import AgentMetricsFactory

pytestmark = pytest.mark.django_db
URL = "/api/agent-metrics/"
SUMMARY = f"{URL}analytics/summary"


@pytest.fixture
def service(harbor):
    return AgentMetricsService(harbor)


def give_tests(service, agent_type, outcomes):
    for passed in outcomes:
        score = 95 if passed else 30
        service.update_custody_test_result(
            agent_type, {"passed": passed, "score": score}
        )


def test_an_empty_organization_has_an_empty_summary(api):
    body = api.get(SUMMARY).json()
    assert body.pop("timestamp").endswith("Z")
    assert body == {
        "status": "success",
        "summary": {
            "total_agents": 0,
            "active_agents": 0,
            "total_learning_score": 0.0,
            "average_learning_score": 0.0,
            "total_xp": 0,
            "average_level": 0.0,
            "total_custody_xp": 0,
            "average_custody_level": 0.0,
            "total_tests_given": 0,
            "total_tests_passed": 0,
            "total_tests_failed": 0,
            "overall_pass_rate": 0.0,
            "total_adversarial_wins": 0,
        },
        "difficulty_distribution": {
            "basic": 0,
            "intermediate": 0,
            "advanced": 0,
            "expert": 0,
            "master": 0,
            "legendary": 0,
        },
        "status_distribution": {},
        "top_performers": [],
        "recent_tests": [],
        "recommendations": [],
    }


def test_the_summary_adds_up_and_counts(api, service):
    give_tests(service, "imperium", [True, True, False])
    service.put("guardian", {"custody_level": 25, "status": "paused", "xp": 250})
    service.put("sandbox", {"is_active": False, "learning_score": 10})
    body = api.get(SUMMARY).json()
    assert body["summary"] == {
        "total_agents": 3,
        "active_agents": 2,
        "total_learning_score": 10.0,
        "average_learning_score": 3.33,
        "total_xp": 300,
        "average_level": 1.33,
        "total_custody_xp": 50,
        "average_custody_level": 9.0,
        "total_tests_given": 3,
        "total_tests_passed": 2,
        "total_tests_failed": 1,
        "overall_pass_rate": 0.6667,
        "total_adversarial_wins": 0,
    }
    assert body["difficulty_distribution"]["advanced"] == 1
    assert body["status_distribution"] == {"idle": 2, "paused": 1}


def test_the_five_best_come_first(api, service):
    service.put_many({f"agent-{n}": {"xp": 100 * n} for n in range(7)})
    best = api.get(SUMMARY).json()["top_performers"]
    assert [row["agent_type"] for row in best] == [
        f"agent-{n}" for n in range(6, 1, -1)
    ]
    assert set(best[0]) == {"agent_type", "level", "xp", "custody_level", "pass_rate"}


def test_the_ten_latest_tests_are_shown_newest_first(api, service):
    for number in range(12):
        service.update_custody_test_result(
            "imperium" if number % 2 else "guardian",
            {
                "passed": True,
                "score": number,
                "timestamp": f"2025-01-{number + 1:02}T10:00:00Z",
            },
        )
    rows = api.get(SUMMARY).json()["recent_tests"]
    assert [row["score"] for row in rows] == list(range(11, 1, -1))
    assert rows[0] == {
        "agent_type": "imperium",
        "passed": True,
        "score": 11.0,
        "difficulty": "basic",
        "xp_awarded": 25,
        "source": "api",
        "timestamp": "2025-01-12T10:00:00Z",
    }


def test_advice_follows_what_happened(api, service):
    give_tests(service, "failing", [True] * 30 + [False] * 3)
    give_tests(service, "weak", [True, False, True])
    service.put("untested", {})
    give_tests(service, "strong", [True] * 6)
    give_tests(service, "fine", [True] * 5)
    advice = api.get(SUMMARY).json()["recommendations"]
    assert [line.split(" ", 1)[0] for line in advice] == [
        "failing",
        "weak",
        "untested",
        "strong",
    ]
    assert "3 tests in a row" in advice[0]
    assert "raise the difficulty" in advice[3]


def test_deleted_agents_are_in_no_figure(api, service, harbor):
    give_tests(service, "gone", [True, False])
    AgentMetrics.objects.filter(agent_type="gone").update(
        retired_at="2025-01-01T00:00Z"
    )
    assert api.get(URL).json()["total_agents"] == 0
    body = api.get(SUMMARY).json()
    assert body["summary"]["total_tests_given"] == 0
    assert body["recent_tests"] == []
    points = api.get(f"{URL}analytics/series").json()["points"]
    assert sum(point["tests"] for point in points) == 0


# --- leaderboard ------------------------------------------------------------------
@pytest.fixture
def ranked(service):
    service.put_many(
        {
            "first": {"xp": 900, "priority": "high"},
            "second": {"xp": 500, "status": "paused", "learning_score": 9},
            "third": {"xp": 100, "custody_level": 30, "is_active": False},
        }
    )


def names(response):
    return [row["agent_type"] for row in response.json()["results"]]


def test_the_leaderboard_ranks_by_level(api, ranked):
    response = api.get(f"{URL}leaderboard")
    assert names(response) == ["first", "second", "third"]
    assert [row["rank"] for row in response.json()["results"]] == [1, 2, 3]
    second = api.get(f"{URL}leaderboard", {"offset": 1, "limit": 1}).json()
    assert second["results"][0]["rank"] == 2
    assert second["count"] == 3


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"status": "paused"}, ["second"]),
        ({"priority": "high"}, ["first"]),
        ({"difficulty": "expert"}, ["third"]),
        ({"is_active": "false"}, ["third"]),
        ({"search": "IR"}, ["first", "third"]),
        ({"ordering": "-learning_score"}, ["second", "first", "third"]),
        ({"ordering": "xp"}, ["third", "second", "first"]),
        ({"cursor": ""}, ["third", "second", "first"]),
    ],
)
def test_the_leaderboard_is_filtered_and_ordered(api, ranked, query, expected):
    found = names(api.get(f"{URL}leaderboard", query))
    assert found == expected if "cursor" not in query else set(found) == set(expected)


def test_the_overview_is_filtered_too(api, ranked):
    body = api.get(URL, {"status": "paused"}).json()
    assert (body["agents"], body["summary"]["total_xp"]) == (["second"], 500)


# --- what it costs ----------------------------------------------------------------
# The key with its user, organization and role is always one query.
@pytest.mark.parametrize("how_many", [4, 400])
@pytest.mark.parametrize(
    ("path", "queries"),
    [
        ("", 1 + 2),  # the sums, the names
        ("analytics/summary", 1 + 3),  # the sums, the notable, the latest tests
        ("leaderboard?limit=100", 1 + 2),  # the count, the page
        ("analytics/series", 1 + 1),
        ("analytics/export", 1 + 1),
    ],
)
def test_the_cost_does_not_grow_with_the_agent_types(
    api, service, path, queries, how_many
):
    for start in range(0, how_many, 100):
        block = range(start, min(how_many, start + 100))
        service.put_many({f"agent-{n}": {"xp": n} for n in block})
    give_tests(service, "agent-0", [True] * 3)
    api.get(URL)  # the key's last use is noted once a minute
    with CaptureQueriesContext(connection) as captured:
        response = api.get(f"{URL}{path}")
        response.getvalue()
    assert response.status_code == 200
    assert len(captured) == queries, [query["sql"] for query in captured]


@pytest.mark.parametrize("how_many", [1, 40])
def test_the_pages_cost_the_same_however_much_there_is(harbor, service, how_many):
    service.put_many({f"agent-{n}": {} for n in range(how_many)})
    give_tests(service, "agent-0", [True] * how_many)
    with CaptureQueriesContext(connection) as whole:
        overviews.overview(harbor)
    with CaptureQueriesContext(connection) as one:
        overviews.portrait(harbor, "agent-0")
    assert (len(whole), len(one)) == (5, 8)


# --- the pages' own calls -----------------------------------------------------------
def test_the_overview_page_has_everything_in_one_call(harbor, service):
    give_tests(service, "failing", [False] * 3)
    give_tests(service, "good", [True])
    page = overviews.overview(harbor, days=7)
    assert not page.is_empty
    assert page.totals["summary"]["total_agents"] == 2
    assert [board.agent_type for board in page.leaderboard] == ["good", "failing"]
    assert [row["agent_type"] for row in page.attention] == ["failing"]
    assert page.attention[0]["reason"] == "failing"
    assert page.points[-1].tests == 4
    assert len(page.points) == 7
    assert len(page.recent_tests) == 4


def test_an_empty_overview_page_says_so(harbor):
    assert overviews.overview(harbor).is_empty


def test_a_portrait_tells_how_it_came_there(harbor, service):
    service.put("guardian", {"custody_xp": 950, "xp": 225})
    give_tests(service, "guardian", [False, True, True, True, False, True])
    found = overviews.portrait(harbor, "guardian", days=7)
    assert found.progress.level == 2
    assert found.progress.into_level == 75
    assert found.running_xp[-1] == found.board.xp == 325
    assert found.running_xp[-2] == 0
    assert found.streaks == {
        "consecutive_successes": 1,
        "consecutive_failures": 0,
        "longest_successes": 3,
        "longest_failures": 1,
    }
    at = {row["difficulty"]: row for row in found.difficulties}
    assert (at["intermediate"]["tests"], at["intermediate"]["passed"]) == (6, 4)
    assert at["legendary"]["pass_rate"] is None
    assert [event.passed for event in found.results][:2] == [True, False]


def test_a_portrait_begins_anew_after_a_reset(harbor, service):
    give_tests(service, "guardian", [True] * 4)
    service.reset_agent_metrics("guardian")
    give_tests(service, "guardian", [True])
    found = overviews.portrait(harbor, "guardian")
    assert found.streaks["longest_successes"] == 1
    assert sum(row["tests"] for row in found.difficulties) == 1
    assert len(found.results) == 5


def test_only_the_platforms_own_tests_count_for_the_badge(harbor, service):
    give_tests(service, "guardian", [True] * 5)
    own = AgentMetricsService(harbor, source="custody_run")
    give_tests(own, "guardian", [True, False])
    assert overviews.portrait(harbor, "guardian").badge == {"tests": 2, "passed": 1}


def test_there_is_no_portrait_of_nobody(harbor):
    AgentMetricsFactory(agent_type="elsewhere")
    assert overviews.portrait(harbor, "elsewhere") is None
