"""The audit log tells when it was edited, thinned out or cut short."""

from importlib import import_module
from io import StringIO

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.urls import reverse

from accounts.audit import log as audit
from accounts.audit.verification import verify_audit
from accounts.models import AuditAction, AuditAnchor, AuditDetail, AuditHead, AuditLog
from accounts.tests.factories import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def chain(settings, tmp_path):
    """Ten rows of one organization, and a way around the trigger."""
    settings.AUDIT_ANCHOR = tmp_path / "anchor.log"
    for number in range(10):
        audit.record(
            action=AuditAction.UPDATE,
            resource_type="thing",
            resource_id=number,
            organization_id=7,
            changes={"a": {"old": number, "new": number + 1}},
        )

    def tamper(statement, *values):
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("ALTER TABLE audit_logs DISABLE TRIGGER USER")
            cursor.execute(statement, values)
            cursor.execute("ALTER TABLE audit_logs ENABLE TRIGGER USER")

    return tamper


def problems():
    return verify_audit().problems


def test_an_untouched_log_has_no_problem(chain):
    audit.anchor_heads()
    verdict = verify_audit()
    assert verdict.problems == []
    assert (verdict.rows, verdict.chains, verdict.anchors) == (10, 1, 1)


def test_an_edited_row_is_found(chain):
    chain("UPDATE audit_logs SET resource_id = 'x' WHERE sequence = 4")
    assert problems() == ["organization 7, row 4: was edited"]


def test_edited_details_are_found(chain):
    row = AuditLog.objects.get(sequence=4)
    AuditDetail.objects.filter(pk=row.pk).update(changes={})
    assert problems() == ["organization 7, row 4: its details were edited"]


def test_a_deleted_row_is_found(chain):
    chain("DELETE FROM audit_logs WHERE sequence = 4")
    assert problems() == ["organization 7, row 5: rows 4 to 4 are missing"]


def test_a_shortened_log_is_found_by_its_head(chain):
    chain("DELETE FROM audit_logs WHERE sequence > 8")
    assert problems() == ["organization 7: ends at row 8, its head says 10"]


def test_a_log_shortened_together_with_its_head_is_found_by_the_anchor(chain):
    audit.anchor_heads()
    chain("DELETE FROM audit_logs WHERE sequence > 8")
    last = AuditLog.objects.get(sequence=8)
    AuditHead.objects.update(sequence=8, hash=last.hash)
    (found,) = problems()
    assert found.startswith("organization 7: row 10 was anchored at ")


def test_a_chain_rewritten_from_the_start_is_found_by_the_anchor(chain):
    audit.anchor_heads()
    chain("DELETE FROM audit_logs")
    AuditHead.objects.all().delete()
    for number in range(10):
        audit.record(
            action=AuditAction.UPDATE,
            resource_type="thing",
            resource_id=f"other {number}",
            organization_id=7,
        )
    assert problems() == ["organization 7, row 10: differs from its anchor"]


def test_a_deleted_head_is_found(chain):
    AuditHead.objects.all().delete()
    assert problems() == ["organization 7: its head is missing"]


def test_a_forged_anchor_is_found(chain, settings):
    audit.anchor_heads()
    text = settings.AUDIT_ANCHOR.read_text()
    settings.AUDIT_ANCHOR.write_text(text.replace(" 10 ", " 11 "))
    assert problems()[0] == "anchor line 1: not signed by us"


MISSING = "details are missing, and no erasure of them is recorded"


def test_deleted_details_are_found(chain):
    AuditDetail.objects.filter(audit_log__sequence__in=[2, 4, 5, 6]).delete()
    assert problems() == [
        f"organization 7, row 2: {MISSING}",
        f"organization 7, rows 4 to 6: {MISSING}",
    ]


@pytest.fixture
def erased(chain):
    """Rows 4 to 6 without details, and a row that says so."""
    AuditDetail.objects.filter(audit_log__sequence__in=[4, 5, 6]).delete()
    audit.record_erasure([(7, 4, 6)], subject_id="somebody")


def test_erased_details_leave_the_chain_whole(erased):
    verdict = verify_audit()
    assert (verdict.problems, verdict.erased) == ([], 3)


def test_more_than_was_erased_is_found(erased):
    AuditDetail.objects.filter(audit_log__sequence=7).delete()
    assert problems() == [f"organization 7, row 7: {MISSING}"]


def test_a_row_about_an_erasure_covers_nothing_without_its_details(erased):
    AuditDetail.objects.filter(audit_log__sequence=11).delete()
    assert problems() == [
        f"organization 7, rows 4 to 6: {MISSING}",
        f"organization 7, row 11: {MISSING}",
    ]


