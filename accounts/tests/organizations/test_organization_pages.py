"""The pages of organizations and of one's own data, from making to erasing."""

import io
import json
import zipfile

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditLog, Membership, Organization, Role, User
from accounts.organizations.deletion import delete_organization
from accounts.tests.factories import PASSWORD, MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db
SETTINGS = "/organization/settings/"
ORGANIZATIONS = "/organizations/"
MINE = "/account/data/"


@pytest.fixture
def browser(browser_of, ada):
    return browser_of(ada)


def path(name, *args):
    return reverse(f"accounts:{name}", args=args)


def files_in(answer) -> dict[str, list[dict]]:
    """Unpack an archive: each file's rows by its name."""
    whole = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))
    assert whole.testzip() is None
    return {
        name.removesuffix(".jsonl"): [
            json.loads(line) for line in whole.read(name).decode().splitlines()
        ]
        for name in whole.namelist()
        if name.endswith(".jsonl")
    }


# --- Organizations ----------------------------------------------------------
def test_somebody_without_an_organization_makes_one(client):
    client.force_login(UserFactory())
    assert path("organizations") in client.get("/agents/").content.decode()
    answer = client.post(ORGANIZATIONS, {"name": "Rye Bakery"}, follow=True)
    assert answer.context["organization"].name == "Rye Bakery"
    assert Membership.objects.get().role == Role.OWNER


def test_a_name_of_nothing_makes_none(browser):
    answer = browser.post(ORGANIZATIONS, {"name": "  "})
    assert answer.status_code == 400
    assert Organization.objects.count() == 1


def test_an_organization_is_renamed(browser, harbor):
    browser.post(SETTINGS, {"name": "Harbor Tea"})
    harbor.refresh_from_db()
    assert harbor.name == "Harbor Tea"
    row = AuditLog.objects.for_organization(harbor.pk).get()
    assert row.detail.changes["name"]["new"] == "Harbor Tea"


def test_a_deleted_organization_comes_back_by_undo(browser, harbor):
    gone = {"delete-confirmation": harbor.name}
    answer = browser.post(path("delete_organization"), gone, follow=True)
    undo = path("restore_organization", harbor.pk)
    assert f'action="{undo}"' in answer.content.decode()
    assert not Organization.objects.exists()
    answer = browser.post(undo, follow=True)
    assert answer.context["organization"] == harbor


def test_a_wrong_confirmation_deletes_nothing(browser, harbor):
    answer = browser.post(
        path("delete_organization"), {"delete-confirmation": "harbour"}
    )
    assert answer.status_code == 400
    assert "This is not Harbor Coffee." in answer.content.decode()
    assert Organization.objects.filter(pk=harbor.pk).exists()


def test_an_undo_beyond_the_limits_says_so(browser, harbor, ada):
    delete_organization(organization=harbor, actor=ada.user)
    Organization.all_objects.update(agent_count=9, max_agents=3)
    answer = browser.post(path("restore_organization", harbor.pk), follow=True)
    assert "stays deleted" in answer.content.decode()


def test_an_admin_renames_and_exports_but_does_not_delete(client, harbor):
    client.force_login(MembershipFactory(organization=harbor, role=Role.ADMIN).user)
    assert "Delete Harbor" not in client.get(SETTINGS).content.decode()
    gone = {"delete-confirmation": harbor.name}
    assert client.post(path("delete_organization"), gone).status_code == 403
    assert client.post(path("export_organization")).status_code == 200


def test_an_admin_who_was_no_owner_does_not_bring_it_back(client, harbor, ada):
    admin = MembershipFactory(organization=harbor, role=Role.ADMIN)
    delete_organization(organization=harbor, actor=ada.user)
    client.force_login(admin.user)
    assert client.post(path("restore_organization", harbor.pk)).status_code == 404


def test_everything_of_an_organization_is_downloaded(browser, harbor):
    answer = browser.post(path("export_organization"))
    assert answer["Content-Type"] == "application/zip"
    files = files_in(answer)
    assert files["organization"][0]["name"] == harbor.name
    assert files["members"][0]["user__email"] == "ada@example.com"
    row = AuditLog.objects.for_organization(harbor.pk).get()
    assert (row.action, row.resource_type) == ("READ", "organization")


