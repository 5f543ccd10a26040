"""The first door: while nobody has an account, a printed code makes the first owner."""

import re
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from accounts.models import AuditLog, Membership, User
from accounts.outbound import redis_pool
from accounts.sign_in import first_owner
from accounts.sign_in.first_owner import AlreadySetUp, issue_setup_code
from accounts.tests.factories import OperatorFactory, UserFactory

pytestmark = pytest.mark.django_db
PASSWORD = "correct-horse-battery"
FIELDS = {
    "name": "Ada Owner",
    "email": "Ada@Example.com",
    "password": PASSWORD,
    "organization": "Harbor Coffee",
}


@pytest.fixture(autouse=True)
def untouched(monkeypatch, settings, tmp_path):
    """An installation where nobody ever had an account."""
    monkeypatch.setattr(first_owner, "_is_known", False)
    settings.DATA_DIR = tmp_path
    settings.AUDIT_ANCHOR = tmp_path / "anchor.log"
    cache.delete_many([first_owner.CODE, first_owner.TRIES])
    redis_pool.connect(settings.REDIS_URL).delete("ya:limit:setup:127.0.0.1")


@pytest.fixture
def code():
    return issue_setup_code()


def send(client, code, **changes):
    return client.post(reverse("accounts:setup"), FIELDS | {"code": code} | changes)


@pytest.mark.parametrize(
    "path",
    ["/", "/agents/", "/accounts/login/", "/admin/", "/accounts/password/reset/"],
)
def test_every_page_leads_to_the_setup_while_there_is_no_user(client, path):
    answer = client.get(path, follow=True)
    assert answer.redirect_chain[-1][0] == reverse("accounts:setup")
    assert "Setup code" in answer.content.decode()


def test_the_code_makes_the_first_owner_and_signs_them_in(client, code):
    answer = send(client, code, follow=True)
    assert answer.status_code == 302
    membership = Membership.objects.get()
    assert (membership.role, membership.organization.name) == ("owner", "Harbor Coffee")
    assert membership.user.email == "ada@example.com"
    assert membership.user.has_verified_email()
    assert client.get(reverse("agents:list")).status_code == 200
    assert AuditLog.objects.filter(resource_type="organization").exists()


def test_a_password_is_kept_as_it_is_typed(client, code):
    send(client, code, password=f" {PASSWORD} ")
    assert User.objects.get().check_password(f" {PASSWORD} ")


def test_a_code_is_read_however_it_is_typed(client, code):
    assert send(client, f" {code.lower().replace('-', ' ')} ").status_code == 302


def test_afterwards_there_is_no_setup_and_it_costs_no_query(
    client, code, django_assert_num_queries
):
    send(client, code)
    stranger = Client()
    assert stranger.get(reverse("accounts:setup")).status_code == 404
    with django_assert_num_queries(0):
        assert stranger.get(reverse("accounts:setup")).status_code == 404
        assert first_owner.has_users()


def test_afterwards_there_is_no_setup_however_often_one_asks(client):
    UserFactory()
    for _ in range(31):
        assert client.get(reverse("accounts:setup")).status_code == 404


def test_a_wrong_code_makes_nobody(client, code):
    answer = send(client, "AAAA-AAAA-AAAA")
    assert answer.status_code == 422
    assert "manage.py setup_code" in answer.content.decode()
    assert PASSWORD not in answer.content.decode()
    assert not User.objects.exists()
    assert AuditLog.objects.filter(action="FAILED_AUTH").count() == 1


def test_after_ten_wrong_tries_the_right_code_is_refused(client, code):
    for _ in range(first_owner.MAX_TRIES):
        send(client, "AAAA-AAAA-AAAA")
    assert send(client, code).status_code == 422
    assert send(client, issue_setup_code()).status_code == 302


def test_a_code_ends_after_a_day(client, code, monkeypatch):
    left = cache._cache.get_client(None).ttl(cache.make_key(first_owner.CODE))
    assert 0 < left <= timedelta(days=1).total_seconds()
    cache.delete(first_owner.CODE)
    assert send(client, code).status_code == 422


def test_a_new_code_takes_the_place_of_the_old(client, code):
    issue_setup_code()
    assert send(client, code).status_code == 422


def test_the_code_is_kept_as_a_hash(code):
    kept = cache.get(first_owner.CODE)
    assert code not in kept
    assert re.fullmatch("[0-9a-f]{64}", kept)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"email": "nobody"}, "email"),
        ({"password": "12345678"}, "password"),
        ({"organization": ""}, "organization"),
        ({"name": "\x00"}, "name"),
    ],
)
def test_a_wrong_value_uses_up_no_try(client, code, changes, field):
    answer = send(client, code, **changes)
    assert answer.status_code == 422
    assert f'id="id_{field}"' in answer.content.decode()
    assert cache.get(first_owner.TRIES) == 0


def test_whoever_has_users_gets_no_code(code):
    UserFactory()
    with pytest.raises(AlreadySetUp):
        issue_setup_code()


def test_a_deleted_user_is_a_user_too(client):
    UserFactory().soft_delete()
    assert client.get(reverse("accounts:setup")).status_code == 404


def test_a_data_directory_that_had_users_refuses_an_empty_database(client, code):
    first_owner.note_users()
    answer = client.get(reverse("accounts:setup"))
    assert answer.status_code == 409
    assert "DATABASE_URL" in answer.content.decode()
    assert send(client, code).status_code == 409
    with pytest.raises(CommandError, match="DATABASE_URL"):
        call_command("setup_code")
    assert not User.objects.exists()


def test_an_anchor_of_another_database_refuses_this_one(client, settings):
    settings.AUDIT_ANCHOR.write_text("an anchored head\n")
    assert client.get(reverse("accounts:setup")).status_code == 409


def test_an_operator_without_an_organization_lands_on_the_operators_page(client):
    client.force_login(OperatorFactory())
    answer = client.get("/", follow=True)
    assert answer.status_code == 200
    assert answer.redirect_chain[-1][0] == reverse("dashboard-health")