def test_a_row_about_an_erasure_cannot_be_extended(erased):
    AuditDetail.objects.filter(audit_log__sequence__in=[1, 2, 3]).delete()
    AuditDetail.objects.filter(audit_log__sequence=11).update(
        metadata={"erased": [[1, 6]]}
    )
    assert f"organization 7, rows 1 to 6: {MISSING}" in problems()
    assert "organization 7, row 11: its details were edited" in problems()


def test_erased_details_that_are_back_are_found(erased):
    AuditDetail.objects.create(pk=AuditLog.objects.get(sequence=5).pk)
    assert problems() == [
        "organization 7, row 5: details were erased and are there again"
    ]


def test_a_new_installation_needs_no_anchor_file(chain, settings):
    assert not settings.AUDIT_ANCHOR.exists()
    assert problems() == []


def test_a_missing_anchor_file_is_found(chain, settings):
    audit.anchor_heads()
    settings.AUDIT_ANCHOR.unlink()
    assert problems() == [f"the anchor file {settings.AUDIT_ANCHOR} is missing"]


def test_an_anchor_file_that_was_named_must_be_there(chain, tmp_path):
    found = verify_audit(anchor=tmp_path / "copy").problems
    assert found == [f"the anchor file {tmp_path / 'copy'} is missing"]


def test_a_shortened_anchor_file_is_found_also_when_it_grows_again(chain, settings):
    audit.anchor_heads()
    audit.anchor_heads()
    first, _ = settings.AUDIT_ANCHOR.read_bytes().splitlines(keepends=True)
    settings.AUDIT_ANCHOR.write_bytes(first)
    (found,) = problems()
    assert "was shortened" in found
    for _ in range(3):
        audit.anchor_heads()
        assert len(problems()) == 1


def test_what_an_interrupted_run_left_in_the_anchor_file_is_no_problem(chain, settings):
    audit.anchor_heads()
    line = settings.AUDIT_ANCHOR.read_bytes()
    settings.AUDIT_ANCHOR.write_bytes(line + line + line[:20])
    assert problems() == []
    audit.anchor_heads()
    assert problems() == []
    assert len(settings.AUDIT_ANCHOR.read_bytes().splitlines()) == 3


def test_an_anchor_file_from_before_it_was_counted_is_taken_on(chain, settings):
    audit.anchor_heads()
    AuditAnchor.objects.all().delete()
    audit.anchor_heads()
    assert problems() == []
    settings.AUDIT_ANCHOR.write_bytes(b"")
    assert len(problems()) == 1


def test_after_a_restore_another_anchor_file_is_begun(chain, settings):
    audit.anchor_heads()
    settings.AUDIT_ANCHOR.write_bytes(b"")
    call_command("verify_audit", "--new-anchor", stdout=StringIO())
    assert problems() == []
    audit.anchor_heads()
    assert problems() == []
    assert AuditLog.objects.filter(resource_type="audit_anchor").count() == 1


def test_the_command_says_what_it_found(chain):
    out = StringIO()
    call_command("verify_audit", stdout=out)
    assert "10 rows in 1 chains" in out.getvalue()
    chain("UPDATE audit_logs SET resource_id = 'x' WHERE sequence = 4")
    with pytest.raises(SystemExit) as ended:
        call_command("verify_audit", "--organization", "7", stdout=out)
    assert ended.value.code == 1
    assert "row 4: was edited" in out.getvalue()


def test_signing_in_out_and_failing_are_recorded(client):
    user = UserFactory()
    user.set_password(PASSWORD)
    user.save()
    login = reverse("account_login")
    client.post(login, {"login": user.email, "password": "wrong"})
    client.post(login, {"login": user.email, "password": PASSWORD})
    client.post(reverse("account_logout"))
    rows = AuditLog.objects.order_by("sequence")
    assert [row.action for row in rows] == ["FAILED_AUTH", "LOGIN", "LOGOUT"]
    assert "wrong" not in str(AuditDetail.objects.values())


def test_a_migration_records_what_was_erased_before_erasures_were(chain):
    audit.record(action=AuditAction.LOGIN, resource_type="user")
    AuditDetail.objects.filter(audit_log__sequence__in=[1, 4, 5, 6]).delete()
    baseline = import_module("accounts.migrations.0011_record_what_was_erased")
    with connection.schema_editor() as editor:
        baseline.record_what_was_erased(apps, editor)
    verdict = verify_audit()
    assert (verdict.problems, verdict.erased) == ([], 5)
    told = AuditDetail.objects.filter(audit_log__resource_type="audit_details")
    assert [row.metadata["erased"] for row in told.order_by("audit_log_id")] == [
        [[1, 1], [4, 6]],
        [[1, 1]],
    ]
    AuditDetail.objects.filter(audit_log__sequence=7).delete()
    assert problems() == [f"organization 7, row 7: {MISSING}"]
