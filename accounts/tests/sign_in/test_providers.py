"""Sign-in by other providers, against a real issuer on loopback."""

from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditLog, User
from accounts.tests.factories import PASSWORD, MembershipFactory, UserFactory
from accounts.tests.sign_in import issuer as issuers
from accounts.tests.sign_in.issuer import back, begin, let_in, sign_in

LOGIN = reverse("account_login")
OIDC = "/accounts/oidc/oidc/login/"
COGNITO = "/accounts/amazon-cognito/login/"
AZURE = "/accounts/microsoft/login/"


def is_signed_in(client):
    return "_auth_user_id" in client.session


def is_refused(client, response):
    assert response["Location"] == LOGIN
    return not is_signed_in(client)


@pytest.mark.django_db
def test_a_person_of_the_provider_gets_an_account(client, issuer):
    issuer.claims |= {"roles": ["support"], "groups": ["Baristas"]}
    assert sign_in(client).status_code == 302
    user = User.objects.get()
    assert (user.email, user.name) == ("noor@example.com", "Noor Jansen")
    assert (user.provider, user.provider_user_id) == ("oidc", "person-1")
    assert (user.roles, user.group_names()) == (["support"], ["Baristas"])
    assert not user.has_usable_password()
    assert user.has_verified_email()
    assert is_signed_in(client)
    rows = AuditLog.objects.filter(user_id=user.pk).order_by("sequence")
    assert [row.action for row in rows] == ["CREATE", "LOGIN"]


@pytest.mark.django_db
def test_the_second_time_it_is_the_same_account_with_todays_claims(client, issuer):
    issuer.claims |= {"roles": ["support"], "groups": ["Baristas", "Roasters"]}
    sign_in(client)
    client.logout()
    issuer.claims |= {
        "name": "Noor de Vries",
        "roles": ["lead"],
        "groups": ["Roasters"],
        "email": "n@x.org",
    }
    sign_in(client)
    user = User.objects.get()
    assert (user.name, user.roles) == ("Noor de Vries", ["lead"])
    assert user.group_names() == ["Roasters"]
    # The address is the login here: it is changed here.
    assert user.email == "noor@example.com"
    changed = AuditLog.objects.get(action="UPDATE")
    assert changed.detail.changes["roles"] == {"old": ["support"], "new": ["lead"]}


@pytest.mark.django_db
def test_claims_that_are_not_there_change_nothing(client, issuer):
    issuer.claims |= {"roles": ["support"], "groups": ["Baristas"]}
    sign_in(client)
    for name in ("roles", "groups", "name"):
        del issuer.claims[name]
    client.logout()
    sign_in(client)
    user = User.objects.get()
    assert (user.name, user.roles) == ("Noor Jansen", ["support"])
    assert user.group_names() == ["Baristas"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "strange",
    [
        {"roles": "support", "groups": {"a": 1}, "name": 7},
        {"roles": [None, 3, "support", " support "], "groups": [["x"]], "name": ""},
        {"roles": ["sup\x00port"], "groups": ["\x00"], "name": "\x00", "given_name": 1},
    ],
)
def test_claims_of_the_wrong_kind_break_nothing(client, issuer, strange):
    issuer.claims |= strange
    sign_in(client)
    user = User.objects.get()
    assert user.roles == ["support"]
    assert user.group_names() == []


@pytest.mark.django_db
def test_a_verified_address_opens_the_account_it_belongs_to(client, issuer):
    user = UserFactory(email="noor@example.com", name="Noor J.")
    user.set_password(PASSWORD)
    user.save()
    issuer.claims |= {"roles": ["admin"], "groups": ["Owners"]}
    sign_in(client)
    assert client.session["_auth_user_id"] == str(user.pk)
    user.refresh_from_db()
    assert user.provider == "local"
    assert user.has_usable_password()
    # Who it is here is for this account to say.
    assert (user.name, user.roles, user.group_names()) == ("Noor J.", [], [])


@pytest.mark.django_db
@pytest.mark.parametrize("verified", [False, "false", None, 0, [], "yes", {"a": 1}])
def test_an_unverified_address_takes_no_account_over(client, issuer, verified):
    UserFactory(email="noor@example.com")
    issuer.claims["email_verified"] = verified
    assert is_refused(client, sign_in(client))
    assert "not verified" in client.get(LOGIN).content.decode()
    assert User.objects.count() == 1
    refusal = AuditLog.objects.get(action="FAILED_AUTH")
    assert refusal.detail.metadata == {"provider": "oidc", "why": "NotVouchedFor"}


@pytest.mark.django_db
def test_an_address_and_its_verification_come_from_one_place(client, issuer):
    UserFactory(email="boss@example.com")
    issuer.claims = {"sub": "person-1", "email_verified": True}
    issuer.said = {"sub": "person-1", "email": "boss@example.com"}
    assert is_refused(client, sign_in(client))


@pytest.mark.django_db
def test_what_the_token_lacks_is_asked_for(client, issuer):
    issuer.said = issuer.claims
    issuer.claims = {"sub": "person-1"}
    sign_in(client)
    assert User.objects.get().email == "noor@example.com"


@pytest.mark.django_db
def test_what_is_said_of_somebody_else_is_not_believed(client, issuer):
    issuer.said = issuer.claims | {"sub": "person-2"}
    assert is_refused(client, sign_in(client))


@pytest.mark.django_db
def test_who_made_the_account_but_never_showed_the_address_is_out(client, issuer):
    squatter = UserFactory(email="noor@example.com", verified=False)
    squatter.set_password(PASSWORD)
    squatter.save()
    MembershipFactory(user=squatter)
    theirs = Client()
    theirs.force_login(squatter)
    sign_in(client)
    squatter.refresh_from_db()
    assert not squatter.has_usable_password()
    assert theirs.get(reverse("agents:list")).status_code == 302
    assert client.get(reverse("agents:list")).status_code == 200


