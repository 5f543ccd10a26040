"""Sign-in by other providers, against a real issuer on loopback."""

import http.client
from urllib.parse import urlsplit

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse

from accounts.models import AuditLog, User
from accounts.tests import issuer as issuers
from accounts.tests.factories import UserFactory
from config.environment import Environment
from config.sign_in import providers

LOGIN = reverse("account_login")


@pytest.fixture(scope="module")
def served():
    with issuers.running() as issuer:
        yield issuer


@pytest.fixture
def issuer(served, settings, monkeypatch):
    """The issuer as it is at first, configured as every provider there is."""
    fresh = issuers.Issuer()
    served.claims, served.wrong, served.asked = fresh.claims, {}, {}
    served.requests.clear()
    client = {
        "CLIENT_ID": issuers.CLIENT_ID,
        "CLIENT_SECRET": issuers.CLIENT_SECRET,
    }
    values = {
        "OIDC_ISSUER": served.url,
        "OIDC_NAME": "Harbor SSO",
        "COGNITO_DOMAIN": served.url,
        "AZURE_AD_TENANT": "harbor",
        "AZURE_AD_LOGIN_URL": served.url,
        "AZURE_AD_GRAPH_URL": served.url,
    }
    for prefix in ("OIDC", "COGNITO", "AZURE_AD"):
        values |= {f"{prefix}_{name}": value for name, value in client.items()}
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    settings.SOCIALACCOUNT_PROVIDERS = providers(Environment())
    return served


def begin(client, path="/accounts/oidc/oidc/login/"):
    """Follow the link of the sign-in page; return the issuer's address for it."""
    response = client.get(path)
    assert response.status_code == 302
    return response["Location"]


