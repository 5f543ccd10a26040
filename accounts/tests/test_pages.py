"""The pages of keys, organizations and the way in."""

import re
import secrets
from datetime import timedelta

import pytest
from django.core import mail
from django.urls import reverse
from django.utils import timezone

from accounts.access.api_keys import create_api_key
from accounts.models import APIKey, Membership, Role, Scope
from accounts.tests.factories import (
    PASSWORD,
    MembershipFactory,
    OrganizationFactory,
    person_who_signs_in,
)

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


def test_a_member_of_two_looks_at_the_one_chosen(browser_of, ada):
    other = OrganizationFactory(name="Rye Bakery")
    MembershipFactory(user=ada.user, organization=other)
    client = browser_of(ada)
    url = reverse("accounts:switch_organization")
    assert client.post(url, {"organization": other.pk}).status_code == 302
    assert "Rye Bakery · owner" in client.get(KEYS).content.decode()


@pytest.mark.parametrize("asked", ["", "x", "-1", "1" * 30, "\u0661"])
def test_a_switch_to_nonsense_is_not_found(browser_of, ada, asked):
    url = reverse("accounts:switch_organization")
    assert browser_of(ada).post(url, {"organization": asked}).status_code == 404


def test_a_stranger_cannot_switch_to_our_organization(browser_of, ada, cy):
    url = reverse("accounts:switch_organization")
    asked = {"organization": ada.organization_id}
    assert browser_of(cy).post(url, asked).status_code == 404


def test_a_removed_member_falls_back_to_an_organization_of_theirs(browser_of, ada):
    other = MembershipFactory(user=ada.user, organization__name="Rye Bakery")
    client = browser_of(ada)
    client.post(
        reverse("accounts:switch_organization"), {"organization": other.organization_id}
    )
    Membership.objects.filter(pk=other.pk).delete()
    assert "Harbor Coffee · owner" in client.get(KEYS).content.decode()


@pytest.fixture
def mara(db, client):
    """Somebody with a password, at an address nobody has tried before.

    Sign-in and reset are limited by address, and the counters outlive a test.
    """
    token = secrets.token_hex(6)
    client.defaults["REMOTE_ADDR"] = f"2001:db8:{token[:4]}:{token[4:8]}:{token[8:]}::"
    user = person_who_signs_in()
    MembershipFactory(user=user, role=Role.OWNER)
    return user


def test_signing_in_leads_where_one_wanted_to_go(client, mara):
    response = client.post(
        reverse("account_login"),
        {"login": mara.email.upper(), "password": PASSWORD, "next": KEYS},
    )
    assert response["Location"] == KEYS


def test_signing_in_never_leads_to_another_site(client, mara):
    response = client.post(
        reverse("account_login"),
        {"login": mara.email, "password": PASSWORD, "next": "//evil.example"},
    )
    assert response["Location"] == "/"


def test_a_wrong_password_is_refused_in_words(client, mara):
    response = client.post(
        reverse("account_login"), {"login": mara.email, "password": "wrong"}
    )
    assert "not correct" in response.content.decode()


def test_signing_out_ends_the_session(client, mara):
    client.force_login(mara)
    client.post(reverse("account_logout"))
    assert client.get(KEYS).status_code == 302


def test_a_forgotten_password_is_reset_by_mail(
    client, mara, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        client.post(reverse("account_reset_password"), {"email": mara.email})
    message = mail.outbox[0]
    assert message.subject.endswith("Choose a new password")
    assert message.alternatives[0].mimetype == "text/html"
    link = re.search(r"http://\S+", message.body)[0]
    form = client.get(link, follow=True)
    new = {
        "password1": "another fine passphrase",
        "password2": "another fine passphrase",
    }
    done = client.post(form.request["PATH_INFO"], new, follow=True)
    assert "Password saved" in done.content.decode()
    mara.refresh_from_db()
    assert mara.check_password(new["password1"])


def test_a_reset_link_works_once(client, mara, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        client.post(reverse("account_reset_password"), {"email": mara.email})
    link = re.search(r"http://\S+", mail.outbox[0].body)[0]
    mara.set_password("changed meanwhile, quite long")
    mara.save()
    assert "no longer works" in client.get(link, follow=True).content.decode()


def test_an_unknown_address_is_answered_like_a_known_one(client, mara):
    url = reverse("account_reset_password")
    known = client.post(url, {"email": mara.email}, follow=True)
    unknown = client.post(url, {"email": f"no-{mara.email}"}, follow=True)
    assert known.content == unknown.content


@pytest.mark.parametrize(
    "name",
    [
        "account_login",
        "account_signup",
        "account_reset_password",
        "account_reset_password_done",
        "account_reset_password_from_key_done",
        "account_inactive",
    ],
)
def test_every_page_of_the_entrance_is_our_own(client, db, name):
    response = client.get(reverse(name))
    assert response.status_code == 200
    assert "Agents you can vouch for" in response.content.decode()


@pytest.mark.parametrize(
    "name",
    ["account_change_password", "account_email", "account_logout"],
)
def test_every_page_about_an_account_is_our_own(browser_of, ada, name):
    ada.user.set_password(PASSWORD)
    ada.user.save()
    response = browser_of(ada).get(reverse(name), follow=True)
    assert response.status_code == 200
    assert "Agents you can vouch for" in response.content.decode()


def test_too_many_tries_are_refused_on_a_page_of_ours(client, mara):
    wrong = {"login": mara.email, "password": "wrong"}
    for _ in range(5):
        client.post(reverse("account_login"), wrong)
    right = {"login": mara.email, "password": PASSWORD}
    page = client.post(reverse("account_login"), right).content.decode()
    assert "Too many" in page
    assert client.get(KEYS).status_code == 302
