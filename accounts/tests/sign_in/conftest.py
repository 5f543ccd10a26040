"""An issuer of identities, configured as every provider there is."""

import pytest

from accounts.tests.sign_in import issuer as issuers
from config.environment import Environment
from config.sign_in import providers


@pytest.fixture(scope="session")
def served():
    with issuers.running() as issuer:
        yield issuer


@pytest.fixture
def issuer(served, settings, monkeypatch):
    """The issuer as it is at first, configured as every provider there is."""
    served.reset()
    client = {
        "CLIENT_ID": issuers.CLIENT_ID,
        "CLIENT_SECRET": issuers.CLIENT_SECRET,
    }
    values = {
        "OIDC_ISSUER": served.url,
        "OIDC_NAME": "Harbor SSO",
        "COGNITO_ISSUER": f"{served.url}/eu-west-1_pool",
        "AZURE_AD_TENANT": issuers.DIRECTORY,
        "AZURE_AD_LOGIN_URL": served.url,
    }
    for prefix in ("OIDC", "COGNITO", "AZURE_AD"):
        values |= {f"{prefix}_{name}": value for name, value in client.items()}
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    settings.SOCIALACCOUNT_PROVIDERS = providers(Environment())
    return served


@pytest.fixture
def directory(issuer):
    """The issuer as Azure AD, where one of the directory's people signs in."""
    issuer.claims = {
        "sub": "another-for-every-application",
        "oid": "azure-1",
        "email": "Noor@Example.com",
        "preferred_username": "n.jansen@example.com",
        "name": "Noor Jansen",
    }
    return issuer
