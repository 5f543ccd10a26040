"""The REST door to organizations, members, invitations and keys."""

from uuid import uuid4

import pytest
from django.test.utils import CaptureQueriesContext

from accounts.models import APIKey, Organization, Role
from accounts.organizations.members import invite_member
from accounts.tests.factories import MembershipFactory
from conftest import client_with_key

KEYS = "/api/v1/api-keys/"
MEMBERS = "/api/v1/members/"
INVITATIONS = "/api/v1/invitations/"
ORGANIZATIONS = "/api/v1/organizations/"
BODY = {"name": "Shop", "scopes": ["agents:read"]}


def post(client, path, body, **headers):
    return client.post(path, body, format="json", headers=headers)


def test_a_key_is_shown_once(api):
    made = post(api, KEYS, BODY)
    assert made.status_code == 201
    raw = made.json()["key"]
    listed = api.get(KEYS)
    assert raw not in listed.content.decode()
    assert "key_hash" not in listed.content.decode()
    shown = api.get(f"{KEYS}{made.json()['id']}/").json()
    assert shown["last_four"] == raw[-4:]


def test_a_repeated_creation_never_shows_the_secret_again(api):
    first = post(api, KEYS, BODY, **{"Idempotency-Key": "k"})
    again = post(api, KEYS, BODY, **{"Idempotency-Key": "k"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert again["Idempotency-Replayed"] == "true"
    assert "key" not in again.json()
    assert APIKey.objects.filter(name="Shop").count() == 1


def test_rotation_leaves_both_keys_working_for_a_while(api, client):
    made = post(api, KEYS, BODY).json()
    new = post(api, f"{KEYS}{made['id']}/rotate/", {"overlap_seconds": 60})
    assert new.status_code == 201
    for raw in (made["key"], new.json()["key"]):
        answer = client.get("/api/v1/agents/", headers={"X-API-Key": raw})
        assert answer.status_code == 200


def test_rotation_without_overlap_ends_the_old_key_at_once(api, client):
    made = post(api, KEYS, BODY).json()
    post(api, f"{KEYS}{made['id']}/rotate/", {"overlap_seconds": 0})
    answer = client.get("/api/v1/agents/", headers={"X-API-Key": made["key"]})
    assert answer.status_code == 401


def test_a_revoked_key_opens_nothing(api, client):
    made = post(api, KEYS, BODY).json()
    assert api.delete(f"{KEYS}{made['id']}/").status_code == 204
    answer = client.get("/api/v1/agents/", headers={"X-API-Key": made["key"]})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"scopes": []}, "/scopes"),
        ({"scopes": ["everything"]}, "/scopes/0"),
        ({"name": ""}, "/name"),
        ({"expires_at": "2001-01-01T00:00:00Z"}, "/expires_at"),
        ({"rate_limit_tier": "enterprise"}, "/rate_limit_tier"),
        ({"agent_public_id": "x"}, "/agent_public_id"),
        ({"key_hash": "x"}, "/key_hash"),
    ],
)
def test_a_wrong_key_is_pointed_at(api, change, pointer):
    response = post(api, KEYS, BODY | change)
    assert response.status_code == 400
    assert pointer in [error["pointer"] for error in response.json()["errors"]]


def test_a_role_is_changed_and_a_member_removed(api, bo):
    path = f"{MEMBERS}{bo.user_id}/"
    changed = api.patch(path, {"role": "editor"}, format="json")
    assert changed.json()["role"] == "editor"
    assert api.delete(path).status_code == 204
    assert len(api.get(MEMBERS).json()["results"]) == 1


def test_the_last_owner_is_told_why_they_must_stay(api, ada):
    response = api.delete(f"{MEMBERS}{ada.user_id}/")
    assert response.status_code == 403
    assert response.json()["type"].endswith("/last-owner")


def test_ownership_is_transferred(api, bo):
    response = post(api, f"{MEMBERS}{bo.user_id}/transfer-ownership/", {})
    assert response.json()["role"] == "owner"


