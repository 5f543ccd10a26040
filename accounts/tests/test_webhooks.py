"""Webhooks from the event to the receiver, who is a real one on loopback."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier, Event

import pytest
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from accounts import endpoints, webhooks
from accounts.models import (
    AuditLog,
    Organization,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
    WorkStatus,
)
from accounts.outbound import Answer
from accounts.tests.factories import MembershipFactory, make_webhook
from accounts.tests.receivers import misbehaving, receiving

EVENT = WebhookEvent.AGENT_CREATED


@pytest.fixture(autouse=True)
def _loopback(settings):
    settings.OUTBOUND_ALLOWED_NETWORKS = ["127.0.0.0/8"]


def publish(member, event=EVENT, **data):
    """Publish an event and return its only delivery."""
    organization = Organization.objects.get(pk=member.organization_id)
    assert webhooks.publish(organization, event, data or {"id": "1"}) == 1
    return WebhookDelivery.objects.first()


def send(member, receiver, **options):
    """Make a webhook to a receiver, publish an event and deliver it once."""
    make_webhook(member, receiver.url)
    return webhooks.deliver(str(publish(member).pk), **options)


def make_due():
    WebhookDelivery.objects.update(run_after=timezone.now() - timedelta(seconds=1))


# --- What arrives -----------------------------------------------------------
def test_a_delivery_verifies_with_the_standard_library(ada):
    with receiving() as receiver:
        _, secret = make_webhook(ada, receiver.url)
        delivery = webhooks.deliver(publish(ada, agent_public_id="a1").pk)
    assert delivery.status == WorkStatus.DONE
    headers, body = receiver.requests[0]
    event = Webhook(secret).verify(body, headers)
    assert event["type"] == "agent.created"
    assert event["data"] == {"agent_public_id": "a1"}
    assert event["timestamp"].endswith("Z")
    assert headers["webhook-id"] == delivery.message_id
    assert headers["Content-Type"] == "application/json"


def test_a_changed_body_or_another_secret_does_not_verify(ada):
    with receiving() as receiver:
        _, secret = make_webhook(ada, receiver.url)
        webhooks.deliver(publish(ada).pk)
    headers, body = receiver.requests[0]
    for key, text in ((secret, body + b" "), (endpoints.new_secret(), body)):
        with pytest.raises(WebhookVerificationError):
            Webhook(key).verify(text, headers)


def test_both_secrets_verify_during_a_rotation_and_only_the_new_one_after(ada):
    with receiving() as receiver:
        endpoint, old = make_webhook(ada, receiver.url)
        _, new = endpoints.rotate_secret(endpoint=endpoint, actor=ada.user)
        webhooks.deliver(publish(ada).pk)
        past = timezone.now() - timedelta(seconds=1)
        WebhookEndpoint.objects.update(previous_secret_expires_at=past)
        webhooks.deliver(publish(ada).pk)
    (during, body), (after, body_after) = receiver.requests
    for secret in (old, new):
        assert Webhook(secret).verify(body, during)
    assert Webhook(new).verify(body_after, after)
    with pytest.raises(WebhookVerificationError):
        Webhook(old).verify(body_after, after)


def test_the_secret_is_encrypted_in_the_database_and_absent_from_the_record(ada):
    endpoint, secret = make_webhook(ada, "https://example.com/hook")
    assert endpoint.secrets == [secret]
    kept = str(WebhookEndpoint.objects.values().get())
    kept += str(list(AuditLog.objects.values("detail__changes")))
    assert secret.removeprefix("whsec_") not in kept


def test_id_and_body_stay_the_same_over_attempts_and_a_replay(ada):
    with receiving(status=500) as receiver:
        delivery = send(ada, receiver)
        make_due()
        webhooks.deliver(delivery.pk)
        endpoints.replay_delivery(delivery=delivery, actor=ada.user)
        webhooks.deliver(delivery.pk)
    assert len(receiver.requests) == 3
    assert len({headers["webhook-id"] for headers, _ in receiver.requests}) == 1
    assert len({body for _, body in receiver.requests}) == 1


# --- Who is told ------------------------------------------------------------
def test_only_subscribed_active_endpoints_of_the_organization_are_told(ada, cy):
    wanted, _ = make_webhook(ada, "https://a.example/", events=[EVENT])
    make_webhook(ada, "https://b.example/", events=[WebhookEvent.AGENT_DELETED])
    make_webhook(ada, "https://c.example/", is_active=False)
    make_webhook(cy, "https://d.example/")
    assert publish(ada).endpoint == wanted
    assert WebhookDelivery.objects.count() == 1


def test_without_webhooks_an_event_costs_no_query(ada, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert webhooks.publish(ada.organization, EVENT, {}) == 0


@pytest.mark.parametrize("how_many", [1, 10])
def test_an_event_costs_the_same_however_many_listen(
    ada, how_many, django_assert_num_queries
):
    for number in range(how_many):
        make_webhook(ada, f"https://example.com/{number}")
    organization = Organization.objects.get(pk=ada.organization_id)
    with django_assert_num_queries(2):  # who listens; their deliveries
        assert webhooks.publish(organization, EVENT, {}) == how_many


def test_an_event_of_a_transaction_undone_is_not_sent(ada):
    make_webhook(ada, "https://example.com/")
    with transaction.atomic():
        publish(ada)
        transaction.set_rollback(True)
    assert not WebhookDelivery.objects.exists()


def test_the_flag_follows_the_endpoints(ada):
    def flag():
        return Organization.objects.get(pk=ada.organization_id).has_webhooks

    assert not flag()
    endpoint, _ = make_webhook(ada, "https://example.com/")
    assert flag()
    change = {"endpoint": endpoint, "actor": ada.user}
    endpoints.update_endpoint(**change, changes={"is_active": False})
    assert not flag()
    endpoints.update_endpoint(**change, changes={"is_active": True})
    assert flag()
    endpoints.delete_endpoint(**change)
    assert not flag()


# --- What counts as success, and what follows -------------------------------
@pytest.mark.parametrize("status", [200, 201, 299])
def test_any_2xx_is_success(ada, status):
    with receiving(status=status) as receiver:
        assert send(ada, receiver).status == WorkStatus.DONE


@pytest.mark.parametrize("status", [301, 302, 307, 400, 404, 429, 500, 503])
def test_anything_else_is_tried_again_and_no_redirect_is_followed(ada, status):
    with receiving() as elsewhere:
        location = {"Location": elsewhere.url}
        with receiving(status=status, headers=location) as receiver:
            delivery = send(ada, receiver)
    assert delivery.status == WorkStatus.PENDING
    assert delivery.response_status == status
    assert 5 <= (delivery.run_after - timezone.now()).total_seconds() + 1 <= 7
    assert len(receiver.requests) == 1
    assert not elsewhere.requests


def test_every_attempt_is_kept_with_the_first_2_kb_of_its_answer(ada):
    with receiving(status=500, body=b"oh no \x00\xff " + b"x" * 2_000_000) as receiver:
        delivery = send(ada, receiver)
    attempt = delivery.attempts.get()
    assert attempt.response_status == 500
    assert attempt.response_body.startswith("oh no \ufffd\ufffd xxx")
    assert len(attempt.response_body) == 2048
    assert attempt.error == "The receiver answered 500."


def test_the_schedule_is_that_of_the_standard_with_a_jitter(ada):
    for tries, seconds in enumerate(webhooks.SCHEDULE[1:], start=1):
        delays = {webhooks.delay_after(tries, None) for _ in range(20)}
        assert len(delays) > 1
        assert all(seconds <= delay <= seconds * 1.1 for delay in delays)
    assert webhooks.SCHEDULE[:5] == (0, 5, 300, 1800, 7200)
    assert sum(webhooks.SCHEDULE) / 3600 == pytest.approx(75.6, abs=0.1)


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("120", 120, 120),
        ("999999999999", 86_400, 86_400),
        ("Fri, 01 Jan 2100 00:00:00 GMT", 86_400, 86_400),
        ("Fri, 01 Jan 1999 00:00:00 GMT", 5, 5.5),
        ("soon", 5, 5.5),
        ("-5", 5, 5.5),
        ("", 5, 5.5),
    ],
)
def test_retry_after_is_honoured_up_to_a_day(text, least, most):
    delay = webhooks.delay_after(1, Answer(503, {"retry-after": text}, b""))
    assert least <= delay <= most


def test_a_receiver_that_asks_for_time_gets_it(ada):
    with receiving(status=503, headers={"Retry-After": "600"}) as receiver:
        delivery = send(ada, receiver)
    assert 590 < (delivery.run_after - timezone.now()).total_seconds() <= 600


def test_410_disables_the_endpoint_and_tells_its_owners(ada, bo, mailoutbox):
    with receiving(status=410) as receiver:
        delivery = send(ada, receiver)
    endpoint = WebhookEndpoint.objects.get()
    assert delivery.status == WorkStatus.FAILED
    assert not endpoint.is_active
    assert "410" in endpoint.disabled_reason
    assert not Organization.objects.get(pk=ada.organization_id).has_webhooks
    assert [mail.to for mail in mailoutbox] == [[ada.user.email]]
    assert f"/webhooks/{endpoint.pk}/" in mailoutbox[0].body
    row = AuditLog.objects.order_by("sequence").last()
    assert (row.action, row.actor_type) == ("UPDATE", "system")


def test_a_delivery_that_used_up_its_attempts_disables_the_endpoint(ada, mailoutbox):
    with receiving(status=500) as receiver:
        delivery = send(ada, receiver)
        for _ in range(9):
            assert WebhookEndpoint.objects.get().is_active
            assert not mailoutbox
            make_due()
            delivery = webhooks.deliver(delivery.pk)
        make_due()
        assert webhooks.deliver(delivery.pk) is None
    assert len(receiver.requests) == 10
    assert delivery.status == WorkStatus.FAILED
    assert WebhookAttempt.objects.count() == 10
    assert "10 times" in WebhookEndpoint.objects.get().disabled_reason
    assert len(mailoutbox) == 1


def test_a_delivery_is_not_sent_before_its_time(ada):
    with receiving(status=500) as receiver:
        delivery = send(ada, receiver)
        assert webhooks.deliver(delivery.pk) is None
    assert len(receiver.requests) == 1


def test_a_paused_endpoint_gets_nothing(ada):
    with receiving() as receiver:
        endpoint, _ = make_webhook(ada, receiver.url)
        delivery = publish(ada)
        endpoints.update_endpoint(
            endpoint=endpoint, actor=ada.user, changes={"is_active": False}
        )
        delivery = webhooks.deliver(delivery.pk)
    assert delivery.status == WorkStatus.FAILED
    assert not receiver.requests


def test_a_test_event_is_tried_once_also_while_paused(ada):
    with receiving(status=500) as receiver:
        endpoint, _ = make_webhook(ada, receiver.url, is_active=False)
        delivery = endpoints.send_test_event(endpoint=endpoint, actor=ada.user)
        delivery = webhooks.deliver(delivery.pk)
    assert delivery.status == WorkStatus.FAILED
    assert json.loads(receiver.requests[0][1])["type"] == "webhook.test"


def test_a_secret_nobody_can_read_any_more_is_an_error_in_the_log(ada, settings):
    with receiving() as receiver:
        make_webhook(ada, receiver.url)
        delivery = publish(ada)
        settings.SECRET_KEY = "another key " * 6
        delivery = webhooks.deliver(delivery.pk)
    assert "rotate it" in delivery.last_error
    assert not receiver.requests


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
