"""A conversation row: everything it has, does and refuses."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import UserFactory
from agents.models import Message, Session, SessionIsOver, SessionStatus
from agents.tests.factories import MessageFactory, SessionFactory
from config.tests.index_columns import index_columns

pytestmark = pytest.mark.django_db


@pytest.fixture
def session():
    return SessionFactory()


def test_a_session_is_made_as_the_sample_makes_it():
    user = User(
        email="test@example.com",
        name="Test User",
        provider="local",
        provider_user_id="test123",
        roles=["user"],
        is_active=True,
    )
    user.save()
    session = Session(
        user_id=user.id, agent_id="code_agent", title="Test Session", status="active"
    )
    session.add_message("user", "Hello!")
    first = session.messages[0]
    assert (first["role"], first["content"]) == ("user", "Hello!")
    assert session.total_messages == 1


def test_a_new_session_has_these_defaults():
    session = Session.objects.create(visitor_id="v", agent_id="code_agent")
    assert session.status == SessionStatus.ACTIVE
    assert (session.messages, session.context, session.metadata) == ([], {}, {})
    assert (session.total_messages, session.total_tokens) == (0, None)
    assert session.expires_at is None
    assert timezone.now() - session.last_activity_at < timedelta(minutes=1)


def test_a_message_shows_role_content_timestamp_and_what_came_with_it(session):
    session.add_message("assistant", "Three days.", source="faq", tokens=7)
    message = session.messages[0]
    assert message["timestamp"].endswith("Z")
    assert (message["source"], message["tokens"]) == ("faq", 7)


def test_what_came_with_a_message_cannot_pose_as_the_message(session):
    row = session.add_message("user", "Hello", sequence=9, id="x")
    assert session.messages[0]["sequence"] == 1
    assert session.messages[0]["id"] == str(row.pk)


@pytest.mark.parametrize("role", ["user", "assistant", "system", "tool"])
def test_these_roles_may_speak(session, role):
    assert session.add_message(role, "Hello").role == role


def test_nobody_else_may_speak(session):
    with pytest.raises(ValidationError):
        session.add_message("admin", "Hello")
    session.refresh_from_db()
    assert session.total_messages == 0


def test_tokens_are_unknown_until_given_and_then_added_up(session):
    session.add_message("user", "How long?")
    assert session.total_tokens is None
    session.add_message("assistant", "Three days.", tokens=7)
    session.add_message("assistant", "Or four.", tokens=5)
    session.refresh_from_db()
    assert (session.total_messages, session.total_tokens) == (3, 12)


def test_a_message_moves_the_last_activity(session):
    long_ago = timezone.now() - timedelta(days=1)
    Session.objects.filter(pk=session.pk).update(last_activity_at=long_ago)
    session.refresh_from_db()
    session.add_message("user", "Still there?")
    session.refresh_from_db()
    assert session.last_activity_at > long_ago + timedelta(hours=23)


def test_a_stale_copy_counts_on_from_the_stored_row(session):
    stale = Session.objects.get(pk=session.pk)
    session.add_message("user", "One", tokens=1)
    stale.add_message("user", "Two", tokens=2)
    stale.refresh_from_db()
    assert (stale.total_messages, stale.total_tokens) == (2, 3)


@pytest.mark.parametrize("field", ["context", "metadata"])
def test_updates_are_merged_into_what_is_stored(session, field):
    stale = Session.objects.get(pk=session.pk)
    getattr(session, f"update_{field}")(cart=1, page="home")
    getattr(stale, f"update_{field}")(page="returns")
    session.refresh_from_db()
    assert getattr(session, field) == {"cart": 1, "page": "returns"}


ENDS = [
    (lambda session: session.mark_completed(), "completed", {}),
    (lambda session: session.mark_failed("boom"), "failed", {"error": "boom"}),
    (
        lambda session: session.mark_cancelled("left"),
        "cancelled",
        {"cancellation_reason": "left"},
    ),
]


@pytest.mark.parametrize(("end", "status", "facts"), ENDS)
def test_an_end_is_kept_with_its_reason(session, end, status, facts):
    session.update_metadata(cart=1)
    before = session.last_activity_at
    end(session)
    session.refresh_from_db()
    assert (session.status, session.metadata) == (status, {"cart": 1} | facts)
    assert session.last_activity_at > before
    assert not session.is_active


@pytest.mark.parametrize(("end", "status", "facts"), ENDS)
def test_a_session_ends_once(session, end, status, facts):
    session.mark_completed()
    with pytest.raises(SessionIsOver):
        end(session)
    session.refresh_from_db()
    assert (session.status, session.metadata) == ("completed", {})


def test_a_session_that_is_over_takes_no_message(session):
    Session.objects.get(pk=session.pk).mark_cancelled("left")
    with pytest.raises(SessionIsOver):
        session.add_message("user", "Still there?")


def test_a_deleted_session_is_hidden_inactive_and_takes_no_message(session):
    session.soft_delete()
    assert not session.is_active
    assert not Session.objects.filter(pk=session.pk).exists()
    assert Session.all_objects.filter(pk=session.pk).exists()
    with pytest.raises(SessionIsOver):
        session.add_message("user", "Still there?")


@pytest.mark.parametrize(
    ("expires_in", "is_expired"), [(None, False), (-1, True), (60, False)]
)
def test_a_session_expires_at_its_time_and_never_without_one(expires_in, is_expired):
    session = Session()
    if expires_in is not None:
        session.expires_at = timezone.now() + timedelta(seconds=expires_in)
    assert session.is_expired is is_expired


def test_a_session_belongs_to_a_person_or_a_visitor():
    with pytest.raises(IntegrityError, match="has_a_person"), transaction.atomic():
        Session.objects.create(agent_id="code_agent")


def test_a_person_who_is_erased_takes_the_conversations_along():
    user = UserFactory()
    session = Session.objects.create(user=user, agent_id="code_agent")
    session.add_message("user", "Hello")
    user.delete()
    assert not Session.all_objects.exists()
    assert not Message.objects.exists()


def test_messages_are_numbered_from_one_without_gaps():
    session = SessionFactory()
    for _ in range(3):
        MessageFactory(session=session)
    assert [message["sequence"] for message in session.messages] == [1, 2, 3]


def test_a_sequence_number_is_given_once(session):
    session.add_message("user", "One")
    with pytest.raises(IntegrityError, match="sequence"), transaction.atomic():
        Message.objects.create(session=session, sequence=1, role="user", content="x")


@pytest.mark.parametrize(
    "columns",
    [
        ("user_id",),
        ("agent_id",),
        ("status",),
        ("last_activity_at",),
        ("expires_at",),
        ("user_id", "status"),
        ("user_id", "last_activity_at"),
        ("agent_id", "status"),
        ("status", "deleted_at"),
    ],
)
def test_sessions_are_indexed_by(columns):
    assert columns in index_columns("sessions")


def test_the_user_of_a_session_is_bound_by_the_database():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE conrelid = 'sessions'::regclass AND contype = 'f'"
        )
        keys = [row[0] for row in cursor.fetchall()]
    assert any("(user_id) REFERENCES users(id)" in key for key in keys)
