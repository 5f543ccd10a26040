"""A scope that opens nothing yet is not offered; a key that has it keeps it."""

import pytest
from django.urls import reverse

from accounts.access.api_keys import create_api_key, restore_api_key, revoke_api_key
from accounts.errors import Invalid
from accounts.models import APIKey, Scope
from accounts.tests.factories import make_key
from accounts.views.forms.forms import SCOPE_WORDS

pytestmark = pytest.mark.django_db
SCOPES = ["chat", "widget:sessions"]


@pytest.fixture
def key(ada):
    """A key from when the scope was offered."""
    make_key(ada, name="Till")
    APIKey.objects.update(scopes=SCOPES)
    return APIKey.objects.get()


def test_the_api_gives_it_to_no_new_key(api):
    answer = api.post(
        "/api/v1/api-keys/", {"name": "Till", "scopes": SCOPES}, format="json"
    )
    assert answer.status_code == 400
    assert [each["pointer"] for each in answer.json()["errors"]] == ["/scopes/1"]
    assert APIKey.objects.count() == 1


def test_no_door_gives_it_to_a_new_key(ada):
    with pytest.raises(Invalid) as refusal:
        create_api_key(
            user=ada.user, organization=ada.organization, name="Till", scopes=SCOPES
        )
    assert refusal.value.pointer == "/scopes"


def test_the_page_offers_what_there_is_and_nothing_else(browser_of, ada):
    page = browser_of(ada).get(reverse("accounts:api_keys"))
    offered = [value for value, _ in page.context["form"].fields["scopes"].choices]
    assert "widget:sessions" not in page.content.decode()
    assert set(offered) == set(Scope.offered()) == set(SCOPE_WORDS)


def test_a_key_that_has_it_is_shown_rotated_and_brought_back_with_it(
    browser_of, ada, key
):
    browser = browser_of(ada)
    page = browser.get(reverse("accounts:api_keys")).content.decode()
    assert "widget:sessions, not available yet" in page
    assert "chat, not available yet" not in page
    answer = browser.post(
        f"/api/v1/api-keys/{key.pk}/rotate/", {}, content_type="application/json"
    )
    assert answer.status_code == 201
    assert answer.json()["scopes"] == SCOPES
    revoke_api_key(key=key, actor=ada.user)
    assert restore_api_key(key=key, actor=ada.user).scopes == SCOPES
