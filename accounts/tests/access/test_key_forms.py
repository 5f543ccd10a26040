"""The page of API keys: making one, revoking one, and who sees them."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.access.api_keys import create_api_key
from accounts.models import APIKey, Scope

KEYS = reverse("accounts:api_keys")
NEW_KEY = {
    "name": "Shop backend",
    "scopes": ["agents:read", "chat"],
    "rate_limit_tier": "free",
    "expires_in": "30",
}


def test_a_new_key_is_shown_this_once(browser_of, ada):
    client = browser_of(ada)
    raw = re.search(
        r"ya_live_[0-9A-Za-z]{36}", client.post(KEYS, NEW_KEY).content.decode()
    )
    assert APIKey.all_objects.for_raw(raw[0]).scopes == ["agents:read", "chat"]
    assert raw[0] not in client.get(KEYS).content.decode()


def test_the_page_with_a_new_key_is_stored_nowhere(browser_of, ada):
    response = browser_of(ada).post(KEYS, NEW_KEY)
    assert "no-store" in response["Cache-Control"]


def test_a_key_expires_when_its_form_said(browser_of, ada):
    browser_of(ada).post(KEYS, NEW_KEY)
    rest = APIKey.objects.get().expires_at - timezone.now()
    assert timedelta(days=29) < rest <= timedelta(days=30)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": ""}, "This field is required"),
        ({"scopes": []}, "This field is required"),
        ({"scopes": ["everything"]}, "everything is not one of the available choices"),
        ({"rate_limit_tier": "enterprise"}, "enterprise is not one of"),
    ],
)
def test_a_wrong_form_makes_no_key_and_says_why(browser_of, ada, wrong, words):
    response = browser_of(ada).post(KEYS, NEW_KEY | wrong)
    assert words in response.content.decode()
    assert not APIKey.objects.exists()


def test_a_revoked_key_opens_no_door(browser_of, ada):
    key, raw = create_api_key(
        user=ada.user, organization=ada.organization, name="Old", scopes=[Scope.CHAT]
    )
    url = reverse("accounts:revoke_api_key", args=[key.pk])
    assert "Old is revoked" in browser_of(ada).post(url, follow=True).content.decode()
    assert APIKey.all_objects.for_raw(raw) is None


def test_a_stranger_cannot_revoke_a_key(browser_of, ada, cy):
    key, raw = create_api_key(
        user=ada.user, organization=ada.organization, name="Ours", scopes=[Scope.CHAT]
    )
    url = reverse("accounts:revoke_api_key", args=[key.pk])
    assert browser_of(cy).post(url).status_code == 404
    assert APIKey.all_objects.for_raw(raw) is not None


def test_a_stranger_does_not_see_our_keys(browser_of, ada, cy):
    create_api_key(
        user=ada.user, organization=ada.organization, name="Ours", scopes=[Scope.CHAT]
    )
    assert "Ours" not in browser_of(cy).get(KEYS).content.decode()


def test_a_viewer_may_not_see_the_keys(browser_of, bo):
    assert browser_of(bo).get(KEYS).status_code == 403


def test_nobody_sees_keys_without_signing_in(client, db):
    assert client.get(KEYS)["Location"].startswith(reverse("account_login"))


@pytest.mark.parametrize("how_many", [1, 20])
def test_the_key_list_costs_the_same_however_long(
    browser_of, ada, how_many, django_assert_num_queries
):
    for number in range(how_many):
        create_api_key(
            user=ada.user,
            organization=ada.organization,
            name=f"Key {number}",
            scopes=[Scope.CHAT],
        )
    client = browser_of(ada)
    client.get(KEYS)
    # The session, the user, the memberships, the agents, the count, the page.
    with django_assert_num_queries(6):
        client.get(KEYS)
