"""What is refused: bad input with pointers, strangers, keys without the right."""

import pytest

from accounts.models import APIKey, AuditLog
from accounts.tests.factories import MembershipFactory
from conftest import client_with_key
from metrics.models import AgentMetrics, MetricEvent
from metrics.services import AgentMetricsService
from metrics.tests.factories import AgentMetricsFactory

URL = "/api/agent-metrics/"
TEST = {"passed": True, "score": 95}
READS = [
    "",
    "imperium",
    "imperium/custody",
    "imperium/history",
    "imperium/history/export",
    "imperium/series",
    "analytics/summary",
    "analytics/series",
    "analytics/export",
    "leaderboard",
]
WRITES = [
    ("put", "imperium", {"xp": 1}),
    ("post", "imperium/custody-test", TEST),
    ("post", "imperium/learning", {"learning_score": 1}),
    ("post", "bulk-update", {"updates": {"imperium": {"xp": 1}}}),
    ("delete", "imperium/reset", None),
]


@pytest.fixture
def imperium(harbor):
    return AgentMetricsFactory(organization=harbor, agent_type="imperium", xp=500)


def send(client, method, path, body):
    return getattr(client, method)(URL + path, body, format="json")


# --- bodies -------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"score": 95}, "/passed"),
        ({"passed": True}, "/score"),
        (TEST | {"passed": "true"}, "/passed"),
        (TEST | {"passed": 1}, "/passed"),
        (TEST | {"passed": None}, "/passed"),
        (TEST | {"score": 101}, "/score"),
        (TEST | {"score": -1}, "/score"),
        (TEST | {"score": "95"}, "/score"),
        (TEST | {"score": True}, "/score"),
        (TEST | {"score": 10**400}, "/score"),
        (TEST | {"duration": -1}, "/duration"),
        (TEST | {"duration": 1e300}, "/duration"),
        (TEST | {"timestamp": "yesterday"}, "/timestamp"),
        (TEST | {"timestamp": "2999-01-01T00:00:00Z"}, "/timestamp"),
        (TEST | {"timestamp": "2025-13-01T00:00:00Z"}, "/timestamp"),
        (TEST | {"timestamp": "0001-01-01T00:00:00+23:59"}, "/timestamp"),
        (TEST | {"timestamp": 1_700_000_000}, "/timestamp"),
        (TEST | {"xp_awarded": 10_001}, "/xp_awarded"),
        (TEST | {"xp_awarded": -1}, "/xp_awarded"),
        (TEST | {"xp_awarded": 2.5}, "/xp_awarded"),
        (TEST | {"xp_awarded": None}, "/xp_awarded"),
        (TEST | {"is_winner": "yes"}, "/is_winner"),
        (TEST | {"surprise": 1}, "/surprise"),
        (TEST | {"a/b": 1}, "/a~1b"),
        ([TEST], ""),
    ],
)
def test_a_bad_test_result_is_refused_and_nothing_written(api, body, pointer):
    response = send(api, "post", "guardian/custody-test", body)
    assert response.status_code == 400
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["errors"][0]["pointer"] == pointer
    assert not AgentMetrics.objects.exists()


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, ""),
        ({"learning_score": -1}, "/learning_score"),
        ({"learning_score": 1e300}, "/learning_score"),
        ({"learning_cycles": -1}, "/learning_cycles"),
        ({"xp_awarded": 2**31}, "/xp_awarded"),
        ({"success_rate": 1.1}, "/success_rate"),
        ({"success_rate": 0.7, "failure_rate": 0.4}, ""),
        ({"learning_patterns": "one"}, "/learning_patterns"),
        ({"learning_patterns": ["x" * 5000]}, "/learning_patterns/0"),
        ({"pass_rate": 1}, "/pass_rate"),
    ],
)
def test_bad_learning_is_refused(api, body, pointer):
    response = send(api, "post", "guardian/learning", body)
    assert response.status_code == 400
    assert response.json()["errors"][0]["pointer"] == pointer
    assert not AgentMetrics.objects.exists()


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"xp": 2**31}, "/xp"),
        ({"xp": 10**30}, "/xp"),
        ({"xp": True}, "/xp"),
        ({"level": 0}, "/level"),
        ({"pass_rate": 2}, "/pass_rate"),
        ({"status": "asleep"}, "/status"),
        ({"priority": None}, "/priority"),
        ({"current_difficulty": "hard"}, "/current_difficulty"),
        ({"is_active": "no"}, "/is_active"),
        ({"test_history": [{"score": 5}]}, "/test_history/0/passed"),
        ({"test_history": {}}, "/test_history"),
        ({"config": {"a": "x" * 40_000}}, "/config"),
        ({"last_test_date": "soon"}, "/last_test_date"),
        ({"total_tests_given": 3}, "/total_tests_given"),
        (
            {"total_tests_given": 1, "total_tests_passed": 2},
            "/total_tests_given",
        ),
        ({"nonsense": 1}, "/nonsense"),
    ],
)
def test_a_bad_put_is_refused(api, body, pointer):
    response = send(api, "put", "guardian", body)
    assert response.status_code == 400
    assert response.json()["errors"][0]["pointer"] == pointer
    assert not AgentMetrics.objects.exists()


