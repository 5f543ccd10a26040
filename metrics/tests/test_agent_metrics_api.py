"""The nine endpoints, to the letter."""

import pytest

from accounts.models import AuditLog
from metrics.models import AgentMetrics, MetricEvent
from metrics.scores import AFTER_LEARNING, CUSTODY, SHOWN
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


def test_an_empty_organization_has_an_empty_overview(api):
    assert api.get(URL).json() == {
        "status": "success",
        "total_agents": 0,
        "agents": [],
        "summary": {
            "total_learning_score": 0.0,
            "total_xp": 0,
            "total_tests_given": 0,
            "total_tests_passed": 0,
            "average_level": 0.0,
        },
    }


def test_one_agent_type_shows_every_column(api, four):
    body = api.get(f"{URL}imperium").json()
    assert (body["status"], body["agent_type"]) == ("success", "imperium")
    assert set(body["metrics"]) == set(SHOWN)
    assert body["metrics"]["agent_id"] == "imperium_agent"
    assert body["metrics"]["level"] == 3
    assert body["metrics"]["created_at"].endswith("Z")


def test_custody_shows_its_fourteen_figures(api, four):
    api.post(f"{URL}guardian/custody-test", TEST, format="json")
    body = api.get(f"{URL}guardian/custody").json()
    assert set(body) == {"status", "agent_type", "custody_metrics"}
    metrics = body["custody_metrics"]
    assert set(metrics) == set(CUSTODY)
    assert len(metrics) == 14
    assert metrics["last_test_date"] == "2025-01-25T10:00:00Z"
    assert metrics["test_history"] == [TEST | {"difficulty": "basic"}]


@pytest.mark.parametrize("path", ["nobody", "nobody/custody", "nobody/history"])
def test_an_unknown_agent_type_is_not_found(api, path):
    response = api.get(URL + path)
    assert response.status_code == 404
    assert response["Content-Type"] == "application/problem+json"


def test_a_test_without_points_earns_the_usual_ones_and_opens_the_row(api):
    body = {"passed": True, "score": 95, "duration": 120}
    response = api.post(f"{URL}guardian/custody-test", body, format="json")
    assert response.json()["updated_custody_metrics"]["custody_xp"] == 25
    assert AgentMetrics.objects.get().agent_id == "guardian_agent"


def test_a_put_creates_then_updates(api):
    first = api.put(f"{URL}imperium", {"learning_score": 5.5}, format="json")
    second = api.put(f"{URL}imperium", {"xp": 250}, format="json")
    assert (first.status_code, second.status_code) == (201, 200)
    body = second.json()
    assert body["message"] == "Agent metrics updated successfully"
    assert set(body["metrics"]) == set(SHOWN)
    figures = body["metrics"]["learning_score"], body["metrics"]["level"]
    assert figures == (5.5, 2)


def test_a_put_is_answered_with_what_is_then_read(api):
    for xp in (250, 500):
        answer = api.put(f"{URL}imperium", {"xp": xp}, format="json").json()
        assert api.get(f"{URL}imperium").json()["metrics"] == answer["metrics"]


def test_learning_is_answered_with_what_it_changed(api):
    body = {
        "learning_score": 12.5,
        "learning_cycles": 3,
        "xp_awarded": 300,
        "success_rate": 0.8,
        "learning_patterns": ["Cites its sources"],
    }
    response = api.post(f"{URL}imperium/learning", body, format="json")
    assert response.json() == {
        "status": "success",
        "agent_type": "imperium",
        "message": "Learning metrics updated successfully",
        "updated_learning_metrics": {
            "learning_score": 12.5,
            "success_rate": 0.8,
            "failure_rate": 0.2,
            "total_learning_cycles": 3,
            "xp": 300,
            "level": 2,
            "prestige": 0,
        },
    }
    assert AgentMetrics.objects.get().learning_patterns == ["Cites its sources"]


