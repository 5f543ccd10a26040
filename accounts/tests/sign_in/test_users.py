"""The user: who may sign in, with which roles and groups."""

from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts.models import AuthProvider, User
from accounts.sign_in.lookup import get_user_by_id
from accounts.tests.factories import PASSWORD, UserFactory, make_key

pytestmark = pytest.mark.django_db


def test_a_user_is_made_of_the_documented_fields():
    user = User(
        email="test@example.com",
        name="Test User",
        provider="local",
        provider_user_id="test123",
        roles=["user"],
        is_active=True,
    )
    user.save()
    assert user.has_role("user")
    assert user.is_active
    assert not user.is_oauth_user


def test_the_email_address_is_unique_whatever_its_case():
    UserFactory(email="Ada@Example.com")
    assert User.objects.get().email == "ada@example.com"
    with pytest.raises(IntegrityError), transaction.atomic():
        UserFactory(email="ADA@example.com")


def test_roles_are_compared_one_any_and_all():
    user = UserFactory(roles=["admin", "user"])
    assert user.has_role("admin")
    assert user.has_any_role(["x", "user"])
    assert not user.has_all_roles(["admin", "guest"])
    assert user.has_all_roles(["admin", "user"])


def test_adding_a_role_twice_stores_it_once_and_removing_it_is_stored():
    user = UserFactory()
    user.add_role("editor")
    user.add_role("editor")
    user.refresh_from_db()
    assert user.roles == ["editor"]
    user.remove_role("editor")
    user.remove_role("never had")
    user.refresh_from_db()
    assert user.roles == []


def test_groups_are_known_by_name():
    user = UserFactory()
    user.add_group("support")
    user.add_group("support")
    assert user.is_in_group("support")
    assert user.is_in_any_group(["sales", "support"])
    assert user.group_names() == ["support"]
    user.remove_group("support")
    user.remove_group("unknown")
    assert not user.is_in_group("support")


@pytest.mark.parametrize("provider", [AuthProvider.AZURE_AD, AuthProvider.AWS_COGNITO])
def test_who_signs_in_elsewhere_has_no_password(provider, client):
    user = User.objects.create_user("x@example.com", None, provider=provider)
    assert user.is_oauth_user
    assert user.hashed_password is None
    assert not client.login(email="x@example.com", password="")


def test_a_local_user_has_a_hashed_password():
    user = User.objects.create_user("x@example.com", PASSWORD)
    assert user.hashed_password.startswith("argon2$")
    assert PASSWORD not in user.hashed_password


def test_an_unknown_provider_is_refused_by_form_and_database():
    with pytest.raises(ValidationError):
        User(email="x@example.com", provider="github").full_clean()
    with pytest.raises(IntegrityError), transaction.atomic():
        UserFactory(provider="github")


@pytest.mark.parametrize("roles", ["admin", [1], [""], {"a": 1}])
def test_roles_are_a_list_of_names(roles):
    with pytest.raises(ValidationError):
        UserFactory(roles=[]).__class__(email="y@example.com", roles=roles).full_clean()


def test_two_living_users_cannot_be_one_identity_elsewhere():
    UserFactory(provider="azure_ad", provider_user_id="1")
    with pytest.raises(IntegrityError), transaction.atomic():
        UserFactory(provider="azure_ad", provider_user_id="1")


def test_deactivating_ends_open_sessions_for_good(client):
    user = UserFactory(is_staff=False)
    client.force_login(user)
    user.deactivate()
    user.activate()
    response = client.get("/accounts/password/change/")
    assert response.status_code == 302
    assert "login" in response["Location"]


def test_a_deactivated_owners_key_is_refused_on_the_next_request(client, ada):
    key = make_key(ada)
    assert client.get("/api/v1/agents/", headers={"X-API-Key": key}).status_code == 200
    ada.user.deactivate()
    assert client.get("/api/v1/agents/", headers={"X-API-Key": key}).status_code == 401


def test_a_deleted_user_is_hidden_inactive_and_restorable():
    user = UserFactory()
    user.soft_delete()
    assert not User.objects.filter(pk=user.pk).exists()
    assert not User.all_objects.get(pk=user.pk).is_active
    user.restore()
    assert User.objects.get(pk=user.pk).is_active


def test_a_person_is_found_by_their_id():
    user = UserFactory()
    assert get_user_by_id(user.pk) == get_user_by_id(str(user.pk)) == user


@pytest.mark.parametrize("wrong", ["", "7", None, "\x00", uuid4()])
def test_nobody_is_found_by_any_other(wrong):
    assert get_user_by_id(wrong) is None


def test_a_deleted_person_is_nobody():
    user = UserFactory()
    user.soft_delete()
    assert get_user_by_id(user.pk) is None
