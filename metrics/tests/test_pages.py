"""The pages of metrics: what they show, whom they refuse, what counts once."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models.audit import AuditLog
from metrics.demo import load_history
from metrics.models import AgentMetrics, MetricEvent
from metrics.services import AgentMetricsService

OVERVIEW = "/metrics/"
BOARD = "/metrics/guardian/"
RECORD = "/metrics/guardian/record/"
RESET = "/metrics/guardian/reset/"
RESULT = {"outcome": "passed", "score": "88", "duration": "12", "idempotency_key": "a"}


@pytest.fixture
def service(harbor):
    return AgentMetricsService(harbor)


@pytest.fixture
def guardian(service):
    """A scoreboard with three tests and a lesson."""
    for passed in (True, True, False):
        service.record_custody_test("guardian", {"passed": passed, "score": 50})
    lesson = {"learning_patterns": ["Cites"], "improvement_suggestions": ["Shorter"]}
    service.record_learning("guardian", lesson)
    return service.board("guardian")


@pytest.fixture
def browser(browser_of, ada):
    return browser_of(ada)


def text_of(answer):
    return answer.content.decode()


def given():
    return AgentMetrics.objects.get(agent_type="guardian").total_tests_given


# --- the overview -----------------------------------------------------------------
def test_an_empty_overview_teaches_the_first_step(browser):
    page = text_of(browser.get(OVERVIEW))
    assert "No agent keeps score yet" in page
    assert reverse("agents:create") in page


def test_the_overview_shows_sums_curves_and_who_needs_a_look(browser, guardian):
    answer = browser.get(OVERVIEW)
    page = text_of(answer)
    assert "2 of 3 tests passed" in page
    assert "guardian passes less than 85 % of its tests" in page
    assert page.count("data-chart") == 3
    tests, rate, _ = answer.context["curves"]
    assert [line.numbers[-1] for line in tests.lines] == [2, 1]
    assert rate.lines[0].numbers[-1] == 66.7
    assert rate.lines[0].data.startswith(",,")


def test_the_leaderboard_is_filtered_and_ordered(browser, service):
    service.put("slow", {"xp": 100, "priority": "high"})
    service.put("fast", {"xp": 900})
    service.put("third", {"xp": 500, "priority": "high"})

    def names(query):
        leaders = browser.get(OVERVIEW, query).context["leaders"]
        return [line.board.agent_type for line in leaders]

    assert names({}) == ["fast", "third", "slow"]
    assert names({"ordering": "agent_type"}) == ["fast", "slow", "third"]
    assert names({"priority": "high"}) == ["third", "slow"]
    assert names({"search": "SLO"}) == ["slow"]
    page = text_of(browser.get(OVERVIEW, {"search": "nobody"}))
    assert "Nothing matches" in page


def test_places_go_on_over_the_pages(browser, service):
    service.put_many({f"agent-{n}": {"xp": n} for n in range(30)})
    page = browser.get(OVERVIEW, {"page": 2})
    assert [line.place for line in page.context["leaders"]] == [26, 27, 28, 29, 30]


@pytest.mark.parametrize(
    "query",
    [
        {"status": "no such"},
        {"ordering": "-no_such"},
        {"search": "a\x00"},
        {"days": "9" * 99, "interval": "year", "page": "x"},
    ],
)
def test_a_filter_nobody_knows_is_left_out(browser, guardian, query):
    answer = browser.get(OVERVIEW, query)
    assert answer.status_code == 200
    assert len(answer.context["leaders"]) == 1
    assert ("could not be read" in text_of(answer)) == ("page" not in query)


def test_weeks_are_drawn_seven_days_apart(browser, guardian):
    answer = browser.get(OVERVIEW, {"interval": "week", "days": "28"})
    page = text_of(answer)
    assert 'data-step="7"' in page
    assert "Custody tests a week" in page
    assert answer.context["curves"][0].starts[0].weekday() == 0


@pytest.mark.parametrize("how_many", [1, 20])
def test_the_overview_costs_the_same_however_many(browser, service, how_many):
    for n in range(how_many):
        service.record_custody_test(f"agent-{n}", {"passed": False, "score": 1})
    browser.get(OVERVIEW)
    with CaptureQueriesContext(connection) as queries:
        browser.get(OVERVIEW)
    # session, user, memberships; sums, curve, attention, latest; leaders
    assert len(queries) == 8, [query["sql"][:90] for query in queries]


# --- one agent type -----------------------------------------------------------------
def test_a_page_shows_level_results_and_lessons(browser, guardian):
    answer = browser.get(BOARD)
    page = text_of(answer)
    for text in ("50 of 250 XP", "2 of 3", "Cites", "Shorter", "longest: 2 passed"):
        assert text in page
    assert len(answer.context["sheet"].results) == 3
    assert answer.context["curves"][0].lines[0].numbers[-1] == 50


def test_a_page_without_a_test_teaches_to_record_one(browser, service):
    service.put("guardian", {"status": "idle"})
    page = text_of(browser.get(BOARD))
    assert "Record the first result" in page
    assert "data-chart" not in page


def test_repeated_lessons_are_counted_newest_first(browser, service):
    for pattern in ("Cites", "Asks", "Cites", {"rule": "<b>"}):
        service.record_learning("guardian", {"learning_patterns": [pattern]})
    answer = browser.get(BOARD)
    found = answer.context["patterns"]
    assert found == [('{"rule": "<b>"}', 1), ("Cites", 2), ("Asks", 1)]
    assert "<b>&quot;" not in text_of(answer)
    assert "&lt;b&gt;" in text_of(answer)


@pytest.mark.parametrize("how_many", [1, 20])
def test_a_page_costs_the_same_however_long_its_past(browser, service, how_many):
    for _ in range(how_many):
        service.record_custody_test("guardian", {"passed": True, "score": 90})
    browser.get(BOARD)
    with CaptureQueriesContext(connection) as queries:
        browser.get(BOARD)
    # session, user, memberships; row, curve, twice the last reset, difficulties,
    # streaks, badge, results
    assert len(queries) == 11, [query["sql"][:90] for query in queries]


def test_history_of_eight_weeks_is_drawn(browser, harbor):
    load_history(harbor)
    answer = browser.get("/metrics/imperium/")
    curve = answer.context["curves"][0].lines[0].numbers
    board = AgentMetrics.objects.get(agent_type="imperium")
    assert curve == sorted(curve)
    assert curve[-1] == board.xp > curve[0]


# --- recording ------------------------------------------------------------------------
def test_a_result_is_recorded_by_hand(browser, guardian):
    answer = browser.post(RECORD, RESULT, follow=True)
    assert "The result is recorded." in text_of(answer)
    event = MetricEvent.objects.order_by("-sequence").first()
    assert (event.passed, event.score, event.source) == (True, 88, "dashboard")
    assert event.xp_change == 25
    assert event.payload["duration"] == 12


def test_a_double_submit_counts_once(browser, guardian):
    browser.post(RECORD, RESULT)
    page = text_of(browser.post(RECORD, RESULT, follow=True))
    assert "already recorded" in page
    assert given() == 4


def test_every_form_has_a_key_of_its_own(browser, guardian):
    keys = {
        str(browser.get(RECORD).context["form"]["idempotency_key"].value())
        for _ in range(2)
    }
    assert len(keys) == 2


def test_a_key_that_was_used_for_another_result_is_refused(browser, guardian):
    browser.post(RECORD, RESULT)
    answer = browser.post(RECORD, RESULT | {"score": "3"})
    assert answer.status_code == 422
    assert "first used with another" in text_of(answer)
    assert given() == 4


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"score": "101"}, "less than or equal to 100"),
        ({"score": "nan"}, "Enter a number."),
        ({"outcome": "maybe"}, "Select a valid choice"),
        ({"duration": "-1"}, "greater than or equal to 0"),
        ({"idempotency_key": ""}, "needs another look"),
    ],
)
def test_a_wrong_answer_is_said_at_its_field(browser, guardian, wrong, words):
    answer = browser.post(RECORD, RESULT | wrong)
    assert answer.status_code == 422
    assert words in text_of(answer)
    assert given() == 3


# --- starting again -------------------------------------------------------------------
def test_a_reset_is_confirmed_first(browser, guardian):
    page = text_of(browser.get(RESET))
    assert "2 of 3 passed" in page
    assert given() == 3


def test_a_reset_takes_everything_back_and_is_audited(browser, guardian, ada):
    browser.post(RESET, {"idempotency_key": "b"})
    assert given() == 0
    entry = AuditLog.objects.filter(resource_id="guardian").latest("timestamp")
    assert entry.user_id == ada.user_id
    assert entry.detail.metadata["operation"] == "reset"


def test_a_reset_sent_twice_happens_once(browser, guardian):
    browser.post(RESET, {"idempotency_key": "b"})
    browser.post(RECORD, RESULT)
    browser.post(RESET, {"idempotency_key": "b"})
    assert given() == 1


# --- files ----------------------------------------------------------------------------
def test_scoreboards_and_a_ledger_are_exported(browser, guardian):
    def lines(path):
        answer = browser.get(path)
        assert answer["Content-Type"].startswith("text/csv")
        return b"".join(answer.streaming_content).decode().splitlines()

    assert lines("/metrics/scoreboards.csv")[1].startswith("guardian,")
    assert len(lines("/metrics/guardian/ledger.csv")) == 5


# --- who may --------------------------------------------------------------------------
@pytest.mark.parametrize("path", [OVERVIEW, BOARD, RECORD, RESET])
def test_a_page_needs_somebody_signed_in(client, guardian, path):
    assert "login" in client.get(path)["Location"]


@pytest.mark.parametrize("path", [BOARD, RECORD, RESET, f"{BOARD}ledger.csv"])
def test_a_stranger_is_refused(browser_of, cy, guardian, path):
    stranger = browser_of(cy)
    assert stranger.get(path).status_code == 404


def test_a_stranger_moves_and_sees_nothing(browser_of, cy, guardian):
    stranger = browser_of(cy)
    assert stranger.post(RECORD, RESULT).status_code == 404
    assert stranger.post(RESET, {"idempotency_key": "b"}).status_code == 404
    assert given() == 3
    assert "guardian" not in text_of(stranger.get(OVERVIEW))
    file = b"".join(stranger.get("/metrics/scoreboards.csv").streaming_content)
    assert b"guardian" not in file


def test_a_viewer_reads_and_changes_nothing(browser_of, bo, guardian):
    viewer = browser_of(bo)
    page = text_of(viewer.get(BOARD))
    assert "Cites" in page
    assert RECORD not in page
    assert RESET not in page
    assert viewer.post(RECORD, RESULT).status_code == 403
    assert viewer.post(RESET, {"idempotency_key": "b"}).status_code == 403
    assert given() == 3


def test_the_scoreboard_of_a_deleted_agent_is_gone(browser, guardian):
    AgentMetrics.objects.update(retired_at=guardian.created_at)
    assert browser.get(BOARD).status_code == 404
    assert browser.post(RECORD, RESULT).status_code == 404
    assert "No agent keeps score" in text_of(browser.get(OVERVIEW))