@pytest.mark.django_db
def test_a_deleted_account_stays_closed(client, issuer):
    sign_in(client)
    client.logout()
    User.objects.get().soft_delete()
    assert is_refused(client, sign_in(client))
    issuer.claims["sub"] = "person-2"
    assert is_refused(client, sign_in(client))
    assert User.all_objects.count() == 1


@pytest.mark.django_db
def test_a_deactivated_account_stays_closed(client, issuer):
    sign_in(client)
    client.logout()
    User.objects.get().deactivate()
    assert sign_in(client)["Location"] == reverse("account_inactive")
    assert not is_signed_in(client)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "wrong",
    [
        {"aud": "somebody-else"},
        {"iss": "https://evil.example"},
        {"exp": 1},
        {"exp": None},
        {"aud": None},
        {"sub": None},
        {"sub": 12},
        {"sub": ""},
        {"sub": "x" * 192},
        {"sub": "\x00"},
        {"nonce": None},
        {"nonce": "of another browser"},
        {"nonce": ["a"]},
    ],
)
def test_a_token_that_is_not_for_us_now_is_refused(client, issuer, wrong):
    issuer.wrong = wrong
    assert is_refused(client, sign_in(client))
    assert not User.objects.exists()


@pytest.mark.django_db
def test_a_token_another_has_signed_is_refused(client, issuer):
    issuer.signing_key = issuers.new_key()
    assert is_refused(client, sign_in(client))


@pytest.mark.django_db
def test_a_token_signed_by_no_key_of_the_issuer_is_refused(client, issuer):
    issuer.kid = "2"
    assert is_refused(client, sign_in(client))


@pytest.mark.django_db
@pytest.mark.parametrize("algorithm", ["HS256", "none"])
def test_a_token_anybody_could_sign_is_refused(client, issuer, algorithm):
    issuer.algorithm = algorithm
    secret = issuers.CLIENT_SECRET * 2
    issuer.signing_key = secret if algorithm == "HS256" else None
    assert is_refused(client, sign_in(client))


@pytest.mark.django_db
def test_an_answer_this_browser_did_not_ask_for_is_refused(client, issuer):
    location = let_in(begin(Client()))
    assert is_refused(client, back(client, location))
    assert not User.objects.exists()


@pytest.mark.django_db
def test_an_answer_counts_once(client, issuer):
    location = let_in(begin(client))
    back(client, location)
    client.post(reverse("account_logout"))
    assert is_refused(client, back(client, location))


@pytest.mark.django_db
@pytest.mark.parametrize("path", [OIDC, COGNITO, AZURE])
def test_a_code_is_bound_to_the_browser_that_asked(client, issuer, path):
    address = begin(client, path)
    query = parse_qs(urlsplit(address).query)
    assert query["code_challenge_method"] == ["S256"]
    location = let_in(address)
    code = parse_qs(urlsplit(location).query)["code"][0]
    issuer.asked[code]["code_challenge"] = "of-another-browser"
    assert is_refused(client, back(client, location))


@pytest.mark.django_db
def test_a_link_cannot_say_what_the_provider_is_asked(client, issuer):
    address = begin(client, f"{OIDC}?scope=all&process=connect&auth_params=state%3Dx")
    query = parse_qs(urlsplit(address).query)
    assert set(query["scope"][0].split()) == {"openid", "profile", "email"}
    assert query["state"] != ["x"]


@pytest.mark.django_db
def test_the_way_back_is_our_configured_address(client, issuer, settings):
    settings.PUBLIC_BASE_URL = "https://agents.example"
    query = parse_qs(urlsplit(begin(client)).query)
    assert query["redirect_uri"] == [f"https://agents.example{OIDC}callback/"]


@pytest.mark.django_db
@pytest.mark.parametrize("path", [OIDC, COGNITO, AZURE])
def test_another_issuers_configuration_is_refused(client, issuer, path):
    issuer.named = "https://evil.example"
    assert client.get(path)["Location"] == LOGIN
    assert "does not answer" in client.get(LOGIN).content.decode()


@pytest.mark.django_db
def test_a_provider_that_is_away_is_said_to_be(client, issuer, settings):
    app = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"][0]
    app["settings"] = {"server_url": "http://127.0.0.1:1"}
    assert client.get(OIDC)["Location"] == LOGIN
    assert "Harbor SSO does not answer" in client.get(LOGIN).content.decode()


@pytest.mark.django_db
def test_turning_back_at_the_provider_leads_back(client, issuer):
    state = parse_qs(urlsplit(begin(client)).query)["state"][0]
    answer = client.get(f"{OIDC}callback/?error=access_denied&state={state}")
    assert is_refused(client, answer)
    assert not AuditLog.objects.exists()


@pytest.mark.django_db
def test_one_gets_where_one_wanted_to_go_but_to_no_other_site(client, issuer):
    assert sign_in(client, f"{OIDC}?next=/api-keys/")["Location"] == "/api-keys/"
    other = Client()
    assert sign_in(other, f"{OIDC}?next=//evil.example")["Location"] == "/"


@pytest.mark.django_db
def test_the_same_name_at_another_issuer_is_somebody_else(client, issuer, settings):
    sign_in(client)
    client.logout()
    app = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"][0]
    app["settings"] = {"server_url": f"{issuer.url}/elsewhere"}
    assert is_refused(client, sign_in(client))
    assert "another provider before" in client.get(LOGIN).content.decode()
