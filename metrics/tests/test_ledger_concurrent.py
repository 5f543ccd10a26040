"""Counters, locks and keys under many hands; each guard is shown to be the reason."""

import pytest
from django.db import IntegrityError, OperationalError, connection
from django.db.models.query import QuerySet
from django.test.utils import CaptureQueriesContext

from accounts.errors import KeyReused
from accounts.tests.factories import MembershipFactory, make_key
from metrics import ledger, projection, replay
from metrics.ledger import Request
from metrics.models import AgentMetrics, AgentMetricsQuerySet, MetricEvent
from metrics.services import AgentMetricsService
from metrics.tests.together import Meeting, at_once, send

pytestmark = [pytest.mark.threaded, pytest.mark.django_db(transaction=True)]
URL = "/api/agent-metrics/"
TEST = {"passed": True, "score": 95}


@pytest.fixture
def owner():
    return MembershipFactory()


@pytest.fixture
def service(owner):
    return AgentMetricsService(owner.organization)


# --- counters -----------------------------------------------------------------------
def test_fifty_results_at_once_are_fifty_everywhere(owner):
    key = make_key(owner)

    def post(number):
        path = f"{URL}guardian/custody-test"
        return send(key, "post", path, TEST | {"duration": number}).status_code

    assert at_once(50, post) == [200] * 50
    board = AgentMetrics.objects.get()
    assert (board.total_tests_given, board.total_tests_passed) == (50, 50)
    assert (board.consecutive_successes, board.xp, board.custody_xp) == (50, 1250, 1250)
    durations = {entry["duration"] for entry in board.test_history}
    assert durations == set(range(50))
    sequences = board.ledger.order_by("sequence").values_list("sequence", flat=True)
    assert list(sequences) == list(range(1, 51))
    assert replay.verify().differences == []


def record_two(service, monkeypatch):
    """Let two results meet between the reading of the row and its writing."""
    service.create_or_update_agent_metrics("guardian", {})
    meeting = Meeting()
    monkeypatch.setattr(projection, "apply", meeting.before(projection.apply))

    def record(number):
        try:
            return service.update_custody_test_result("guardian", TEST)
        except IntegrityError:
            return "lost"

    return at_once(2, record), meeting.arrived


def test_two_results_of_one_agent_type_wait_for_each_other(service, monkeypatch):
    results, arrived = record_two(service, monkeypatch)
    assert results == [True, True]
    assert arrived == ["alone", "alone"]
    assert AgentMetrics.objects.get().total_tests_given == 2


def test_without_the_lock_one_would_be_lost(service, monkeypatch):
    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, **options: self)
    results, arrived = record_two(service, monkeypatch)
    assert sorted(map(str, results)) == ["True", "lost"]
    assert arrived == ["together", "together"]
    assert AgentMetrics.objects.get().total_tests_given == 1


def test_ten_hands_create_one_row_and_one_of_them_did(owner):
    key = make_key(owner)

    def put(number):
        return send(key, "put", f"{URL}newcomer", {"xp": number}).status_code

    assert sorted(at_once(10, put)) == [200] * 9 + [201]
    assert AgentMetrics.objects.get().events == 10


# --- the order of locks ---------------------------------------------------------------
def test_opposite_bulk_updates_do_not_block_each_other(owner):
    key = make_key(owner)
    names = [f"agent-{n}" for n in range(30)]
    orders = [names, names[::-1]]

    def update(number):
        updates = {name: {"xp": number} for name in orders[number]}
        return send(key, "post", f"{URL}bulk-update", {"updates": updates}).status_code

    for _ in range(20):
        assert at_once(2, update) == [200, 200]
    assert MetricEvent.objects.count() == 20 * 2 * 30
    assert replay.verify().differences == []


def test_rows_are_locked_in_one_order_whatever_the_request_says(service):
    with CaptureQueriesContext(connection) as queries:
        service.bulk_update_metrics({"b": {}, "a": {}})
    (locking,) = [query["sql"] for query in queries if "FOR NO KEY" in query["sql"]]
    assert 'ORDER BY "agent_metrics"."agent_type" ASC' in locking


