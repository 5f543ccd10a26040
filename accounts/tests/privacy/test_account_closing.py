"""An account is closed, and at last erased, with all that is kept of a person."""

import json
from datetime import timedelta

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.audit.log import record
from accounts.audit.request_facts import RequestFacts, current_request
from accounts.audit.verification import verify_audit
from accounts.errors import NotFound
from accounts.models import APIKey, AuditAction, AuditDetail, AuditLog, Role, User
from accounts.organizations.members import invite_member
from accounts.privacy.account_closing import (
    SoleOwner,
    close_account,
    erase_account,
    erase_overdue_accounts,
    reopen_account,
)
from accounts.privacy.notifications import tell_person
from accounts.tests.factories import MembershipFactory, OperatorFactory, make_key

pytestmark = pytest.mark.django_db


@pytest.fixture
def second_owner(harbor):
    return MembershipFactory(organization=harbor)


def test_a_closed_account_opens_no_door(client, bo):
    key = make_key(bo)
    client.force_login(bo.user)
    close_account(user=bo.user, actor=bo.user)
    assert client.get("/agents/").status_code == 302
    answer = Client().get("/api/v1/agents/", headers={"X-API-Key": key})
    assert answer.status_code == 401


def test_a_closed_account_leaves_its_organizations_and_frees_its_place(harbor, bo):
    close_account(user=bo.user, actor=bo.user)
    assert not harbor.memberships.filter(user_id=bo.user_id).exists()
    row = AuditLog.objects.for_organization(harbor.pk).get(resource_type="membership")
    assert row.detail.changes == {"role": {"old": "viewer", "new": None}}


def test_the_only_owner_is_told_what_to_hand_over_first(harbor, ada):
    with pytest.raises(SoleOwner) as refused:
        close_account(user=ada.user, actor=ada.user)
    assert refused.value.facts["organizations"] == [
        {"id": harbor.pk, "name": harbor.name}
    ]
    assert User.objects.filter(pk=ada.user_id).exists()


def test_one_of_two_owners_may_go(harbor, ada, second_owner):
    close_account(user=ada.user, actor=ada.user)
    assert [row.user_id for row in harbor.memberships.owners()] == [
        second_owner.user_id
    ]


def test_an_owner_who_cannot_act_does_not_count(ada, second_owner):
    second_owner.user.deactivate()
    with pytest.raises(SoleOwner):
        close_account(user=ada.user, actor=ada.user)


def test_a_deleted_organization_holds_nobody_back(harbor, ada):
    harbor.soft_delete()
    assert close_account(user=ada.user, actor=ada.user).is_deleted


def test_closing_twice_is_recorded_once(bo):
    close_account(user=bo.user, actor=bo.user)
    close_account(user=bo.user, actor=bo.user)
    assert AuditLog.objects.filter(resource_type="user", action="DELETE").count() == 1


def test_a_mail_tells_that_it_is_closed_and_when_it_is_erased(bo, mailoutbox):
    closed = close_account(user=bo.user, actor=bo.user)
    assert tell_person(str(bo.user_id))
    assert mailoutbox[0].to == [bo.user.email]
    assert f"{closed.kept_until:%Y}" in mailoutbox[0].body


def test_an_account_that_is_open_again_has_neither_keys_nor_memberships(client, bo):
    key = make_key(bo)
    close_account(user=bo.user, actor=bo.user)
    user = reopen_account(user=bo.user, actor=None)
    client.force_login(user)
    assert client.get("/agents/").status_code == 404  # in no organization
    answer = Client().get("/api/v1/agents/", headers={"X-API-Key": key})
    assert answer.status_code == 401


def test_only_a_closed_account_is_erased(bo):
    with pytest.raises(NotFound):
        erase_account(user_id=bo.user_id)


def everything_stored() -> str:
    """Return every row of every table, as text."""
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        found = []
        for table in tables:
            cursor.execute(f'SELECT row_to_json(t)::text FROM "{table}" AS t')  # noqa: S608
            found += [row[0] for row in cursor.fetchall()]
    return "\n".join(found)


