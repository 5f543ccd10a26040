"""Webhooks from the event to the receiver, who is a real one on loopback."""

import json
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from accounts.models import (
    AuditLog,
    Organization,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
    WorkStatus,
)
from accounts.outbound.requests import Answer
from accounts.tests.factories import make_webhook
from accounts.tests.webhooks.receivers import receiving
from accounts.tests.webhooks.telling import EVENT, make_due, publish, send
from accounts.webhooks import delivery as webhooks
from accounts.webhooks import endpoints


@pytest.fixture(autouse=True)
def _loopback(settings):
    settings.OUTBOUND_ALLOWED_NETWORKS = ["127.0.0.0/8"]


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
