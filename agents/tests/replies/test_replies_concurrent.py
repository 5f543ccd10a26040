"""Many hands in one conversation or pack; the lock is shown to be the reason."""

import contextlib
import threading

import pytest
from django.db import IntegrityError, connections
from django.db.models.query import QuerySet

from accounts.models import Organization
from agents.conversations import opening, tags
from agents.conversations.tags import MOST_OF_ONE, TooManyTags, add_tag
from agents.knowledge.documents import DocumentLimitReached, create_document
from agents.models import Document, Message, Reply, Session
from agents.replies import production, questions
from agents.tests.factories import KnowledgePackFactory, SessionFactory
from agents.tests.lifecycle.test_creation_concurrent import at_once

pytestmark = [pytest.mark.threaded, pytest.mark.django_db(transaction=True)]
THREADS = 40


@pytest.fixture
def session():
    return SessionFactory()


def test_forty_messages_at_once_are_numbered_and_counted_exactly(session):
    def add(number):
        mine = Session.objects.get(pk=session.pk)
        return mine.add_message("user", f"Message {number}", tokens=2).sequence

    numbers = at_once(THREADS, add)
    assert sorted(numbers) == list(range(1, THREADS + 1))
    session.refresh_from_db()
    assert (session.total_messages, session.total_tokens) == (THREADS, 2 * THREADS)
    stored = Message.objects.filter(session=session).order_by("sequence")
    assert list(stored.values_list("sequence", flat=True)) == sorted(numbers)


def two_meet_before_they_store(session, monkeypatch):
    """Let two writers meet between reading the count and storing the message."""
    meeting = threading.Barrier(2)
    original = Message.full_clean

    def meet(message, *args, **kwargs):
        original(message, *args, **kwargs)
        try:
            meeting.wait(timeout=1)
        except threading.BrokenBarrierError:
            return

    monkeypatch.setattr(Message, "full_clean", meet)

    def add(number):
        try:
            return Session.objects.get(pk=session.pk).add_message("user", "x").sequence
        except IntegrityError:
            return None

    return at_once(2, add)


def test_two_writers_cannot_meet_between_count_and_store(session, monkeypatch):
    assert sorted(two_meet_before_they_store(session, monkeypatch)) == [1, 2]


def test_without_the_lock_two_writers_take_the_same_number(session, monkeypatch):
    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, **kwargs: self)
    assert None in two_meet_before_they_store(session, monkeypatch)


def test_one_question_sent_forty_times_with_one_key_is_asked_once(session):
    def send(number):
        mine = Session.objects.get(pk=session.pk)
        message, reply, created = questions.ask(
            session=mine, content="How long?", idempotency_key="one"
        )
        return message.pk, reply.pk, created

    results = at_once(THREADS, send)
    assert len({(message, reply) for message, reply, _ in results}) == 1
    assert sum(created for *_, created in results) == 1
    session.refresh_from_db()
    assert session.total_messages == Reply.objects.count() == 1


def test_one_visitor_opening_twice_with_one_key_gets_one_conversation(session):
    agent = session.agent_ref

    def start(number):
        opened, created = opening.start_session(
            agent=agent, channel="api", visitor_id="anna", idempotency_key="one"
        )
        return opened.pk, created

    results = at_once(8, start)
    assert len({pk for pk, _ in results}) == 1
    assert sum(created for _, created in results) == 1


def test_two_workers_given_one_reply_answer_it_once(session):
    reply = questions.ask(session=session, content="Hello")[1]
    at_once(8, lambda number: production.produce(str(reply.pk)))
    reply.refresh_from_db()
    assert (reply.status, reply.attempt) == ("done", 1)
    answers = Message.objects.filter(session=session, role="assistant")
    assert answers.count() == 1
    connections.close_all()


def tag_at_once(session):
    def tag(number):
        mine = Session.objects.get(pk=session.pk)
        try:
            return add_tag(session=mine, name=f"new {number}", actor=None)[1]
        except TooManyTags:
            return False

    return sum(at_once(8, tag))


def test_two_tags_cannot_share_the_last_place(session):
    for number in range(MOST_OF_ONE - 1):
        add_tag(session=session, name=f"tag {number}", actor=None)
    assert tag_at_once(session) == 1
    assert session.tags.count() == MOST_OF_ONE


def test_without_the_lock_more_tags_than_may_be_find_a_place(session, monkeypatch):
    for number in range(MOST_OF_ONE - 1):
        add_tag(session=session, name=f"tag {number}", actor=None)
    meeting = threading.Barrier(2)
    original = tags._named

    def meet(*args):
        tag = original(*args)
        with contextlib.suppress(threading.BrokenBarrierError):
            meeting.wait(timeout=1)
        return tag

    monkeypatch.setattr(tags, "_named", meet)
    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, **kwargs: self)
    assert tag_at_once(session) > 1


def test_two_documents_cannot_share_the_last_place():
    pack = KnowledgePackFactory()
    Organization.objects.update(max_documents=3)

    def add(number):
        try:
            create_document(
                knowledge_pack=pack,
                title="Shipping",
                content=f"It takes {number} days.",
                created_by=None,
            )
        except DocumentLimitReached:
            return False
        return True

    assert sum(at_once(12, add)) == Document.objects.count() == 3


def test_one_document_sent_many_times_is_added_once():
    pack = KnowledgePackFactory()

    def add(number):
        return create_document(
            knowledge_pack=pack,
            title="Shipping",
            content="It takes 3 days.",
            created_by=None,
            idempotency_key="one",
        )

    results = at_once(12, add)
    assert len({document.pk for document, _ in results}) == 1
    assert sum(created for _, created in results) == 1
