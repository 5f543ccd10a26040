"""Webhooks against bad receivers, inner addresses and many workers."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier, Event

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import WebhookAttempt, WebhookDelivery, WorkStatus
from accounts.tests.factories import MembershipFactory, make_webhook
from accounts.tests.webhooks.receivers import misbehaving, receiving
from accounts.tests.webhooks.telling import publish, send
from accounts.webhooks import delivery as webhooks


@pytest.fixture(autouse=True)
def _loopback(settings):
    settings.OUTBOUND_ALLOWED_NETWORKS = ["127.0.0.0/8"]


# --- Receivers that misbehave -----------------------------------------------
def drip(text):
    """Send a byte now and then, for as long as anybody listens."""

    def talk(connection):
        for byte in text:
            connection.sendall(bytes([byte]))
            time.sleep(0.02)

    return talk


def test_slow_headers_cannot_hold_a_worker(ada, monkeypatch):
    monkeypatch.setattr(webhooks, "TIMEOUT_SECONDS", 0.4)
    with misbehaving(drip(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200)) as receiver:
        begun = time.monotonic()
        delivery = send(ada, receiver)
    assert time.monotonic() - begun < 2
    assert delivery.last_error == "No answer within 0.4 s."
    assert delivery.status == WorkStatus.PENDING


def test_a_dripping_body_cannot_hold_a_worker_and_its_status_counts(ada, monkeypatch):
    monkeypatch.setattr(webhooks, "TIMEOUT_SECONDS", 0.4)
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"
    with misbehaving(
        lambda connection: (connection.sendall(head), drip(b"a" * 5000)(connection))
    ) as receiver:
        begun = time.monotonic()
        delivery = send(ada, receiver)
    assert time.monotonic() - begun < 2
    assert delivery.status == WorkStatus.DONE
    assert set(delivery.attempts.get().response_body) == {"a"}


def test_silence_ends_at_the_deadline(ada, monkeypatch):
    monkeypatch.setattr(webhooks, "TIMEOUT_SECONDS", 0.3)
    released = Event()
    with misbehaving(lambda connection: released.wait(30)) as receiver:
        delivery = send(ada, receiver)
        released.set()
    assert delivery.last_error == "No answer within 0.3 s."


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 20", b"\x16\x03\x01 nonsense\r\n\r\n", b"a" * 100_000]
)
def test_a_connection_cut_or_spoken_wrongly_is_a_failure(ada, answer):
    with misbehaving(lambda connection: connection.sendall(answer)) as receiver:
        delivery = send(ada, receiver)
    assert delivery.status == WorkStatus.PENDING
    assert delivery.last_error == "The connection was cut before an answer came."


def test_nobody_listening_is_a_failure(ada):
    with receiving() as receiver:
        pass
    delivery = send(ada, receiver)
    assert delivery.last_error == "The connection was refused."


# --- Addresses --------------------------------------------------------------
def test_loopback_is_refused_by_default(ada, settings):
    with receiving() as receiver:
        make_webhook(ada, receiver.url)
        settings.OUTBOUND_ALLOWED_NETWORKS = []
        delivery = webhooks.deliver(publish(ada).pk)
    assert delivery.last_error == "The host has no public address."
    assert not receiver.requests


def test_an_answer_that_changes_after_the_check_is_never_used(ada):
    answers = [["127.0.0.1"], ["10.0.0.1"], ["169.254.169.254"]]
    asked = []

    def fickle(host, port):
        asked.append(host)
        return answers.pop(0)

    with receiving() as receiver:
        url = f"http://hooks.example:{receiver.port}/"
        make_webhook(ada, url)
        delivery = webhooks.deliver(publish(ada).pk, resolver=fickle)
    assert delivery.status == WorkStatus.DONE
    assert asked == ["hooks.example"]
    assert receiver.requests[0][0]["Host"] == f"hooks.example:{receiver.port}"


def test_plain_http_does_not_leave_the_private_network(ada):
    make_webhook(ada, "http://hooks.example/")
    delivery = webhooks.deliver(publish(ada).pk, resolver=lambda *_: ["8.8.8.8"])
    assert delivery.last_error == "Only https may leave the private network."


# --- At once ----------------------------------------------------------------
@pytest.mark.threaded
@pytest.mark.django_db(transaction=True)
def test_two_workers_send_a_delivery_once():
    owner = MembershipFactory()
    together = Barrier(2)

    def work(delivery_id):
        together.wait(timeout=30)
        try:
            return webhooks.deliver(delivery_id)
        finally:
            connections.close_all()

    with receiving(wait=lambda: time.sleep(0.2)) as receiver:
        make_webhook(owner, receiver.url)
        delivery = publish(owner)
        with ThreadPoolExecutor(2) as pool:
            done = list(pool.map(work, [delivery.pk] * 2))
    assert len(receiver.requests) == 1
    assert [row is None for row in done].count(True) == 1
    assert WebhookAttempt.objects.count() == 1


@pytest.mark.threaded
@pytest.mark.django_db(transaction=True)
def test_a_slow_receiver_holds_no_more_than_two_workers():
    owner = MembershipFactory()
    released = Event()

    def work(delivery_id):
        try:
            return webhooks.deliver(delivery_id)
        finally:
            connections.close_all()

    with receiving(wait=lambda: released.wait(30)) as receiver:
        make_webhook(owner, receiver.url)
        ids = [publish(owner).pk for _ in range(3)]
        with ThreadPoolExecutor(3) as pool:
            first = [pool.submit(work, one) for one in ids[:2]]
            until = time.monotonic() + 20
            while len(receiver.requests) < 2 and time.monotonic() < until:
                time.sleep(0.01)
            assert work(ids[2]) is None
            released.set()
            assert all(one.result(30) for one in first)
        assert work(ids[2]).status == WorkStatus.DONE


@pytest.mark.threaded
@pytest.mark.django_db(transaction=True)
def test_a_late_worker_stores_nothing():
    owner = MembershipFactory()
    with receiving() as receiver:
        make_webhook(owner, receiver.url)
        delivery = publish(owner)

        def taken_over(host, port):
            WebhookDelivery.objects.update(attempt=7)
            connections.close_all()
            return ["127.0.0.1"]

        webhooks.deliver(delivery.pk, resolver=taken_over)
    delivery.refresh_from_db()
    assert delivery.status == WorkStatus.RUNNING
    assert not WebhookAttempt.objects.exists()


def test_old_deliveries_are_forgotten(ada, settings):
    make_webhook(ada, "https://example.com/")
    old, kept = publish(ada), publish(ada)
    long_ago = timezone.now() - timedelta(days=settings.WEBHOOK_LOG_DAYS, seconds=1)
    WebhookDelivery.objects.filter(pk=old.pk).update(
        status=WorkStatus.DONE, finished_at=long_ago
    )
    assert webhooks.forget_old_deliveries() == 1
    assert WebhookDelivery.objects.get().pk == kept.pk


def test_a_delivery_costs_a_bounded_number_of_queries(ada):
    with receiving() as receiver:
        make_webhook(ada, receiver.url)
        delivery = publish(ada)
        with CaptureQueriesContext(connection) as queries:
            webhooks.deliver(delivery.pk)
    assert len(queries) < 20, [query["sql"][:80] for query in queries]