@pytest.mark.parametrize(
    "name", ["id", "agent_id", "agent_type", "created_at", "updated_at"]
)
def test_what_can_only_be_read_is_refused_as_such(api, name):
    response = send(api, "put", "guardian", {name: "x"})
    assert response.json()["errors"] == [
        {
            "pointer": f"/{name}",
            "code": "read_only",
            "detail": "This field cannot be written.",
        }
    ]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/updates"),
        ([], ""),
        ({"updates": {}}, "/updates"),
        ({"updates": []}, "/updates"),
        ({"updates": {f"a{n}": {} for n in range(101)}}, "/updates"),
        ({"updates": {"a": []}}, "/updates/a"),
        ({"updates": {"analytics": {}}}, "/updates/analytics"),
        ({"updates": {"a": {}, "A": {}}}, "/updates/A"),
        ({"updates": {"a": {}}, "more": 1}, "/more"),
    ],
)
def test_a_bad_bulk_update_is_refused(api, body, pointer):
    response = send(api, "post", "bulk-update", body)
    assert response.status_code == 400
    assert response.json()["errors"][0]["pointer"] == pointer
    assert not AgentMetrics.objects.exists()


def test_points_beyond_the_column_are_a_refusal_not_an_error(api, harbor):
    AgentMetricsFactory(organization=harbor, agent_type="guardian", xp=2**31 - 1)
    test = send(api, "post", "guardian/custody-test", TEST)
    lesson = send(api, "post", "guardian/learning", {"xp_awarded": 1})
    assert [test.status_code, lesson.status_code] == [400, 400]
    assert test.json()["errors"][0]["pointer"] == "/xp_awarded"
    assert MetricEvent.objects.count() == 1


def test_sums_of_the_largest_values_are_shown(api, harbor):
    for number in range(3):
        AgentMetricsFactory(
            organization=harbor,
            agent_type=f"a{number}",
            xp=2**31 - 1,
            learning_score=1e12,
        )
    summary = api.get(URL).json()["summary"]
    assert summary["total_xp"] == 3 * (2**31 - 1)
    assert api.get(f"{URL}analytics/summary").status_code == 200


@pytest.mark.parametrize(
    ("path", "pointer"),
    [
        ("?status=asleep", "/status"),
        ("?priority=none", "/priority"),
        ("?difficulty=hard", "/difficulty"),
        ("?is_active=perhaps", "/is_active"),
        ("?surprise=1", "/surprise"),
        ("leaderboard?ordering=secret", "/ordering"),
        ("leaderboard?limit=x", "/limit"),
        ("leaderboard?offset=10001", "/offset"),
        ("leaderboard?cursor=forged", "/cursor"),
        ("imperium/history?cursor=forged", "/cursor"),
        ("imperium/history?limit=0", "/limit"),
        ("imperium/history?offset=5", "/offset"),
        ("imperium/history?ordering=-score", "/ordering"),
        ("imperium/history?kind=magic", "/kind"),
        ("imperium/history?occurred_after=never", "/occurred_after"),
        ("imperium/series?interval=hour", "/interval"),
        ("imperium/series?days=0", "/days"),
        ("imperium/series?days=0000000000000000001999", "/days"),
        ("analytics/series?days=999999999999999999999", "/days"),
        ("analytics/series?surprise=1", "/surprise"),
        ("analytics/summary?limit=5", "/limit"),
        ("analytics/export?status=asleep", "/status"),
    ],
)
def test_wrong_parameters_are_refused(api, imperium, path, pointer):
    response = api.get(URL + path)
    assert response.status_code == 400
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "analytics"),
        ("put", "analytics"),
        ("post", "leaderboard/custody-test"),
        ("get", "LEADERBOARD/custody"),
        ("get", "-imperium"),
        ("get", "imp%20erium"),
        ("get", "\u0661"),
        ("get", "x" * 51),
    ],
)
def test_what_is_no_agent_type_is_not_found(api, method, path):
    assert send(api, method, path, {} if method != "get" else None).status_code == 404


def test_capitals_in_the_address_mean_the_same_agent_type(api, imperium):
    assert api.get(f"{URL}Imperium").json()["agent_type"] == "imperium"


