"""Sign-in by other providers, each switched on by its environment variables alone."""

from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from config.environment import Environment

# Tenants that let in anybody with any Microsoft account: none vouches for an address.
OPEN_TENANTS = {"common", "organizations", "consumers"}
OIDC = "oidc"
AZURE_LOGIN = "https://login.microsoftonline.com"
AZURE_GRAPH = "https://graph.microsoft.com"


def providers(env: Environment) -> dict[str, dict[str, Any]]:
    """Return what allauth is told of the providers that are configured."""
    found = {}
    if values := _values(env, "AZURE_AD", "CLIENT_ID", "CLIENT_SECRET", "TENANT"):
        client_id, secret, tenant = values
        if tenant.lower() in OPEN_TENANTS:
            raise ImproperlyConfigured("AZURE_AD_TENANT must be one directory's id.")
        cloud = {
            # National clouds have servers of their own.
            "login_url": env("AZURE_AD_LOGIN_URL", default=AZURE_LOGIN),
            "graph_url": env("AZURE_AD_GRAPH_URL", default=AZURE_GRAPH),
        }
        app = _app(client_id, secret, tenant=tenant, **cloud)
        # One directory's administrators vouch for its addresses.
        found["microsoft"] = {"APPS": [app], "VERIFIED_EMAIL": True}
    if values := _values(env, "COGNITO", "CLIENT_ID", "CLIENT_SECRET", "DOMAIN"):
        client_id, secret, domain = values
        found["amazon_cognito"] = {
            "APPS": [_app(client_id, secret)],
            "DOMAIN": _address("COGNITO_DOMAIN", domain),
        }
    if values := _values(env, "OIDC", "ISSUER", "CLIENT_ID", "CLIENT_SECRET"):
        issuer, client_id, secret = values
        name = env("OIDC_NAME", default="Single sign-on")
        issuer = _address("OIDC_ISSUER", issuer)
        app = _app(client_id, secret, server_url=issuer)
        found["openid_connect"] = {
            "APPS": [app | {"provider_id": OIDC, "name": name}],
            "OAUTH_PKCE_ENABLED": True,
        }
    return found


def _app(client_id: str, secret: str, **settings: str) -> dict[str, Any]:
    return {"client_id": client_id, "secret": secret, "settings": settings}


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
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise ImproperlyConfigured(f"{name} must be an address, https://…")
    return value.rstrip("/")
