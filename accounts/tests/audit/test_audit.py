"""The audit log: complete, chained, append-only, and free of secrets."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import DatabaseError, connection, connections, transaction

from accounts.audit import log as audit
from accounts.models import AuditAction, AuditHead, AuditLog
from accounts.tests.factories import OrganizationFactory
from config.tests.index_columns import index_columns


def write(organization_id=7, **fields):
    return audit.record(
        action=AuditAction.UPDATE,
        resource_type="thing",
        organization_id=organization_id,
        **fields,
    )


def broken_links(organization_id):
    """Count the rows whose hash or link does not hold."""
    broken, last = 0, ""
    rows = AuditLog.objects.filter(organization_id=organization_id).order_by("sequence")
    for number, row in enumerate(rows, start=1):
        broken += (
            row.previous_hash != last
            or row.sequence != number
            or audit.row_hash(row) != row.hash
        )
        last = row.hash
    head = AuditHead.objects.get(pk=organization_id)
    return broken + (head.hash != last)


@pytest.mark.django_db
def test_rows_of_an_organization_form_a_chain():
    for number in range(5):
        write(resource_id=number, changes={"a": {"old": number, "new": None}})
    write(organization_id=8)
    assert broken_links(7) == broken_links(8) == 0
    assert AuditHead.objects.get(pk=7).sequence == 5


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_logs SET resource_id = 'x'",
        "DELETE FROM audit_logs",
    ],
)
def test_the_database_refuses_to_change_the_record(statement):
    write()
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


@pytest.mark.django_db
def test_secrets_are_redacted_at_any_depth():
    row = write(changes={"a": {"new": {"client_secret": "s3cret", "list": [1]}}})
    stored = row.detail.changes
    assert stored == {"a": {"new": {"client_secret": "[redacted]", "list": [1]}}}


@pytest.mark.django_db
def test_the_details_match_their_digest_after_reading_back():
    row = write(changes={"x": {"old": 1.5, "new": "ü"}}, metadata={"n": None})
    row = AuditLog.objects.select_related("detail").get(pk=row.pk)
    assert audit.details_digest(row.detail) == row.details_digest


@pytest.mark.django_db
def test_a_rolled_back_mutation_leaves_no_record():
    with transaction.atomic():
        write()
        transaction.set_rollback(True)
    assert not AuditLog.objects.exists()


@pytest.mark.django_db
def test_a_request_leaves_its_facts(api):
    api.post(
        "/api/v1/agents/",
        {"name": "One"},
        format="json",
        headers={"X-Request-ID": "0b9c2f2e-8f44-4f1d-9a3e-0d6f2d8d1a11"},
    )
    row = AuditLog.objects.select_related("detail").get(resource_type="agent")
    assert str(row.request_id) == "0b9c2f2e-8f44-4f1d-9a3e-0d6f2d8d1a11"
    assert (row.request_method, row.request_path) == ("POST", "/api/v1/agents/")
    assert (row.actor_type, row.response_status) == ("api_key", 201)
    assert row.detail.ip_address == "127.0.0.1"


@pytest.mark.django_db
def test_the_signed_heads_are_kept_outside_the_database(settings, tmp_path):
    settings.AUDIT_ANCHOR = tmp_path / "anchor.log"
    write()
    assert audit.anchor_heads() == 1
    audit.anchor_heads()
    lines = settings.AUDIT_ANCHOR.read_text().splitlines()
    assert len(lines) == 2
    assert AuditHead.objects.get().hash in lines[0]
    assert settings.AUDIT_ANCHOR.stat().st_mode & 0o777 == 0o600


@pytest.mark.django_db
def test_the_log_has_its_ten_indexes():
    assert {
        ("timestamp",),
        ("user_id",),
        ("action",),
        ("resource_type",),
        ("request_id",),
        ("user_id", "action"),
        ("resource_type", "resource_id"),
        ("timestamp", "action"),
        ("timestamp", "user_id"),
        ("timestamp", "resource_type"),
    } <= index_columns("audit_logs")


@pytest.mark.threaded
@pytest.mark.django_db(transaction=True)
def test_eight_writers_keep_the_chain_whole():
    organization = OrganizationFactory()
    together = threading.Barrier(8)

    def work(_):
        together.wait(timeout=30)
        try:
            for _ in range(25):
                write(organization.pk)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert AuditLog.objects.filter(organization_id=organization.pk).count() == 200
    assert broken_links(organization.pk) == 0
