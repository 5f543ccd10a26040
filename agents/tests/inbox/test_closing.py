"""Ends of conversations: by word, by time, and replies nobody could finish."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import AuditLog
from agents.inbox.closing import delete_session, end_session, expire_session
from agents.models import Reply, Session, SessionIsOver
from agents.replies import questions, sweep
from agents.tests.factories import SessionFactory
from agents.tests.speaking import events

pytestmark = pytest.mark.django_db


@pytest.fixture
def session(harbor):
    return SessionFactory(agent_ref__organization=harbor)


def ago(**time):
    return timezone.now() - timedelta(**time)


def test_a_failed_conversation_says_why(session):
    end_session(session=session, status="failed", actor=None, reason="Line cut")
    stored = Session.objects.get()
    assert (stored.status, stored.metadata) == ("failed", {"error": "Line cut"})


@pytest.mark.parametrize("second", ["completed", "failed", "cancelled"])
def test_a_second_end_is_refused(session, second):
    end_session(session=session, status="failed", actor=None, reason="Line cut")
    with pytest.raises(SessionIsOver):
        end_session(session=session, status=second, actor=None)
    assert Session.objects.get().status == "failed"


def test_a_conversation_whose_time_has_come_is_ended_by_the_sweep(session):
    Session.objects.update(expires_at=ago(seconds=1))
    coming = SessionFactory(expires_at=ago(days=-1))
    sweep.resend()
    sweep.resend()
    session.refresh_from_db()
    coming.refresh_from_db()
    assert (session.status, coming.status) == ("cancelled", "active")
    assert session.metadata == {"cancellation_reason": "expired"}
    assert AuditLog.objects.filter(resource_type="session").count() == 1


def test_a_conversation_that_ended_before_its_time_stays_as_it_ended(session):
    session.mark_completed()
    Session.objects.update(expires_at=ago(seconds=1))
    sweep.resend()
    assert Session.objects.get().status == "completed"


def test_a_conversation_is_given_a_time_to_end(session, ada):
    at = ago(hours=-1)
    expire_session(session=session, actor=ada.user, at=at)
    stored = Session.objects.get()
    assert (stored.status, stored.expires_at) == ("active", at)


def test_a_conversation_expires_now(session, ada):
    expire_session(session=session, actor=ada.user)
    assert Session.objects.get().status == "cancelled"
    with pytest.raises(SessionIsOver):
        expire_session(session=session, actor=ada.user)


def test_a_deletion_is_audited(session, ada):
    delete_session(session=session, actor=ada.user)
    assert not Session.objects.exists()
    assert AuditLog.objects.get(resource_type="session").action == "DELETE"


def test_a_reply_that_no_worker_took_in_time_has_failed(session):
    _, old, _ = questions.ask(session=session, content="Hello?")
    _, held, _ = questions.ask(session=session, content="Still there?")
    Reply.objects.update(created_at=ago(minutes=16))
    Reply.objects.filter(pk=held.pk).update(
        status="running", lease_expires_at=ago(minutes=-1)
    )
    sweep.resend()
    assert dict(Reply.objects.values_list("pk", "status")) == {
        old.pk: "failed",
        held.pk: "running",
    }
    name, told = events(session.pk)[-1]
    assert (name, told["code"]) == ("failed", "deadline_exceeded")