def let_in(address):
    """Sign in at the issuer; return where it sends the browser."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.netloc)
    connection.request("GET", f"{parts.path}?{parts.query}")
    location = connection.getresponse().headers["Location"]
    connection.close()
    return location


def back(client, location):
    parts = urlsplit(location)
    return client.get(f"{parts.path}?{parts.query}")


def sign_in(client, path="/accounts/oidc/oidc/login/"):
    return back(client, let_in(begin(client, path)))


def is_signed_in(client):
    return "_auth_user_id" in client.session


@pytest.mark.django_db
def test_a_person_of_the_provider_gets_an_account(client, issuer):
    issuer.claims |= {"roles": ["support"], "groups": ["Baristas"]}
    assert sign_in(client).status_code == 302
    user = User.objects.get()
    assert (user.email, user.name) == ("noor@example.com", "Noor Jansen")
    assert (user.provider, user.provider_user_id) == ("oidc", "person-1")
    assert (user.roles, user.group_names()) == (["support"], ["Baristas"])
    assert not user.has_usable_password()
    assert is_signed_in(client)
    assert AuditLog.objects.filter(action="LOGIN", user_id=user.pk).exists()


@pytest.mark.django_db
def test_the_second_time_it_is_the_same_account_with_todays_claims(client, issuer):
    sign_in(client)
    client.logout()
    issuer.claims |= {"name": "Noor de Vries", "roles": ["lead"], "email": "n@x.org"}
    sign_in(client)
    user = User.objects.get()
    assert (user.name, user.roles) == ("Noor de Vries", ["lead"])
    # The address is the login here: it is changed here.
    assert user.email == "noor@example.com"


@pytest.mark.django_db
def test_a_verified_address_opens_the_account_it_belongs_to(client, issuer):
    user = UserFactory(email="noor@example.com")
    user.set_password("a long enough passphrase")
    user.save()
    sign_in(client)
    assert client.session["_auth_user_id"] == str(user.pk)
    user.refresh_from_db()
    assert user.provider == "local"
    assert user.has_usable_password()


@pytest.mark.django_db
@pytest.mark.parametrize("verified", [False, "false", None])
def test_an_unverified_address_takes_no_account_over(client, issuer, verified):
    UserFactory(email="noor@example.com")
    issuer.claims["email_verified"] = False if verified == "false" else verified
    response = sign_in(client)
    assert response["Location"] == LOGIN
    assert not is_signed_in(client)
    assert "not verified" in client.get(LOGIN).content.decode()
    assert User.objects.count() == 1


@pytest.mark.django_db
def test_a_deleted_account_stays_closed(client, issuer):
    sign_in(client)
    client.logout()
    User.objects.get().soft_delete()
    assert sign_in(client)["Location"] == LOGIN
    assert not is_signed_in(client)
    issuer.claims["sub"] = "person-2"
    assert sign_in(client)["Location"] == LOGIN
    assert User.all_objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    "wrong",
    [{"aud": "somebody-else"}, {"iss": "https://evil.example"}, {"exp": 1}],
)
def test_a_token_for_another_is_refused(client, issuer, wrong):
    issuer.wrong = wrong
    assert sign_in(client)["Location"] == LOGIN
    assert not is_signed_in(client)
    assert not User.objects.exists()


@pytest.mark.django_db
def test_an_answer_this_browser_did_not_ask_for_is_refused(client, issuer):
    from django.test import Client

    location = let_in(begin(Client()))
    back(client, location)
    assert not is_signed_in(client)
    assert not User.objects.exists()


@pytest.mark.django_db
def test_a_code_is_bound_to_the_browser_that_asked(client, issuer):
    address = begin(client)
    assert "code_challenge=" in address
    location = let_in(address)
    code = location.partition("code=")[2].partition("&")[0]
    issuer.asked[code]["code_challenge"] = "of-another-browser"
    back(client, location)
    assert not is_signed_in(client)


@pytest.mark.django_db
def test_cognito_signs_in_by_its_own_endpoints(client, issuer):
    issuer.claims |= {"cognito:groups": ["Roasters"], "given_name": "Noor"}
    sign_in(client, "/accounts/amazon-cognito/login/")
    user = User.objects.get()
    assert (user.provider, user.group_names()) == ("aws_cognito", ["Roasters"])
    assert "/oauth2/userInfo" in issuer.requests


@pytest.mark.django_db
def test_azure_signs_in_the_people_of_one_directory(client, issuer):
    issuer.claims = {
        "id": "azure-1",
        "mail": "Noor@Example.com",
        "displayName": "Noor Jansen",
    }
    sign_in(client, "/accounts/microsoft/login/")
    user = User.objects.get()
    assert (user.provider, user.provider_user_id) == ("azure_ad", "azure-1")
    assert (user.email, user.name) == ("noor@example.com", "Noor Jansen")
    assert "/harbor/oauth2/v2.0/authorize" in issuer.requests


@pytest.mark.django_db
def test_the_sign_in_page_offers_what_is_configured(client, issuer):
    page = client.get(LOGIN).content.decode()
    for name in ("Harbor SSO", "Microsoft", "Cognito"):
        assert name in page


@pytest.mark.django_db
def test_without_configuration_nothing_is_offered(client):
    assert "Sign in with" not in client.get(LOGIN).content.decode()
    assert client.get("/accounts/oidc/oidc/login/").status_code == 404


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"OIDC_ISSUER": "https://x.example"}, "OIDC_CLIENT_ID is missing"),
        ({"AZURE_AD_TENANT": "common"}, "AZURE_AD_CLIENT_ID is missing"),
        (
            {
                "AZURE_AD_CLIENT_ID": "a",
                "AZURE_AD_CLIENT_SECRET": "b",
                "AZURE_AD_TENANT": "Common",
            },
            "AZURE_AD_TENANT",
        ),
        (
            {
                "COGNITO_CLIENT_ID": "a",
                "COGNITO_CLIENT_SECRET": "b",
                "COGNITO_DOMAIN": "x",
            },
            "COGNITO_DOMAIN",
        ),
    ],
)
def test_half_a_configuration_is_one_clear_line(monkeypatch, values, said):
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ImproperlyConfigured, match=said):
        providers(Environment())
