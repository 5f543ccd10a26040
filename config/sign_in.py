"""Sign-in by other providers, each switched on by its environment variables alone."""

import re
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from config.environment import Environment

# Tenants that let in anybody with any Microsoft account: none vouches for an address.
# The last is the directory in which all personal accounts are.
OPEN_TENANTS = {
    "common",
    "organizations",
    "consumers",
    "9188040d-6c67-4c5b-b112-36a304b66dad",
}
# A directory's id, or a domain of its.
DIRECTORY = re.compile(r"[\w.-]+", re.ASCII)
LOOPBACK = {"localhost", "127.0.0.1", "::1"}
OIDC = "oidc"
AZURE_LOGIN = "https://login.microsoftonline.com"


def providers(env: Environment) -> dict[str, dict[str, Any]]:
    """Return what allauth is told of the providers that are configured."""
    found = {}
    if values := _values(env, "AZURE_AD", "CLIENT_ID", "CLIENT_SECRET", "TENANT"):
        client_id, secret, tenant = values
        if tenant.lower() in OPEN_TENANTS or not DIRECTORY.fullmatch(tenant):
            raise ImproperlyConfigured("AZURE_AD_TENANT must be one directory's id.")
        # National clouds have servers of their own.
        login = env("AZURE_AD_LOGIN_URL", default=AZURE_LOGIN)
        server = f"{_address('AZURE_AD_LOGIN_URL', login)}/{tenant}/v2.0"
        found["microsoft"] = _provider(client_id, secret, server)
    if values := _values(env, "COGNITO", "CLIENT_ID", "CLIENT_SECRET", "ISSUER"):
        client_id, secret, issuer = values
        server = _address("COGNITO_ISSUER", issuer)
        found["amazon_cognito"] = _provider(client_id, secret, server)
    if values := _values(env, "OIDC", "CLIENT_ID", "CLIENT_SECRET", "ISSUER"):
        client_id, secret, issuer = values
        found["openid_connect"] = _provider(
            client_id,
            secret,
            _address("OIDC_ISSUER", issuer),
            provider_id=OIDC,
            name=env("OIDC_NAME", default="Single sign-on"),
        )
    return found


def _provider(client_id: str, secret: str, server_url: str, **more) -> dict[str, Any]:
    app = {
        "client_id": client_id,
        "secret": secret,
        "settings": {"server_url": server_url},
    }
    return {"APPS": [app | more], "OAUTH_PKCE_ENABLED": True}


def _values(env: Environment, prefix: str, *names: str) -> list[str] | None:
    """Return all of a provider's values, or None when it has none of them."""
    values = [env(f"{prefix}_{name}", default="").strip() for name in names]
    if not any(values):
        return None
    for name, value in zip(names, values, strict=True):
        if not value:
            raise ImproperlyConfigured(f"{prefix}_{name} is missing.")
    return values


def _address(name: str, value: str) -> str:
    parts = urlsplit(value)
    # What a provider says is worth no more than the line it comes by.
    is_safe = parts.scheme == "https" or (
        parts.scheme == "http" and parts.hostname in LOOPBACK
    )
    if not is_safe or not parts.hostname:
        raise ImproperlyConfigured(f"{name} must be an address, https://…")
    return value.rstrip("/")