def test_a_failure_rate_alone_settles_the_success_rate(api):
    response = api.post(f"{URL}imperium/learning", {"failure_rate": 0.3}, format="json")
    found = response.json()["updated_learning_metrics"]
    assert set(found) == set(AFTER_LEARNING)
    assert (found["success_rate"], found["failure_rate"]) == (0.7, 0.3)


def test_a_bulk_update_names_what_it_created_and_what_was_there(api, four):
    body = {"updates": {"sandbox": {"xp": 1000}, "newcomer": {"priority": "high"}}}
    response = api.post(f"{URL}bulk-update", body, format="json")
    assert response.status_code == 200
    assert response.json() == {
        "status": "success",
        "message": "Bulk update completed for 2 agents",
        "updated": ["sandbox"],
        "created": ["newcomer"],
    }


def test_a_bulk_update_is_all_or_nothing_and_names_every_fault(api, four):
    body = {
        "updates": {
            "sandbox": {"xp": 1000},
            "guardian": {"xp": -1, "nonsense": 1},
            "A/B": {},
        }
    }
    response = api.post(f"{URL}bulk-update", body, format="json")
    assert response.status_code == 400
    assert [error["pointer"] for error in response.json()["errors"]] == [
        "/updates/guardian/xp",
        "/updates/guardian/nonsense",
        "/updates/A~1B",
    ]
    assert AgentMetrics.objects.get(agent_type="sandbox").xp == 500


def test_counts_that_do_not_add_up_name_their_agent_type(api, four):
    body = {"updates": {"imperium": {"xp": 1}, "sandbox": {"total_tests_failed": 99}}}
    response = api.post(f"{URL}bulk-update", body, format="json")
    assert response.status_code == 400
    pointer = response.json()["errors"][0]["pointer"]
    assert pointer == "/updates/sandbox/total_tests_given"
    assert AgentMetrics.objects.get(agent_type="imperium").xp == 500


def test_a_reset_takes_metrics_back_and_keeps_the_rest(api, four):
    api.put(f"{URL}imperium", {"config": {"a": 1}, "status": "paused"}, format="json")
    api.post(f"{URL}imperium/custody-test", TEST, format="json")
    response = api.delete(f"{URL}imperium/reset")
    assert response.status_code == 200
    assert response.json() == {
        "status": "success",
        "agent_type": "imperium",
        "message": "Agent metrics reset successfully",
    }
    metrics = api.get(f"{URL}imperium").json()["metrics"]
    assert (metrics["xp"], metrics["level"], metrics["test_history"]) == (0, 1, [])
    assert (metrics["last_test_date"], metrics["status"]) == (None, "idle")
    assert metrics["config"] == {"a": 1}


def test_resetting_an_unknown_agent_type_is_not_found(api):
    assert api.delete(f"{URL}nobody/reset").status_code == 404
    assert not AgentMetrics.objects.exists()


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("get", "", None),
        ("get", "imperium", None),
        ("get", "imperium/custody", None),
        ("put", "imperium", {"xp": 1}),
        ("post", "imperium/custody-test", TEST),
        ("post", "imperium/learning", {"learning_score": 1}),
        ("post", "bulk-update", {"updates": {"imperium": {"xp": 1}}}),
        ("delete", "imperium/reset", None),
        ("get", "analytics/summary", None),
        ("get", "leaderboard", None),
    ],
)
def test_every_path_answers_with_and_without_its_last_slash(
    api, four, method, path, body
):
    for slash in ("", "/"):
        address = f"{URL}{path}".rstrip("/") + slash
        response = getattr(api, method)(address, body, format="json")
        assert response.status_code == 200, address


def test_the_former_address_of_the_analytics_leads_to_the_summary(api):
    response = api.get("/api/custody/analytics?organization_id=1")
    assert response.status_code == 308
    target = "/api/agent-metrics/analytics/summary?organization_id=1"
    assert response["Location"] == target
    assert api.get("/api/custody/analytics", follow=True).json()["status"] == "success"


