"""Passages are made anew while others write to the same documents."""

import threading

import pytest
from django.db import connection, transaction
from django.db.models import QuerySet

from agents.knowledge import renewal
from agents.knowledge.indexing import index_again, index_document
from agents.models import Chunk, Document
from agents.tests.knowledge.former import former_pack

pytestmark = [pytest.mark.threaded, pytest.mark.django_db(transaction=True)]


def race_with_an_index(monkeypatch) -> list[str]:
    """Let a document get another text while it is renewed; return its passages."""
    former_pack("# Old\n\nOld text.")
    document = Document.objects.get()
    looked, stored = threading.Event(), threading.Event()
    replace = renewal.replace_passages

    def wait(*args):
        looked.set()
        stored.wait(timeout=1.5)
        replace(*args)

    monkeypatch.setattr(renewal, "replace_passages", wait)

    def renew():
        renewal.renew_document(document)
        connection.close()

    thread = threading.Thread(target=renew)
    thread.start()
    looked.wait(timeout=20)
    with transaction.atomic():
        Document.objects.update(content="# Old\n\nNew text.")
        index_again(document.knowledge_pack)
    index_document(str(document.pk))
    stored.set()
    thread.join()
    return list(Chunk.objects.values_list("text", flat=True))


def test_a_new_text_waits_for_the_renewal_and_then_wins(monkeypatch):
    assert race_with_an_index(monkeypatch) == ["New text."]


def test_without_the_lock_the_old_text_would_win(monkeypatch):
    unlocked = QuerySet.all
    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, **_: unlocked(self))
    assert race_with_an_index(monkeypatch) == ["Old text."]


def test_health_counts_the_packs_that_are_left(client):
    before = knowledge_of(client)
    former_pack("# Old\n\nOld text.")
    after = knowledge_of(client)
    assert after["details"]["packs"] == before["details"]["packs"] + 1
    assert after["details"]["to_be_indexed_anew"] == (
        before["details"]["to_be_indexed_anew"] + 1
    )
    assert after["status"] == "healthy"


def knowledge_of(client):
    components = client.get("/health").json()["components"]
    return next(each for each in components if each["name"] == "knowledge")