def test_an_invitation_is_made_listed_and_withdrawn(api):
    made = post(api, INVITATIONS, {"email": "a@example.com", "role": "viewer"})
    assert made.status_code == 201
    assert "token" not in made.content.decode()
    assert len(api.get(INVITATIONS).json()["results"]) == 1
    assert api.delete(f"{INVITATIONS}{made.json()['id']}/").status_code == 204
    assert api.get(INVITATIONS).json()["results"] == []


def test_a_browser_makes_an_organization_and_a_key_does_not(ada, api, client):
    client.force_login(ada.user)
    made = client.post(ORGANIZATIONS, {"name": "Tern"}, "application/json")
    assert made.status_code == 201
    assert made.json()["role"] == "owner"
    assert post(api, ORGANIZATIONS, {"name": "Gull"}).status_code == 403
    assert Organization.objects.filter(name="Gull").count() == 0
    assert len(client.get(ORGANIZATIONS).json()["results"]) == 2
    assert len(api.get(ORGANIZATIONS).json()["results"]) == 1


def test_an_organization_is_renamed(api, harbor):
    path = f"{ORGANIZATIONS}{harbor.pk}/"
    answer = api.patch(path, {"name": "Harbour"}, format="json")
    assert answer.json()["name"] == "Harbour"


@pytest.mark.parametrize("how_many", [2, 12])
@pytest.mark.parametrize("path", [KEYS, MEMBERS, INVITATIONS, ORGANIZATIONS])
def test_a_list_costs_the_same_however_long(ada, how_many, path, django_db_blocker):
    from django.db import connection

    for number in range(how_many):
        MembershipFactory(organization=ada.organization)
        invite_member(
            organization=ada.organization,
            actor=ada.user,
            email=f"p{number}@example.com",
            role=Role.VIEWER,
        )
    clients = [client_with_key(ada, name=f"Key {n}") for n in range(how_many)]
    clients[0].get(path)
    with CaptureQueriesContext(connection) as queries:
        assert clients[0].get(path).status_code == 200
    assert len(queries) == 3  # the key, the count, the page


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("get", f"{KEYS}{{key}}/", None),
        ("delete", f"{KEYS}{{key}}/", None),
        ("post", f"{KEYS}{{key}}/rotate/", {}),
        ("patch", f"{MEMBERS}{{user}}/", {"role": "viewer"}),
        ("delete", f"{MEMBERS}{{user}}/", None),
        ("post", f"{MEMBERS}{{user}}/transfer-ownership/", {}),
        ("delete", f"{INVITATIONS}{{invitation}}/", None),
        ("get", f"{ORGANIZATIONS}{{organization}}/", None),
        ("patch", f"{ORGANIZATIONS}{{organization}}/", {"name": "X"}),
    ],
)
def test_a_stranger_finds_nothing(ada, stranger_api, client, method, path, body):
    make = client_with_key(ada)
    key = post(make, KEYS, BODY).json()["id"]
    invitation = post(make, INVITATIONS, {"email": "a@b.example", "role": "viewer"})
    theirs = path.format(
        key=key,
        user=ada.user_id,
        invitation=invitation.json()["id"],
        organization=ada.organization_id,
    )
    none = path.format(
        key=uuid4(), user=uuid4(), invitation=uuid4(), organization=999_999
    )
    for where in (theirs, none):
        answer = getattr(stranger_api, method)(where, body, format="json")
        assert answer.status_code == 404
        assert getattr(client, method)(where).status_code == 401


@pytest.mark.parametrize("path", [KEYS, INVITATIONS])
def test_a_viewer_does_not_see_what_admins_manage(viewer_api, path):
    assert viewer_api.get(path).status_code == 403
    assert viewer_api.get(MEMBERS).status_code == 403  # their key has no such scope


def test_a_viewer_sees_the_members_in_the_browser(bo, client):
    client.force_login(bo.user)
    assert client.get(MEMBERS).status_code == 200
    assert client.get(KEYS).status_code == 403
