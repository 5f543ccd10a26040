"""Operators see how the installation does; nobody else does."""

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client

from accounts.models import User
from accounts.tests.factories import OperatorFactory
from config import measures as module
from config.measures import Measures, measures
from conftest import client_with_key

pytestmark = pytest.mark.django_db
URL = "/api/v1/ops/metrics"


@pytest.fixture
def operator(client):
    client.force_login(OperatorFactory())
    return client


def test_a_program_with_every_right_reads_the_figures(ada):
    program = client_with_key(ada, scopes=["admin"])
    first = program.get(URL).json()
    second = program.get(f"{URL}/").json()
    assert set(first) == {
        *("process", "query_time_ms", "pool", "transactions"),
        *("transaction_success_rate", "error_rate"),
    }
    assert second["query_time_ms"]["count"] > first["query_time_ms"]["count"]
    assert second["query_time_ms"]["p95"] >= 0
    assert len(first["pool"]) == 6


def test_answers_are_counted_by_class_across_processes(operator, settings):
    other = Measures()
    before = other.report()["error_rate"]
    assert operator.get("/api/v1/nowhere/").status_code == 404
    operator.get("/health/live")
    measures.share(now=True)
    after = other.report()["error_rate"]
    assert after["client_errors"] >= before["client_errors"] + 1
    assert after["answers"] >= before["answers"] + 2
    assert len(after["by_minute"]) == after["minutes"] == 15


def test_without_redis_a_process_tells_its_own(operator, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    alone = Measures()
    alone.count_answer(503)
    found = alone.report()["error_rate"]
    assert (found["of_all_processes"], found["server_errors"]) == (False, 1)
    assert found["rate"] == 1


def test_statements_are_timed_and_ends_of_transactions_counted():
    own = Measures()
    with connection.execute_wrapper(own.time_statement), connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    own.count_end(committed=True)
    own.count_end(committed=False)
    found = own.report()
    assert found["query_time_ms"]["count"] == 1
    assert found["query_time_ms"]["p95"] > 0
    assert found["transaction_success_rate"] == 0.5


@pytest.mark.threaded
@pytest.mark.django_db(transaction=True)
def test_every_commit_and_rollback_is_counted():
    before = measures.commits, measures.rollbacks
    with transaction.atomic():
        User.objects.create(email="one@example.com")
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create(email="one@example.com")
    assert (measures.commits, measures.rollbacks) == (before[0] + 1, before[1] + 1)


def test_a_process_that_did_nothing_divides_by_nothing():
    found = Measures().report()
    assert found["transaction_success_rate"] is None
    assert found["query_time_ms"] == {
        "count": 0,
        "total": 0.0,
        "mean": None,
        "p95": None,
    }


def test_answers_are_shared_about_once_a_second(monkeypatch):
    own, asked = Measures(), []
    monkeypatch.setattr(module, "_client", lambda url: asked.append(url))
    own.share_after = float("inf")
    own.count_answer(200)
    own.share()
    assert asked == []


@pytest.mark.parametrize("scopes", [["metrics:read"], ["agents:read", "agents:write"]])
def test_a_key_without_the_scope_is_refused(ada, scopes):
    assert client_with_key(ada, scopes=scopes).get(URL).status_code == 403


def test_members_and_strangers_are_refused(browser_of, ada):
    member = browser_of(ada)
    assert member.get(URL).status_code == 403
    assert member.get("/dashboard/health").status_code == 403
    assert Client().get(URL).status_code == 401
    assert Client().get("/dashboard/health").status_code == 302


def test_operators_see_a_page_of_it(operator):
    assert operator.get(URL).status_code == 200
    page = operator.get("/dashboard/health")
    assert page.status_code == 200
    text = page.content.decode()
    assert "Connections out" in text
    assert "Components" in text
    assert 'aria-current="page"' in text


def test_a_member_is_shown_no_way_there(browser_of, ada):
    assert "/dashboard/health" not in browser_of(ada).get("/agents/").content.decode()
