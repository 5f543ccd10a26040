"""Results of different agent types do not wait for the sums they all are in."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import OperationalError, connection, connections, transaction

from accounts.tests.factories import OrganizationFactory
from metrics import totals
from metrics.models import MetricsTotal
from metrics.services import AgentMetricsService
from metrics.tests.together import at_once

pytestmark = [pytest.mark.threaded, pytest.mark.django_db(transaction=True)]
TEST = {"passed": True, "score": 95}
UPDATE = "add_update_to_metrics_totals"


@pytest.fixture
def service():
    service = AgentMetricsService(OrganizationFactory())
    service.bulk_update_metrics({"imperium": {}, "guardian": {}})
    return service


def patiently(work):
    """Run work in another thread, on a connection that waits half a second at most."""

    def run():
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                # For this transaction alone: the connection goes back to the pool.
                cursor.execute("SET LOCAL lock_timeout = 500")
                return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result()


def record_while_another_is_open(service):
    """Record a result while another agent type's is not committed yet."""
    with transaction.atomic():
        service.update_custody_test_result("imperium", TEST)
        patiently(lambda: service.update_custody_test_result("guardian", TEST))


def test_a_result_does_not_wait_for_another_agent_types(service):
    record_while_another_is_open(service)
    parts = MetricsTotal.objects.filter(organization=service.organization)
    assert sorted(parts.values_list("total_tests_given", flat=True)) == [1, 1]
    assert totals.find_drifts() == []


@pytest.fixture
def one_row_for_all():
    """Let every change wait for the one row it finds."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_functiondef(%s::regproc)", [UPDATE])
        original = cursor.fetchone()[0]
        cursor.execute(original.replace("SKIP LOCKED", ""))
        yield
        cursor.execute(original)


def test_with_one_row_for_all_it_would_wait(service, one_row_for_all):
    with pytest.raises(OperationalError, match="lock timeout"):
        record_while_another_is_open(service)


def test_sums_are_exact_after_forty_results_at_once(service):
    def record(number):
        return service.update_custody_test_result(f"agent-{number % 8}", TEST)

    assert at_once(40, record) == [True] * 40
    total = totals.total_of(totals.kept(service.organization))
    assert (total["agents"], total["total_tests_given"]) == (10, 40)
    assert totals.find_drifts() == []