# --- who may ------------------------------------------------------------------------
@pytest.mark.parametrize("path", READS)
def test_nobody_reads_without_a_credential(client, path):
    response = client.get(URL + path)
    assert response.status_code == 401
    assert response["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
def test_nobody_writes_without_a_credential(client, method, path, body):
    response = getattr(client, method)(
        URL + path, body, content_type="application/json"
    )
    assert response.status_code == 401


@pytest.mark.parametrize("path", [path for path in READS if "imperium" in path])
def test_a_stranger_does_not_see_that_it_exists(stranger_api, imperium, path):
    response = stranger_api.get(URL + path)
    assert response.status_code == 404


@pytest.mark.parametrize("path", [path for path in READS if "imperium" not in path])
def test_a_stranger_sees_none_of_it(stranger_api, imperium, path):
    response = stranger_api.get(URL + path)
    text = response.getvalue().decode()
    assert response.status_code == 200
    assert "imperium" not in text


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
def test_a_stranger_changes_nothing(stranger_api, imperium, method, path, body):
    send(stranger_api, method, path, body)
    imperium.refresh_from_db()
    assert (imperium.xp, imperium.events) == (500, 1)


def test_a_foreign_organization_is_not_found(stranger_api, imperium, harbor):
    path = f"{URL}imperium?organization_id={harbor.pk}"
    assert stranger_api.get(path).status_code == 404


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
def test_a_viewer_only_reads(viewer_api, imperium, method, path, body):
    assert send(viewer_api, method, path, body).status_code == 403
    assert viewer_api.get(f"{URL}imperium").status_code == 200


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
def test_a_key_that_may_read_does_not_write(ada, imperium, method, path, body):
    client = client_with_key(ada, scopes=["metrics:read"])
    assert send(client, method, path, body).status_code == 403
    assert client.get(URL).status_code == 200


@pytest.mark.parametrize("path", READS)
def test_a_key_without_the_scope_reads_nothing(ada, imperium, path):
    client = client_with_key(ada, scopes=["agents:read", "metrics:write"])
    assert client.get(URL + path).status_code == 403


def test_who_belongs_to_several_organizations_says_which(browser_of, ada, imperium):
    other = MembershipFactory(user=ada.user)
    browser = browser_of(ada)
    assert browser.get(URL).status_code == 400
    mine = browser.get(URL, {"organization_id": ada.organization_id}).json()
    theirs = browser.get(URL, {"organization_id": other.organization_id}).json()
    assert (mine["agents"], theirs["agents"]) == (["imperium"], [])


def test_a_browser_needs_a_csrf_token_to_write(ada, imperium):
    from rest_framework.test import APIClient

    browser = APIClient(enforce_csrf_checks=True)
    browser.force_login(ada.user)
    assert send(browser, "delete", "imperium/reset", None).status_code == 403


# --- keys of one agent ---------------------------------------------------------------
@pytest.fixture
def bound(ada, harbor):
    """A key bound to one of two agents, and the bound agent's type."""
    from uuid import uuid4

    public_id = uuid4()
    AgentMetrics.objects.open(harbor, {"mine": str(public_id), "other": str(uuid4())})
    service = AgentMetricsService(harbor)
    for name in ("mine", "other"):
        service.update_custody_test_result(name, TEST)
    client = client_with_key(ada)
    # By hand: there is no agent of that id here.
    APIKey.objects.update(agent_public_id=public_id)
    return client


def test_a_bound_key_sees_its_own_agent_only(bound):
    assert bound.get(URL).json()["agents"] == ["mine"]
    assert bound.get(f"{URL}mine").status_code == 200
    assert bound.get(f"{URL}other").status_code == 404
    assert bound.get(f"{URL}other/history").status_code == 404
    summary = bound.get(f"{URL}analytics/summary").json()
    assert summary["summary"]["total_tests_given"] == 1
    assert [row["agent_type"] for row in summary["recent_tests"]] == ["mine"]
    points = bound.get(f"{URL}analytics/series").json()["points"]
    assert sum(point["tests"] for point in points) == 1


@pytest.mark.parametrize("agent_type", ["other", "newcomer"])
def test_a_bound_key_writes_to_its_own_agent_only(bound, agent_type):
    assert send(bound, "post", "mine/custody-test", TEST).status_code == 200
    events = MetricEvent.objects.count()
    for method, path, body in [
        ("post", f"{agent_type}/custody-test", TEST),
        ("put", agent_type, {"xp": 1}),
        ("post", "bulk-update", {"updates": {"mine": {}, agent_type: {}}}),
        ("delete", f"{agent_type}/reset", None),
    ]:
        assert send(bound, method, path, body).status_code == 404
    assert MetricEvent.objects.count() == events
    assert not AgentMetrics.objects.filter(agent_type="newcomer").exists()
    assert not AuditLog.objects.filter(resource_type="agent_metrics").exists()