def test_more_than_ten_exports_an_hour_are_refused(browser):
    answers = [browser.post(path("export_organization")) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [200] * 10 + [302]


@pytest.mark.parametrize("deed", ["download", "erase"])
def test_nothing_is_kept_of_an_unknown_visitor(browser, deed):
    answer = browser.post(path("visitor"), {"visitor-visitor_id": "x", deed: "yes"})
    assert answer.status_code == 400
    assert "Nothing is kept" in answer.content.decode()


def test_ownership_is_handed_over_from_the_list_of_members(browser, ada, bo):
    browser.post(path("transfer_ownership", bo.user_id))
    bo.refresh_from_db()
    ada.refresh_from_db()
    assert (bo.role, ada.role) == (Role.OWNER, Role.ADMIN)


@pytest.mark.parametrize("name", ["settings", "organizations"])
def test_the_pages_cost_the_same_however_many_members(
    browser, harbor, name, django_assert_max_num_queries
):
    MembershipFactory.create_batch(20, organization=harbor)
    with django_assert_max_num_queries(8):
        assert browser.get(path(name)).status_code == 200


# --- One's own data ---------------------------------------------------------
def test_ones_own_data_is_downloaded_without_secrets(browser, ada):
    ada.user.set_password(PASSWORD)
    ada.user.save()
    browser.force_login(ada.user)
    files = files_in(browser.post(path("export_account")))
    assert files["account"][0]["email"] == "ada@example.com"
    assert files["memberships"][0]["organization__name"] == "Harbor Coffee"
    assert "password" not in files["account"][0]


@pytest.fixture
def bo(bo):
    """Bo, who signs in with a provider and has no password to be asked for."""
    bo.user.set_unusable_password()
    bo.user.save()
    return bo


def test_an_account_is_closed_with_its_address(client, bo):
    client.force_login(bo.user)
    answer = client.post(path("close_account"), {"confirmation": bo.user.email})
    assert answer["Location"] == reverse("account_login")
    assert User.all_objects.get(pk=bo.user_id).is_deleted


def test_a_wrong_address_closes_nothing(client, bo):
    client.force_login(bo.user)
    answer = client.post(path("close_account"), {"confirmation": "me"})
    assert answer.status_code == 400
    assert User.objects.filter(pk=bo.user_id).exists()


def test_who_has_a_password_proves_it_once_more(client, bo):
    bo.user.set_password(PASSWORD)
    bo.user.save()
    client.force_login(bo.user)
    confirmed = {"confirmation": bo.user.email}
    answer = client.post(path("close_account"), confirmed)
    assert answer["Location"].startswith(reverse("account_reauthenticate"))
    assert User.objects.filter(pk=bo.user_id).exists()
    client.post(answer["Location"], {"password": PASSWORD})
    assert User.all_objects.get(pk=bo.user_id).is_deleted


def test_the_only_owner_reads_what_to_do_first(browser, ada, harbor):
    assert "only owner of Harbor Coffee" in browser.get(MINE).content.decode()
    ada.user.set_unusable_password()
    ada.user.save()
    browser.force_login(ada.user)
    confirmed = {"confirmation": ada.user.email}
    assert browser.post(path("close_account"), confirmed).status_code == 400
    assert User.objects.filter(pk=ada.user_id).exists()


@pytest.mark.parametrize(
    "address",
    [SETTINGS, ORGANIZATIONS, MINE, "/organization/export/", "/account/export/"],
)
def test_nobody_gets_in_without_signing_in(client, db, address):
    answers = [client.get(address), client.post(address)]
    let_in = [one for one in answers if one.status_code not in (302, 405)]
    led = [one["Location"] for one in answers if one.status_code == 302]
    assert let_in == []
    assert led
    assert all(where.startswith(reverse("account_login")) for where in led)


def test_a_stranger_does_not_bring_back_what_is_not_theirs(harbor, ada, cy):
    delete_organization(organization=harbor, actor=ada.user)
    browser = Client()
    browser.force_login(cy.user)
    theirs = browser.post(path("restore_organization", harbor.pk))
    unknown = browser.post(path("restore_organization", 999_999))
    assert (theirs.status_code, unknown.status_code) == (404, 404)
