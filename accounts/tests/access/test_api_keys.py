"""API keys: their shape, what is stored, and when they stop working."""

import hashlib
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.access.api_keys import create_api_key, revoke_api_key
from accounts.audit.refusals import FROM_ONE_NETWORK
from accounts.errors import Forbidden, Invalid
from accounts.models import APIKey, AuditLog, Role
from accounts.models.api_keys import SHAPE, generate_key, is_well_formed
from accounts.tests.factories import make_key

URL = "/api/v1/agents/"


def new_key(membership, **fields):
    return create_api_key(
        user=membership.user,
        organization=membership.organization,
        **({"name": "Shop", "scopes": ["agents:read"]} | fields),
    )


def status(client, key):
    return client.get(URL, headers={"X-API-Key": key}).status_code


def test_a_key_carries_its_own_checksum():
    key = generate_key()
    assert SHAPE.fullmatch(key)
    assert is_well_formed(key)
    other = "0" if key[-1] != "0" else "1"
    assert not is_well_formed(key[:-1] + other)
    assert not is_well_formed(key + "\n")


def test_only_the_hash_of_a_key_is_stored(ada):
    key, raw = new_key(ada)
    assert key.key_hash == hashlib.sha256(raw.encode()).hexdigest()
    assert raw.startswith(key.key_prefix)
    assert raw.endswith(key.last_four)
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(api_keys)::text FROM api_keys")
        assert raw not in cursor.fetchone()[0]


def test_both_headers_open_the_same_door(client, ada):
    raw = make_key(ada)
    assert status(client, raw) == 200
    bearer = client.get(URL, headers={"Authorization": f"Bearer {raw}"})
    assert bearer.status_code == 200


def test_a_well_formed_key_nobody_has_is_refused(client, db):
    assert status(client, generate_key()) == 401


def test_a_malformed_key_costs_no_query(client, django_assert_num_queries, db):
    client.defaults["REMOTE_ADDR"] = "10.20.30.40"
    for _ in range(FROM_ONE_NETWORK + 2):  # these are recorded, the next is not
        status(client, "ya_live_mistyped")
    with django_assert_num_queries(0):
        assert status(client, "ya_live_mistyped") == 401


def test_a_revoked_key_is_refused_on_the_next_request(client, ada):
    key, raw = new_key(ada)
    assert status(client, raw) == 200
    revoke_api_key(key=key, actor=ada.user)
    assert status(client, raw) == 401
    assert (
        AuditLog.objects.filter(resource_type="api_key", action="DELETE").count() == 1
    )


def test_revoking_twice_is_one_record(ada):
    key, _ = new_key(ada)
    revoke_api_key(key=key, actor=ada.user)
    revoke_api_key(key=key, actor=ada.user)
    assert (
        AuditLog.objects.filter(resource_type="api_key", action="DELETE").count() == 1
    )


def test_an_expired_key_is_refused(client, ada):
    key, raw = new_key(ada, expires_at=timezone.now() + timedelta(hours=1))
    assert status(client, raw) == 200
    APIKey.objects.update(expires_at=timezone.now())
    key.refresh_from_db()
    assert not key.is_active
    assert status(client, raw) == 401


def test_a_key_dies_with_its_owners_membership(client, ada):
    _, raw = new_key(ada)
    ada.delete()
    assert status(client, raw) == 401


def test_a_key_of_a_deleted_organization_is_refused(client, ada):
    _, raw = new_key(ada)
    ada.organization.soft_delete()
    assert status(client, raw) == 401


def test_a_key_loses_what_its_owner_loses(client, ada):
    _, raw = new_key(ada, scopes=["agents:write"])
    ada.role = Role.VIEWER
    ada.save()
    response = client.post(
        URL, {"name": "X"}, content_type="application/json", headers={"X-API-Key": raw}
    )
    assert response.status_code == 403


def test_a_key_cannot_do_more_than_its_owner(bo):
    with pytest.raises(Forbidden):
        new_key(bo, scopes=["agents:write"])


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", " "), ("name", "x" * 101), ("scopes", []), ("scopes", ["everything"])],
)
def test_a_key_needs_a_name_and_known_scopes(ada, field, value):
    with pytest.raises(Invalid) as refused:
        new_key(ada, **{field: value})
    assert refused.value.pointer == f"/{field}"


def test_the_last_use_is_written_at_most_once_a_minute(client, ada):
    key, raw = new_key(ada)
    status(client, raw)
    first = APIKey.objects.get(pk=key.pk).last_used_at
    status(client, raw)
    assert APIKey.objects.get(pk=key.pk).last_used_at == first
    APIKey.objects.update(last_used_at=first - timedelta(minutes=2))
    status(client, raw)
    assert APIKey.objects.get(pk=key.pk).last_used_at > first


def test_authentication_costs_one_query(client, ada, django_assert_num_queries):
    raw = make_key(ada)
    status(client, raw)
    with django_assert_num_queries(2):  # the key with its owner; the list
        status(client, raw)