def lock_two(service, monkeypatch, order):
    """Lock two rows one by one in `order(names)`, meeting after the first."""
    service.bulk_update_metrics({"a": {}, "b": {}})
    meeting = Meeting()

    def locked(self):
        names = self.order_by().values_list("agent_type", flat=True)
        for position, name in enumerate(order(list(names))):
            row = self.filter(agent_type=name).select_for_update(no_key=True).get()
            if position == 0:
                meeting.wait()
            yield row

    monkeypatch.setattr(AgentMetricsQuerySet, "locked", locked)

    def update(number):
        try:
            return service.bulk_update_metrics({"a": {"xp": 1}, "b": {"xp": 1}})
        except OperationalError:
            return "blocked"

    return at_once(2, update)


def test_in_one_order_two_that_meet_both_succeed(service, monkeypatch):
    assert lock_two(service, monkeypatch, sorted) == [True, True]


def test_in_opposite_orders_one_would_be_blocked(service, monkeypatch):
    turns = iter([False, True])
    orders = {}

    def opposite(names):
        import threading

        me = threading.get_ident()
        if me not in orders:
            orders[me] = next(turns)
        return sorted(names, reverse=orders[me])

    results = lock_two(service, monkeypatch, opposite)
    assert sorted(map(str, results)) == ["True", "blocked"]


# --- keys -----------------------------------------------------------------------------
def test_one_key_of_twenty_hands_counts_once(owner):
    key = make_key(owner)

    def post(number):
        path = f"{URL}guardian/custody-test"
        return send(key, "post", path, TEST, **{"Idempotency-Key": "once"})

    answers = at_once(20, post)
    assert {answer.status_code for answer in answers} == {200}
    replayed = [answer for answer in answers if "Idempotency-Replayed" in answer]
    assert len(replayed) == 19
    assert len({answer.content for answer in answers}) == 1
    assert AgentMetrics.objects.get().total_tests_given == 1


def one_key_for_two_agent_types(service, monkeypatch):
    """Use a key for two rows at once: their locks do not keep them apart."""
    service.bulk_update_metrics({"a": {}, "b": {}})
    meeting = Meeting()
    monkeypatch.setattr(ledger, "append", meeting.before(ledger.append))

    def record(number):
        request = Request("once", f"fingerprint {number}")
        try:
            service.record_custody_test("ab"[number], TEST, request)
        except KeyReused:
            return "refused"
        return "recorded"

    results = at_once(2, record)
    assert meeting.arrived == ["together", "together"]
    return sorted(results), MetricEvent.objects.tests().count()


def test_one_key_serves_one_of_two_agent_types(service, monkeypatch):
    results, tests = one_key_for_two_agent_types(service, monkeypatch)
    assert results == ["recorded", "refused"]
    assert tests == 1


@pytest.fixture
def without_the_constraint():
    """Drop the unique index of the keys, and bring it back."""
    name = "uq_metric_events_idempotency_key"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_get_indexdef('{name}'::regclass)")
        (definition,) = cursor.fetchone()
        cursor.execute(f"DROP INDEX {name}")
    yield
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE metric_events")
        cursor.execute(definition)


def test_without_the_constraint_it_would_serve_both(
    service, monkeypatch, without_the_constraint
):
    results, tests = one_key_for_two_agent_types(service, monkeypatch)
    assert results == ["recorded", "recorded"]
    assert tests == 2


# --- reading meanwhile ----------------------------------------------------------------
def test_a_verification_during_writes_finds_no_difference(service):
    service.create_or_update_agent_metrics("guardian", {})

    def work(number):
        if number == 0:
            return [replay.verify().differences for _ in range(10)]
        return [service.update_custody_test_result("guardian", TEST) for _ in range(15)]

    assert at_once(3, work)[0] == [[]] * 10
    assert AgentMetrics.objects.get().total_tests_given == 30