# --- the record of it ---------------------------------------------------------------
def test_results_are_their_own_record(api, harbor):
    api.post(f"{URL}guardian/custody-test", TEST, format="json")
    api.post(f"{URL}guardian/learning", {"learning_score": 1}, format="json")
    assert MetricEvent.objects.count() == 2
    assert not AuditLog.objects.filter(resource_type="agent_metrics").exists()


def audit_row():
    return AuditLog.objects.get(resource_type="agent_metrics")


def test_a_put_is_in_the_audit_log_with_what_it_changed(api, ada):
    api.put(f"{URL}imperium", {"xp": 500}, format="json")
    row = audit_row()
    assert (row.action, row.resource_id) == ("CREATE", "imperium")
    assert row.user_id == ada.user.pk
    assert row.detail.changes == {
        "xp": {"old": 0, "new": 500},
        "level": {"old": 1, "new": 3},
    }


def test_a_bulk_update_is_one_row_of_the_audit_log(api):
    updates = {"imperium": {"xp": 1}, "guardian": {"xp": 2}}
    api.post(f"{URL}bulk-update", {"updates": updates}, format="json")
    row = audit_row()
    assert row.detail.metadata == {"operation": "bulk_update"}
    assert row.detail.changes == {
        "guardian": {"xp": {"old": 0, "new": 2}},
        "imperium": {"xp": {"old": 0, "new": 1}},
    }


def test_a_reset_leaves_the_old_values_in_the_audit_log(api, four):
    api.delete(f"{URL}guardian/reset")
    row = AuditLog.objects.filter(resource_type="agent_metrics").latest("sequence")
    assert row.detail.metadata == {"operation": "reset"}
    assert row.detail.changes["xp"] == {"old": 725, "new": 0}
    assert "config" not in row.detail.changes


def test_a_refused_put_is_in_neither_record(api, four):
    events, rows = MetricEvent.objects.count(), AuditLog.objects.count()
    api.put(f"{URL}imperium", {"total_tests_given": 99}, format="json")
    assert (MetricEvent.objects.count(), AuditLog.objects.count()) == (events, rows)


# --- repeated requests --------------------------------------------------------------
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("post", "guardian/custody-test", {"passed": True, "score": 95}),
        ("post", "guardian/learning", {"learning_score": 1, "xp_awarded": 5}),
        ("put", "guardian", {"xp": 5}),
        ("post", "bulk-update", {"updates": {"guardian": {"xp": 9}, "b": {"xp": 8}}}),
        ("delete", "guardian/reset", None),
    ],
)
def test_a_repeated_key_is_answered_the_same_and_counts_once(
    api, four, method, path, body
):
    def send():
        headers = {"Idempotency-Key": "once"}
        return getattr(api, method)(URL + path, body, format="json", headers=headers)

    first = send()
    api.post(f"{URL}guardian/custody-test", TEST, format="json")
    events, rows = MetricEvent.objects.count(), AuditLog.objects.count()
    second = send()
    assert second.status_code == 200
    assert second.content == first.content
    assert "Idempotency-Replayed" not in first
    assert second["Idempotency-Replayed"] == "true"
    assert (MetricEvent.objects.count(), AuditLog.objects.count()) == (events, rows)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("guardian/custody-test", TEST | {"score": 94}),
        ("sandbox/custody-test", TEST),
        ("guardian/learning", {"learning_score": 1}),
    ],
)
def test_a_key_used_for_another_request_is_refused(api, path, body):
    headers = {"Idempotency-Key": "once"}
    api.post(f"{URL}guardian/custody-test", TEST, format="json", headers=headers)
    response = api.post(URL + path, body, format="json", headers=headers)
    assert response.status_code == 422
    assert response.json()["code"] == "idempotency_key_reused"
    assert MetricEvent.objects.count() == 1


def test_a_refused_request_leaves_its_key_free(api):
    headers = {"Idempotency-Key": "once"}
    path = f"{URL}guardian/custody-test"
    assert api.post(path, {}, format="json", headers=headers).status_code == 400
    assert api.post(path, TEST, format="json", headers=headers).status_code == 200
