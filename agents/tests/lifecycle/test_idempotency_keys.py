"""What an idempotency key remembers of rows that have no column for it."""

import pytest

from accounts.models import APIKey, IdempotencyKey
from accounts.models.lifecycle import request_fingerprint
from accounts.tests.factories import make_key
from agents.models import KnowledgePack, ProviderAccount

pytestmark = pytest.mark.django_db
PACKS = "/api/v1/knowledge-packs/"
KEY = {"Idempotency-Key": "k"}


def post(api, url, body):
    return api.post(url, body, format="json", headers=KEY)


def test_a_repetition_shows_what_the_row_is_by_now(api):
    pack = post(api, PACKS, {"name": "Returns"}).json()
    api.patch(f"{PACKS}{pack['id']}/", {"description": "Thirty days."}, format="json")
    again = post(api, PACKS, {"name": "Returns"})
    assert again.status_code == 200
    assert again.json()["description"] == "Thirty days."
    assert again["Location"] == f"{PACKS}{pack['id']}/"


def test_a_late_repetition_does_not_create_anew_what_was_deleted(api):
    pack = post(api, PACKS, {"name": "Returns"}).json()
    assert api.delete(f"{PACKS}{pack['id']}/").status_code == 204
    again = post(api, PACKS, {"name": "Returns"})
    assert (again.status_code, again.json()["code"]) == (410, "gone")
    assert not KnowledgePack.objects.exists()


def test_a_failure_leaves_the_key_unused(api):
    post(api, PACKS, {"name": "Returns"})
    refused = api.post(
        PACKS, {"name": "Returns", "idempotency_key": "other"}, format="json"
    )
    assert refused.status_code == 400
    assert IdempotencyKey.objects.count() == 1
    body = {"name": "Deliveries", "idempotency_key": "other"}
    assert api.post(PACKS, body, format="json").status_code == 201


def test_a_key_is_one_organizations_own(api, stranger_api):
    mine = post(api, PACKS, {"name": "Returns"}).json()
    theirs = post(stranger_api, PACKS, {"name": "Returns"})
    assert theirs.status_code == 201
    assert theirs.json()["id"] != mine["id"]


def test_a_key_names_what_it_created_once_for_each_kind(api):
    post(api, PACKS, {"name": "Returns"})
    body = {"shortcut": "hi", "text": "Hello."}
    assert post(api, "/api/v1/canned-replies/", body).status_code == 201


def test_of_a_request_with_a_secret_no_digest_is_kept_that_a_guess_could_show(
    browser_of, ada
):
    browser = browser_of(ada)
    body = {"name": "Main", "kind": "openai", "api_key": "sk-abc"}
    url = "/api/v1/providers/"
    kinds = "application/json"
    first = browser.post(url, body, content_type=kinds, headers=KEY)
    again = browser.post(url, body, content_type=kinds, headers=KEY)
    other = browser.post(
        url, body | {"api_key": "sk-abd"}, content_type=kinds, headers=KEY
    )
    assert [each.status_code for each in (first, again, other)] == [201, 200, 422]
    assert ProviderAccount.objects.count() == 1
    kept = IdempotencyKey.objects.get().request_fingerprint
    assert kept != request_fingerprint([{}, body])


def test_a_repetition_of_a_rotation_shows_no_secret(browser_of, ada):
    browser = browser_of(ada)
    make_key(ada)
    key = APIKey.objects.get()
    url = f"/api/v1/api-keys/{key.pk}/rotate/"
    first = browser.post(url, content_type="application/json", headers=KEY)
    again = browser.post(url, content_type="application/json", headers=KEY)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["key"].startswith("ya_live_")
    assert "key" not in again.json()
    assert APIKey.objects.count() == 2
