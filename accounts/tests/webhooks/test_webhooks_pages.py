"""The pages about webhooks."""

import re

import pytest
from django.urls import reverse

from accounts.models import Role, WebhookDelivery, WebhookEndpoint
from accounts.tests.factories import MembershipFactory, make_webhook
from accounts.tests.webhooks.receivers import receiving
from accounts.webhooks import delivery as webhooks
from accounts.webhooks import endpoints

PAGE = "/webhooks/"
FORM = {"url": "https://example.com/h?a=1&b=2", "events": ["agent.created"]}


@pytest.fixture
def browser(browser_of, ada):
    return browser_of(ada)


@pytest.fixture
def endpoint(ada):
    return make_webhook(ada, "https://example.com/h?a=1&b=2", description="Till")[0]


@pytest.fixture
def delivery(ada, endpoint):
    return endpoints.send_test_event(endpoint=endpoint, actor=ada.user)


def address(name, *args):
    return reverse(f"accounts:{name}", args=args)


def test_an_empty_list_says_what_to_do(browser):
    page = browser.get(PAGE).content.decode()
    assert "Nobody is told yet" in page
    assert 'aria-current="page"' in page


def test_a_new_webhooks_secret_is_shown_once(browser):
    page = browser.post(PAGE, FORM).content.decode()
    endpoint = WebhookEndpoint.objects.get()
    assert endpoint.secrets[0] in page
    assert "no-store" in browser.get(PAGE)["Cache-Control"]
    for path in (PAGE, address("webhook", endpoint.pk)):
        assert "whsec_" not in browser.get(path).content.decode()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"url": "https://127.0.0.1/"}, "no public address"),
        ({"url": "http://example.com/"}, "begins with https://"),
        ({"url": ""}, "This field is required"),
        ({"events": ["nonsense"]}, "nonsense"),
        ({"events": []}, "This field is required"),
    ],
)
def test_a_wrong_value_is_said_at_its_field(browser, change, said):
    page = browser.post(PAGE, FORM | change).content.decode()
    assert said in page
    assert not WebhookEndpoint.objects.exists()


def test_a_webhook_is_changed(browser, endpoint):
    form = FORM | {"description": "Shop", "events": ["agent.deleted"]}
    browser.post(address("webhook", endpoint.pk), form)
    endpoint.refresh_from_db()
    assert (endpoint.description, endpoint.events) == ("Shop", ["agent.deleted"])
    page = browser.get(address("webhook", endpoint.pk)).content.decode()
    assert "https://example.com/h?a=1&amp;b=2" in page
    assert "&amp;amp;" not in page


def test_a_webhook_is_paused_switched_on_and_deleted(browser, endpoint):
    switch = address("switch_webhook", endpoint.pk)
    assert "Paused" in browser.post(switch, follow=True).content.decode()
    browser.post(switch, {"is_active": "yes"})
    endpoint.refresh_from_db()
    assert endpoint.is_active
    browser.post(address("delete_webhook", endpoint.pk))
    assert not WebhookEndpoint.objects.exists()


def test_why_a_webhook_was_switched_off_is_said(browser, endpoint):
    WebhookEndpoint.objects.update(is_active=False, disabled_reason="It is <gone>.")
    page = browser.get(address("webhook", endpoint.pk)).content.decode()
    assert "It is &lt;gone&gt;." in page
    assert "Switched off" in browser.get(PAGE).content.decode()


def test_a_rotated_secret_is_shown_once(browser, endpoint):
    page = browser.post(address("rotate_webhook", endpoint.pk)).content.decode()
    endpoint.refresh_from_db()
    assert endpoint.secrets[0] in page
    assert endpoint.secrets[1] not in page


def test_a_test_event_is_seen_to_arrive_and_is_replayed(browser, ada, settings):
    settings.OUTBOUND_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with receiving(status=500, body=b"<b>no</b>") as receiver:
        endpoint, _ = make_webhook(ada, receiver.url)
        answer = browser.post(address("test_webhook", endpoint.pk))
        delivery = WebhookDelivery.objects.get()
        one = address("webhook_delivery", endpoint.pk, delivery.pk)
        assert answer["Location"] == one
        assert "It waits for a worker" in browser.get(one).content.decode()
        webhooks.deliver(delivery.pk)
        page = browser.get(one).content.decode()
        assert "&lt;b&gt;no&lt;/b&gt;" in page
        assert "webhook.test" in page
        assert "The receiver answered 500." in page
        replay = address("replay_webhook", endpoint.pk, delivery.pk)
        said = browser.post(replay, follow=True).content.decode()
        assert "It is being sent again" in said
        webhooks.deliver(delivery.pk)
    assert len(receiver.requests) == 2
    log = browser.get(address("webhook", endpoint.pk)).content.decode()
    assert re.search(r"Failed.*500", log, re.DOTALL)


def test_a_refused_replay_says_why(browser, endpoint, delivery):
    webhooks.claim(
        WebhookDelivery, delivery.pk, lease_seconds=60, give_up=webhooks.give_up
    )
    replay = address("replay_webhook", endpoint.pk, delivery.pk)
    assert "right now" in browser.post(replay, follow=True).content.decode()


def pages(endpoint, delivery):
    names = ("rotate_webhook", "switch_webhook", "delete_webhook", "test_webhook")
    return [
        ("get", address("webhook", endpoint.pk)),
        ("post", address("webhook", endpoint.pk)),
        *(("post", address(name, endpoint.pk)) for name in names),
        ("get", address("webhook_delivery", endpoint.pk, delivery.pk)),
        ("post", address("replay_webhook", endpoint.pk, delivery.pk)),
    ]


def test_a_stranger_finds_nothing(client, cy, endpoint, delivery):
    client.force_login(cy.user)
    for method, path in pages(endpoint, delivery):
        assert getattr(client, method)(path, FORM).status_code == 404, path
    assert "example.com" not in client.get(PAGE).content.decode().split("new")[0]
    assert WebhookEndpoint.objects.get().is_active
    assert WebhookDelivery.objects.count() == 1


@pytest.mark.parametrize("role", [Role.EDITOR, Role.VIEWER])
def test_who_does_not_manage_is_refused(client, harbor, endpoint, delivery, role):
    client.force_login(MembershipFactory(organization=harbor, role=role).user)
    for method, path in [("get", PAGE), ("post", PAGE), *pages(endpoint, delivery)]:
        assert getattr(client, method)(path, FORM).status_code == 403, path
    assert PAGE not in client.get("/members/").content.decode()


def test_the_pages_need_somebody_signed_in(client, endpoint, delivery):
    for method, path in [("get", PAGE), *pages(endpoint, delivery)]:
        assert "login" in getattr(client, method)(path)["Location"]


@pytest.mark.parametrize("how_many", [1, 20])
def test_the_pages_cost_the_same_however_much_they_list(
    browser, ada, how_many, django_assert_num_queries
):
    for number in range(how_many):
        endpoint, _ = make_webhook(ada, f"https://example.com/{number}")
    for _ in range(how_many):
        endpoints.send_test_event(endpoint=endpoint, actor=ada.user)
    browser.get(PAGE)
    # session, user, memberships; the count, the page
    with django_assert_num_queries(5):
        browser.get(PAGE)
    with django_assert_num_queries(6):  # and the webhook
        browser.get(address("webhook", endpoint.pk))
