"""No member takes over what is another's: their key, their role, their place.

Each action on another member's row, tried by every lower role through the API, by a
program and by a browser, and through the page.
"""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.access.api_keys import create_api_key, revoke_api_key
from accounts.access.permissions import may
from accounts.models import APIKey, Invitation, Membership, Role, Scope
from accounts.organizations.members import invite_member
from accounts.tests.factories import MembershipFactory, make_key

pytestmark = pytest.mark.django_db
LOWER = [
    (Role.ADMIN, Role.OWNER),
    (Role.EDITOR, Role.ADMIN),
    (Role.EDITOR, Role.OWNER),
    (Role.VIEWER, Role.EDITOR),
    (Role.VIEWER, Role.ADMIN),
    (Role.VIEWER, Role.OWNER),
]


@pytest.fixture(params=LOWER, ids=lambda pair: f"{pair[0]}-on-{pair[1]}")
def pair(request, harbor, ada):
    """The one who tries, and the member above; Ada owns the organization besides."""
    actor, other = request.param
    return tuple(
        MembershipFactory(organization=harbor, role=role) for role in (actor, other)
    )


def key_of(membership, **fields) -> APIKey:
    scopes = [scope for scope in Scope.offered() if may(membership.role, scope)]
    return create_api_key(
        user=membership.user,
        organization=membership.organization,
        name="Theirs",
        scopes=scopes,
        **fields,
    )[0]


def invitation_to(membership, role) -> Invitation:
    return invite_member(
        organization=membership.organization,
        actor=membership.organization.memberships.filter(role=Role.OWNER).first().user,
        email="new@example.com",
        role=role,
    )


def rotated(other):
    return "api-keys/{}/rotate/", key_of(other).pk, {"overlap_seconds": 0}


def restored(other):
    key = key_of(other)
    revoke_api_key(key=key, actor=other.user)
    return "api-keys/{}/restore/", key.pk, {}


def role_changed(other):
    return "members/{}/", other.user_id, {"role": "viewer"}


def removed(other):
    return "members/{}/", other.user_id, None


def transferred(other):
    return "members/{}/transfer-ownership/", other.user_id, {}


def uninvited(other):
    return "invitations/{}/", invitation_to(other, other.role).pk, None


METHODS = {role_changed: "patch", removed: "delete", uninvited: "delete"}
PAGES = {
    rotated: "rotate_api_key",
    restored: "restore_api_key",
    role_changed: "change_role",
    removed: "remove_member",
    transferred: "transfer_ownership",
    uninvited: "withdraw_invitation",
}
DOORS = ["key", "browser", "page"]


def what_counts():
    """Everything the actions could change, as it is now."""
    return (
        set(Membership.objects.values_list("user", "role")),
        set(APIKey.all_objects.values_list("pk", "user", "deleted_at", "expires_at")),
        set(Invitation.objects.values_list("pk", "revoked_at")),
    )


def client_of(membership, door) -> Client:
    if door == "key":
        return Client(headers={"X-API-Key": make_key(membership)})
    client = Client()
    client.force_login(membership.user)
    return client


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("action", PAGES, ids=lambda action: action.__name__)
def test_nobody_acts_on_a_member_above_them(pair, action, door):
    actor, other = pair
    path, pk, body = action(other)
    client = client_of(actor, door)
    before = what_counts()
    if door == "page":
        path = reverse(f"accounts:{PAGES[action]}", args=[pk])
        answer = client.post(path, body or {}, follow=True)
    else:
        send = getattr(client, METHODS.get(action, "post"))
        answer = send(f"/api/v1/{path.format(pk)}", body, "application/json")
        assert answer.status_code == 403
    assert not re.search(r"ya_live_\w{36}", answer.content.decode())
    assert what_counts() == before


@pytest.mark.parametrize("door", DOORS)
def test_a_key_of_an_equal_is_rotated_by_its_owner_alone(harbor, ada, door):
    other = MembershipFactory(organization=harbor, role=Role.OWNER)
    path, pk, body = rotated(other)
    client, before = client_of(ada, door), what_counts()
    if door == "page":
        client.post(reverse("accounts:rotate_api_key", args=[pk]), body)
    else:
        answer = client.post(f"/api/v1/{path.format(pk)}", body, "application/json")
        assert answer.status_code == 403
    assert what_counts() == before


def test_the_page_offers_a_rotation_only_of_ones_own_keys(harbor, ada, browser_of):
    mine, theirs = key_of(ada), key_of(MembershipFactory(organization=harbor))
    page = browser_of(ada).get(reverse("accounts:api_keys")).content.decode()
    assert reverse("accounts:rotate_api_key", args=[mine.pk]) in page
    assert reverse("accounts:rotate_api_key", args=[theirs.pk]) not in page


def test_an_invitation_of_an_owner_is_not_replaced_by_an_admin(harbor, ada):
    invitation_to(ada, Role.OWNER)
    admin = MembershipFactory(organization=harbor, role=Role.ADMIN)
    client, before = client_of(admin, "key"), what_counts()
    body = {"email": "new@example.com", "role": "viewer"}
    answer = client.post("/api/v1/invitations/", body, "application/json")
    assert answer.status_code == 403
    assert what_counts() == before


def soon():
    return timezone.now() + timedelta(days=1)


@pytest.mark.parametrize(
    ("mine", "wish", "status"),
    [
        ({"expires_at": True}, {}, 400),
        ({"expires_at": True}, {"expires_at": "2040-01-01T00:00:00Z"}, 400),
        ({}, {"rate_limit_tier": "enterprise"}, 403),
        ({"rate_limit_tier": "enterprise"}, {"rate_limit_tier": "enterprise"}, 201),
    ],
)
def test_a_key_creates_no_key_that_holds_more(harbor, ada, mine, wish, status):
    harbor.plan = "enterprise"
    harbor.save()
    if "expires_at" in mine:
        mine = {"expires_at": soon()}
    client = Client(headers={"X-API-Key": make_key(ada, **mine)})
    body = {"name": "More", "scopes": ["admin"]} | wish
    answer = client.post("/api/v1/api-keys/", body, "application/json")
    assert answer.status_code == status
    assert APIKey.objects.filter(name="More").exists() == (status == 201)


def test_a_key_rotates_itself(ada):
    raw = make_key(ada)
    client = Client(headers={"X-API-Key": raw})
    key = APIKey.objects.get()
    path = f"/api/v1/api-keys/{key.pk}/rotate/"
    answer = client.post(path, {}, "application/json")
    assert answer.status_code == 201
    assert APIKey.objects.get(pk=answer.json()["id"]).user == ada.user


def test_an_idempotency_key_of_one_member_is_not_anothers(harbor, ada):
    other = MembershipFactory(organization=harbor, role=Role.ADMIN)
    body = {"name": "One", "scopes": ["chat"], "idempotency_key": "same"}
    answers = [
        client_of(member, "key").post("/api/v1/api-keys/", body, "application/json")
        for member in (ada, other)
    ]
    assert [answer.status_code for answer in answers] == [201, 422]
