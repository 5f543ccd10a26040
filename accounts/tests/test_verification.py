"""The audit log tells when it was edited, thinned out or cut short."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.urls import reverse

from accounts import audit
from accounts.models import AuditAction, AuditDetail, AuditHead, AuditLog
from accounts.tests.factories import PASSWORD, UserFactory
from accounts.verification import verify_audit

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
    assert problems() == ["organization 7: row 10 was anchored and is gone"]


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
    assert problems() == ["anchor line 1: is not signed by us"]


def test_erased_details_leave_the_chain_whole(chain):
    AuditDetail.objects.all().delete()
    verdict = verify_audit()
    assert verdict.problems == []
    assert verdict.erased == 10


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
