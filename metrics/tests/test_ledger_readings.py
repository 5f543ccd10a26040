"""Histories, curves and files, as the ledger has them."""

import csv
import io
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from metrics import exports, trends
from metrics.models import MetricEvent
from metrics.scores import as_json
from metrics.services import AgentMetricsService
from metrics.tests.factories import AgentMetricsFactory

pytestmark = pytest.mark.django_db
URL = "/api/agent-metrics/"


@pytest.fixture
def service(harbor):
    return AgentMetricsService(harbor)


def give_test(service, passed=True, days_ago=0, agent_type="guardian", **fields):
    moment = timezone.now() - timedelta(days=days_ago)
    service.update_custody_test_result(
        agent_type,
        {"passed": passed, "score": 50, "timestamp": as_json(moment)} | fields,
    )


# --- history ----------------------------------------------------------------------
def sequences(response):
    return [row["sequence"] for row in response.json()["results"]]


def test_the_history_is_the_ledger_newest_first(api, service):
    service.put("guardian", {"xp": 250})
    give_test(service, duration=7)
    service.update_learning_metrics("guardian", {"learning_score": 2})
    service.reset_agent_metrics("guardian")
    body = api.get(f"{URL}guardian/history").json()
    assert body["count"] == 4
    kinds = [row["kind"] for row in body["results"]]
    assert kinds == ["reset", "learning", "custody_test", "put"]
    assert [row["xp_change"] for row in body["results"]] == [-275, 0, 25, 250]
    test = body["results"][2]
    assert (test["passed"], test["score"], test["difficulty"]) == (True, 50.0, "basic")
    assert test["payload"]["duration"] == 7
    assert test["source"] == "api"


def test_a_cursor_walks_the_whole_history_once(api, service):
    for _ in range(7):
        give_test(service)
    found, url = [], f"{URL}guardian/history?limit=3"
    while url:
        response = api.get(url)
        found += sequences(response)
        url = response.json()["next"]
    assert found == [7, 6, 5, 4, 3, 2, 1]


def test_new_events_do_not_shift_the_next_page(api, service):
    for _ in range(4):
        give_test(service)
    first = api.get(f"{URL}guardian/history?limit=2").json()
    give_test(service)
    assert sequences(api.get(first["next"])) == [2, 1]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"kind": "learning"}, [3]),
        ({"passed": "false"}, [2]),
        ({"source": "custody_run"}, []),
        ({"source": "api"}, [3, 2, 1]),
    ],
)
def test_the_history_is_filtered(api, service, query, expected):
    give_test(service)
    give_test(service, passed=False)
    service.update_learning_metrics("guardian", {"learning_score": 2})
    assert sequences(api.get(f"{URL}guardian/history", query)) == expected


def test_the_history_can_be_cut_by_time(api, service):
    give_test(service, days_ago=9)
    give_test(service, days_ago=1)
    week = (timezone.now() - timedelta(days=7)).isoformat()
    path = f"{URL}guardian/history"
    assert sequences(api.get(path, {"occurred_after": week})) == [2]
    assert sequences(api.get(path, {"occurred_before": week})) == [1]


@pytest.mark.parametrize("how_many", [1, 100])
def test_the_history_costs_three_queries_however_long(api, service, how_many):
    for _ in range(how_many):
        give_test(service)
    api.get(URL)
    with CaptureQueriesContext(connection) as queries:
        response = api.get(f"{URL}guardian/history?limit=100")
    assert len(sequences(response)) == how_many
    assert len(queries) == 3  # the key, the row, the page


# --- curves -----------------------------------------------------------------------
def test_a_curve_has_every_day_also_the_empty_ones(api, service):
    give_test(service, days_ago=2)
    give_test(service, passed=False, days_ago=2)
    give_test(service, xp_awarded=100)
    give_test(service, days_ago=40)
    body = api.get(f"{URL}guardian/series?days=7").json()
    assert (body["interval"], body["agent_type"]) == ("day", "guardian")
    points = body["points"]
    today = timezone.now().date()
    assert [point["start"] for point in points] == [
        (today - timedelta(days=6 - n)).isoformat() for n in range(7)
    ]
    assert [point["tests"] for point in points] == [0, 0, 0, 0, 2, 0, 1]
    assert points[4] | {"start": ""} == {
        "start": "",
        "tests": 2,
        "passed": 1,
        "failed": 1,
        "pass_rate": 0.5,
        "xp": 25,
    }
    assert points[3]["pass_rate"] is None
    assert points[6]["xp"] == 100


def test_weeks_begin_on_monday(api, service):
    give_test(service)
    points = api.get(f"{URL}guardian/series?interval=week&days=28").json()["points"]
    starts = [timezone.datetime.fromisoformat(point["start"]) for point in points]
    assert {start.weekday() for start in starts} == {0}
    assert len(points) in (4, 5)
    assert points[-1]["tests"] == 1


def test_all_agent_types_have_a_curve_together(api, service):
    give_test(service)
    give_test(service, agent_type="imperium")
    body = api.get(f"{URL}analytics/series?days=1").json()
    assert body["agent_type"] is None
    assert [point["tests"] for point in body["points"]] == [2]


def test_points_run_up_to_where_they_are_now():
    days = [trends.Point(start=None, xp=xp) for xp in (5, 10, 0, 20)]
    assert trends.running_xp(days, 100) == [70, 80, 80, 100]


# --- files ------------------------------------------------------------------------
def rows_of(response):
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"].startswith("attachment; filename=")
    return list(csv.DictReader(io.StringIO(response.getvalue().decode())))


def test_the_scoreboards_are_a_file(api, service):
    service.put_many({"guardian": {"xp": 250}, "imperium": {"status": "paused"}})
    rows = rows_of(api.get(f"{URL}analytics/export", headers={"Accept": "text/csv"}))
    assert [row["agent_type"] for row in rows] == ["guardian", "imperium"]
    assert (rows[0]["level"], rows[0]["is_active"]) == ("2", "true")
    filtered = api.get(f"{URL}analytics/export?status=paused")
    assert [row["agent_type"] for row in rows_of(filtered)] == ["imperium"]


def test_a_ledger_is_a_file_read_in_pieces(api, service, monkeypatch):
    monkeypatch.setattr(exports, "CHUNK", 2)
    for number in range(5):
        give_test(service, duration=number)
    rows = rows_of(api.get(f"{URL}guardian/history/export"))
    assert [row["duration"] for row in rows] == ["0", "1", "2", "3", "4"]
    assert [row["sequence"] for row in rows] == ["1", "2", "3", "4", "5"]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "\x00"])
def test_no_cell_is_taken_for_a_formula(start):
    assert exports.cell(f"{start}1+1") == f"'{start}1+1"


def test_a_formula_in_an_agents_id_stays_a_text(api, harbor):
    AgentMetricsFactory(organization=harbor, agent_type="guardian")
    harbor.agent_metrics.update(agent_id="=HYPERLINK(1)")
    (row,) = rows_of(api.get(f"{URL}analytics/export"))
    assert row["agent_id"] == "'=HYPERLINK(1)"


def test_events_show_the_moment_they_are_about(service):
    give_test(service, timestamp="2025-01-25T10:00:00+02:00")
    event = MetricEvent.objects.get()
    assert event.occurred_at.isoformat() == "2025-01-25T08:00:00+00:00"
    assert event.payload["timestamp"] == "2025-01-25T08:00:00Z"
