"""Where somebody is signed in: shown, and ended on the next request."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditLog, BrowserSession
from accounts.sign_in import browser_sessions
from accounts.tests.factories import PASSWORD, UserFactory, person_who_signs_in

pytestmark = pytest.mark.django_db
ACCOUNT = reverse("accounts:account")
OTHERS = reverse("accounts:end_other_sessions")
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1"
)


@pytest.fixture
def mara(db):
    return person_who_signs_in(name="Mara")


def browser(user, agent=FIREFOX, address="192.0.2.1") -> Client:
    """Sign in by the page, as a browser of that name at that address."""
    client = Client(headers={"user-agent": agent}, REMOTE_ADDR=address)
    sent = {"login": user.email, "password": PASSWORD}
    assert client.post(reverse("account_login"), sent).status_code == 302
    return client


def is_signed_in(client) -> bool:
    return client.get(ACCOUNT).status_code == 200


def session_of(client) -> BrowserSession:
    return BrowserSession.objects.get(session_id=client.session.session_key)


def end(client, session):
    return client.post(reverse("accounts:end_session", args=[session.pk]))


def test_each_browser_is_shown_and_this_one_is_marked(mara):
    browser(mara, IPHONE, "192.0.2.7")
    page = browser(mara).get(ACCOUNT).content.decode()
    assert "Safari on iPhone" in page
    assert "192.0.2.7" in page
    mine = page.index("Firefox on Linux")
    assert page.index("this browser") - mine < 100
    assert page.count("this browser") == 1


def test_one_browser_is_signed_out_and_the_others_stay(mara):
    here, there, elsewhere = browser(mara), browser(mara), browser(mara)
    end(here, session_of(there))
    assert [is_signed_in(each) for each in (here, there, elsewhere)] == [
        True,
        False,
        True,
    ]
    row = AuditLog.objects.filter(user=mara, action="LOGOUT").get()
    assert row.detail.metadata == {"sessions": 1}


def test_this_browser_can_be_signed_out_too(mara):
    here = browser(mara)
    assert end(here, session_of(here))["Location"] == reverse("account_login")
    assert not is_signed_in(here)


def test_all_others_are_signed_out_at_once(mara):
    here, there, elsewhere = browser(mara), browser(mara), browser(mara)
    page = here.post(OTHERS, follow=True).content.decode()
    assert "2 browsers are signed out" in page
    assert [is_signed_in(each) for each in (here, there, elsewhere)] == [
        True,
        False,
        False,
    ]


def test_a_stranger_can_end_no_session_of_mine(mara):
    here, stranger = browser(mara), browser(person_who_signs_in())
    assert end(stranger, session_of(here)).status_code == 404
    stranger.post(OTHERS)
    assert is_signed_in(here)
    assert end(Client(), session_of(here)).status_code == 302
    assert is_signed_in(here)


def test_a_new_password_ends_all_other_sessions(mara):
    here, there = browser(mara), browser(mara)
    new = "another fine passphrase"
    form = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    here.post(reverse("account_change_password"), form)
    assert is_signed_in(here)
    assert not is_signed_in(there)
    listed = BrowserSession.objects.open_for(type(mara).objects.get(pk=mara.pk))
    assert [each.session_id for each in listed] == [here.session.session_key]
    assert AuditLog.objects.filter(user=mara, action="UPDATE").count() == 1


def test_a_password_an_operator_sets_ends_them_all(mara):
    here = browser(mara)
    mara.set_password("set by an operator")
    mara.save()
    assert not is_signed_in(here)
    assert not BrowserSession.objects.open_for(mara).exists()


def test_who_is_deactivated_is_signed_in_nowhere_even_afterwards(mara):
    here = browser(mara)
    mara.deactivate()
    mara.activate()
    assert not is_signed_in(here)
    assert not BrowserSession.objects.open_for(mara).exists()


def test_who_takes_another_persons_place_has_a_session_of_their_own(mara):
    here, other = browser(mara), UserFactory()
    here.force_login(other)
    assert is_signed_in(here)
    assert session_of(here).user == other
    assert BrowserSession.objects.count() == 1


def test_who_signs_in_again_keeps_the_one_session(mara):
    browser = Client()
    browser.force_login(mara)
    browser.force_login(mara)
    assert BrowserSession.objects.filter(user=mara).count() == 1


def test_signing_out_leaves_no_row(mara):
    here = browser(mara)
    here.post(reverse("account_logout"))
    assert not BrowserSession.objects.filter(user=mara).exists()


def test_a_session_that_has_run_out_is_not_shown_and_then_forgotten(mara):
    session = session_of(browser(mara))
    before = timezone.now() - timedelta(seconds=1)
    Session.objects.filter(pk=session.session_id).update(expire_date=before)
    assert not BrowserSession.objects.open_for(mara).exists()
    browser_sessions.forget_expired_sessions()
    assert not BrowserSession.objects.exists()


def test_a_later_address_is_noted_and_most_requests_cost_nothing(
    mara, monkeypatch, django_assert_num_queries
):
    here = browser(mara)
    here.get(ACCOUNT)
    with django_assert_num_queries(3):  # the session, the user, the memberships
        here.get("/accounts/logout/")
    monkeypatch.setattr(browser_sessions, "SECONDS_BETWEEN_NOTES", 0)
    here.get(ACCOUNT, REMOTE_ADDR="192.0.2.99")
    assert session_of(here).ip_address == "192.0.2.99"


def test_a_session_from_before_is_noted_when_it_is_seen(mara, monkeypatch):
    here = browser(mara)
    BrowserSession.objects.all().delete()
    monkeypatch.setattr(browser_sessions, "SECONDS_BETWEEN_NOTES", 0)
    here.get(ACCOUNT)
    assert session_of(here).user == mara


def test_a_session_that_ends_meanwhile_does_not_come_back(mara, rf, monkeypatch):
    here = browser(mara)
    request = rf.get(ACCOUNT)
    request.session = here.session
    monkeypatch.setattr(browser_sessions, "SECONDS_BETWEEN_NOTES", 0)
    Session.objects.all().delete()
    browser_sessions.note(request, mara)
    assert not BrowserSession.objects.exists()


@pytest.mark.parametrize("how_many", [1, 20])
def test_the_page_costs_the_same_however_many_sessions(
    client, how_many, django_assert_num_queries
):
    user = UserFactory()
    client.force_login(user)
    for _ in range(how_many):
        Client().force_login(user)
    client.get(ACCOUNT)
    # session, user; identities, factors, sessions, memberships
    with django_assert_num_queries(6):
        client.get(ACCOUNT)


@pytest.mark.parametrize(
    ("agent", "device"),
    [
        (FIREFOX, "Firefox on Linux"),
        (IPHONE, "Safari on iPhone"),
        (
            "Mozilla/5.0 (Windows NT 10.0) Chrome/130.0 Safari/537 Edg/130",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X) Chrome/130 Safari/537",
            "Chrome on macOS",
        ),
        ("curl/8.5.0", "curl"),
        ("<script>", "Unknown device"),
        ("", "Unknown device"),
    ],
)
def test_a_device_is_named_in_a_few_words(agent, device):
    assert BrowserSession(user_agent=agent).device == device
