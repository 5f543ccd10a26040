"""Verification gives no false alarm while others write."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from django.db import connection

from accounts.audit import log as audit
from accounts.audit.verification import verify_audit
from accounts.models import AuditAction, AuditDetail, AuditLog

pytestmark = [pytest.mark.threaded, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def anchor(settings, tmp_path):
    settings.AUDIT_ANCHOR = tmp_path / "anchor.log"
    write()
    audit.anchor_heads()


def write() -> None:
    audit.record(action=AuditAction.UPDATE, resource_type="thing", organization_id=7)


def elsewhere(deed) -> None:
    """Do something on another connection, and wait until it is committed."""

    def do() -> None:
        try:
            deed()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(do).result()


def write_and_anchor() -> None:
    write()
    audit.anchor_heads()


def erase() -> None:
    AuditDetail.objects.filter(audit_log__sequence=1).delete()
    audit.record_erasure([(7, 1, 1)], subject_id="somebody")


DEEDS = (write, write, audit.anchor_heads)


@pytest.mark.parametrize("deed", [write, write_and_anchor, erase])
@pytest.mark.parametrize("table", ["audit_anchors", "audit_heads", "audit_logs"])
def test_what_happens_between_its_queries_is_no_problem(deed, table):
    done = []

    def meddle(execute, sql, *given):
        found = execute(sql, *given)
        if f'FROM "{table}"' in sql and not done:
            done.append(table)
            elsewhere(deed)
        return found

    with connection.execute_wrapper(meddle):
        verdict = verify_audit()
    assert done == [table]
    assert verdict.problems == []


def test_writers_that_never_pause_cause_no_false_alarm_and_hide_no_true_one():
    is_over = Event()

    def keep(deed) -> int:
        count = 0
        try:
            while not is_over.is_set():
                deed()
                count += 1
        finally:
            connection.close()
        return count

    with ThreadPoolExecutor(3) as threads:
        busy = [threads.submit(keep, one) for one in DEEDS]
        try:
            found = [verify_audit().problems for _ in range(10)]
            AuditDetail.objects.filter(audit_log__sequence=1).delete()
            found.append(verify_audit().problems)
        finally:
            is_over.set()
        assert all(each.result() for each in busy)
    assert found[:-1] == [[]] * 10
    assert len(found[-1]) == 1
    assert AuditLog.objects.count() > 10


def test_runs_that_anchor_at_once_leave_one_whole_file():
    def anchor_often() -> None:
        try:
            for _ in range(25):
                audit.anchor_heads()
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        for each in [threads.submit(anchor_often) for _ in range(8)]:
            each.result()
    verdict = verify_audit()
    assert (verdict.problems, verdict.anchors) == ([], 201)