@pytest.fixture
def traces(ada, bo, client):
    """Bo in every place where an account leaves something behind."""
    make_key(bo)
    client.force_login(bo.user)
    client.cookies.clear()
    record(
        action=AuditAction.UPDATE,
        resource_type="user",
        resource_id=bo.user_id,
        actor=ada.user,
        changes={"name": {"old": "Bo", "new": "Bo Viewer"}},
    )
    invite_member(
        organization=MembershipFactory(user=ada.user).organization,
        actor=ada.user,
        email=bo.user.email,
        role=Role.VIEWER,
    )
    LogEntry.objects.create(
        user=OperatorFactory(),
        content_type=ContentType.objects.get_for_model(User),
        object_id=str(bo.user_id),
        object_repr=bo.user.email,
        action_flag=CHANGE,
    )
    assert everything_stored().count("bo@example.com") >= 4
    return bo


def test_nothing_that_names_a_person_is_left(traces):
    close_account(user=traces.user, actor=traces.user)
    erase_account(user_id=traces.user_id)
    stored = everything_stored()
    assert "bo@example.com" not in stored
    assert "Bo Viewer" not in stored
    assert not APIKey.all_objects.filter(user_id=traces.user_id).exists()


def test_the_audit_chain_still_verifies_after_an_erasure(traces):
    close_account(user=traces.user, actor=traces.user)
    rows = AuditLog.objects.count()
    erase_account(user_id=traces.user_id)
    told = AuditLog.objects.filter(resource_type="audit_details")
    assert AuditLog.objects.count() == rows + 1 + told.count()
    verdict = verify_audit()
    assert verdict.problems == []
    assert verdict.erased > 0


def test_an_erasure_is_recorded_in_each_chain_and_names_nobody(traces, harbor):
    close_account(user=traces.user, actor=traces.user)
    token = current_request.set(RequestFacts(ip_address="10.9.8.7", user_agent="Me"))
    erase_account(user_id=traces.user_id)
    current_request.reset(token)
    told = AuditLog.objects.filter(resource_type="audit_details")
    assert harbor.pk in told.values_list("organization_id", flat=True)
    assert {
        (row.detail.ip_address, row.detail.user_agent, *row.detail.metadata)
        for row in told
    } == {("", "", "erased")}


def test_what_others_did_keeps_its_details(traces, harbor, ada):
    row = record(
        action=AuditAction.UPDATE,
        resource_type="organization",
        organization_id=harbor.pk,
        actor=ada.user,
        changes={"name": {"old": "Harbor", "new": "Harbor Coffee"}},
    )
    close_account(user=traces.user, actor=traces.user)
    erase_account(user_id=traces.user_id)
    assert AuditDetail.objects.filter(pk=row.pk).exists()


def test_an_account_is_erased_when_its_time_is_over(bo, settings):
    settings.ERASE_AFTER_DAYS = 30
    close_account(user=bo.user, actor=bo.user)
    assert erase_overdue_accounts() == 0
    long_ago = timezone.now() - timedelta(days=31)
    User.all_objects.filter(pk=bo.user_id).update(deleted_at=long_ago)
    assert erase_overdue_accounts() == 1
    assert not User.all_objects.filter(pk=bo.user_id).exists()


def test_an_installation_may_keep_closed_accounts_for_ever(bo, settings):
    settings.ERASE_AFTER_DAYS = -1
    closed = close_account(user=bo.user, actor=bo.user)
    long_ago = timezone.now() - timedelta(days=9999)
    User.all_objects.filter(pk=bo.user_id).update(deleted_at=long_ago)
    assert closed.kept_until is None
    assert erase_overdue_accounts() == 0


def test_the_address_is_free_again_after_an_erasure(bo):
    close_account(user=bo.user, actor=bo.user)
    erase_account(user_id=bo.user_id)
    assert User.objects.create_user("bo@example.com").pk != bo.user_id


def test_the_log_shows_who_is_erased_as_such(browser_of, harbor, ada, bo):
    record(
        action=AuditAction.UPDATE,
        resource_type="agent",
        organization_id=harbor.pk,
        actor=bo.user,
        changes={"name": {"old": "A", "new": json.dumps("B")}},
    )
    close_account(user=bo.user, actor=bo.user)
    erase_account(user_id=bo.user_id)
    assert b"erased" in browser_of(ada).get("/audit/").content
