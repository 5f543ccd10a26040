"""Which providers there are follows from the environment alone, one kind each."""

import re

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse

from accounts.models import User
from accounts.tests.factories import UserFactory
from accounts.tests.sign_in.issuer import sign_in
from config.environment import Environment
from config.sign_in import providers

LOGIN = reverse("account_login")
OIDC = "/accounts/oidc/oidc/login/"
COGNITO = "/accounts/amazon-cognito/login/"
AZURE = "/accounts/microsoft/login/"


def is_refused(client, response):
    assert response["Location"] == LOGIN
    return "_auth_user_id" not in client.session


@pytest.mark.django_db
def test_cognito_signs_in_with_the_groups_of_its_token(client, issuer):
    issuer.claims |= {"cognito:groups": ["Roasters"], "email_verified": "true"}
    sign_in(client, COGNITO)
    user = User.objects.get()
    assert (user.provider, user.provider_user_id) == ("aws_cognito", "person-1")
    assert user.group_names() == ["Roasters"]
    assert "/eu-west-1_pool/token" in issuer.requests


@pytest.mark.django_db
def test_cognito_opens_nothing_by_an_unverified_address(client, issuer):
    issuer.claims["email_verified"] = "false"
    assert is_refused(client, sign_in(client, COGNITO))


@pytest.mark.django_db
def test_azure_signs_in_the_people_of_one_directory(client, directory):
    directory.claims |= {"roles": ["Agent.Owner"], "groups": ["a-group-id"]}
    sign_in(client, AZURE)
    user = User.objects.get()
    assert (user.provider, user.provider_user_id) == ("azure_ad", "azure-1")
    assert (user.email, user.name) == ("noor@example.com", "Noor Jansen")
    assert (user.roles, user.group_names()) == (["Agent.Owner"], ["a-group-id"])


@pytest.mark.django_db
def test_azure_without_an_address_signs_in_by_the_name(client, directory):
    del directory.claims["email"]
    sign_in(client, AZURE)
    assert User.objects.get().email == "n.jansen@example.com"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name",
    ["boss_rival.example#EXT#@example.onmicrosoft.com", "x@notrival.example", None, 7],
)
def test_azure_opens_nothing_by_an_address_of_another_domain(client, directory, name):
    UserFactory(email="boss@rival.example")
    directory.claims |= {"email": "boss@rival.example", "preferred_username": name}
    assert is_refused(client, sign_in(client, AZURE))


@pytest.mark.django_db
def test_azure_signs_in_nobody_of_another_directory(client, directory):
    directory.wrong = {"iss": f"{directory.url}/another-directory/v2.0"}
    assert is_refused(client, sign_in(client, AZURE))


@pytest.mark.django_db
def test_the_sign_in_page_offers_what_is_configured(client, issuer):
    page = client.get(f"{LOGIN}?next=/api-keys/").content.decode()
    for name in ("Harbor SSO", "Microsoft", "Amazon Cognito"):
        assert f"Sign in with {name}" in page
    assert re.search(r'href="/accounts/oidc/oidc/login/\?next=%2Fapi-keys%2F"', page)


@pytest.mark.django_db
def test_without_configuration_nothing_is_offered(client):
    assert "Other ways" not in client.get(LOGIN).content.decode()
    for path in (OIDC, COGNITO, AZURE, f"{OIDC}callback/"):
        assert client.get(path).status_code == 404


@pytest.mark.django_db
def test_what_is_kept_elsewhere_switches_no_provider_on(client):
    from allauth.socialaccount.models import SocialApp

    SocialApp.objects.create(
        provider="openid_connect", provider_id="oidc", name="Planted", client_id="x"
    )
    assert "Planted" not in client.get(LOGIN).content.decode()
    assert client.get(OIDC).status_code == 404


AZURE_VALUES = {"AZURE_AD_CLIENT_ID": "a", "AZURE_AD_CLIENT_SECRET": "b"}
COGNITO_VALUES = {"COGNITO_CLIENT_ID": "a", "COGNITO_CLIENT_SECRET": "b"}
OIDC_VALUES = {"OIDC_CLIENT_ID": "a", "OIDC_CLIENT_SECRET": "b"}


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"OIDC_ISSUER": "https://x.example"}, "OIDC_CLIENT_ID is missing"),
        ({"AZURE_AD_TENANT": "common"}, "AZURE_AD_CLIENT_ID is missing"),
        (COGNITO_VALUES, "COGNITO_ISSUER is missing"),
        (AZURE_VALUES | {"AZURE_AD_TENANT": "Common"}, "AZURE_AD_TENANT"),
        (AZURE_VALUES | {"AZURE_AD_TENANT": "a/../common"}, "AZURE_AD_TENANT"),
        (COGNITO_VALUES | {"COGNITO_ISSUER": "x"}, "COGNITO_ISSUER"),
        (OIDC_VALUES | {"OIDC_ISSUER": "http://sso.example"}, "OIDC_ISSUER"),
    ],
)
def test_half_a_configuration_is_one_clear_line(monkeypatch, values, said):
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ImproperlyConfigured, match=said):
        providers(Environment())
