"""The providers people may sign in by. allauth looks for them in a module so named.

All three speak OpenID Connect. An identity is what their signed token says and no more:
issued by the configured issuer, for us, just now, in answer to what this browser asked.
"""

from typing import Any
from urllib.parse import urlencode

import jwt
import requests
from allauth.account.models import EmailAddress
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect.provider import (
    OpenIDConnectProvider,
)
from allauth.socialaccount.providers.openid_connect.views import (
    OpenIDConnectOAuth2Adapter,
)
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from accounts.sign_in.identities import check_issuer, text_in

# Signatures only the issuer can make: with HS256 we could make them ourselves.
SIGNATURES = [
    f"{family}{size}" for family in ("RS", "PS", "ES") for size in (256, 384, 512)
]
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri", "issuer")
CLOCK_SKEW_SECONDS = 60
# Of a person's claims, what is kept beside the account.
KEPT = ("iss", "sub", "email")
MAX_SUB = 191


class Issuer(OpenIDConnectOAuth2Adapter):
    """Speak with one issuer, and believe what it has signed."""

    @property
    def openid_config(self) -> dict[str, Any]:
        config = super().openid_config
        provider = self.get_provider()
        if not isinstance(config, dict) or not all(map(config.get, ENDPOINTS)):
            raise OAuth2Error("The issuer's configuration is incomplete.")
        if not provider.is_issuer(config["issuer"]):
            raise OAuth2Error("The configuration is another issuer's.")
        return config

    def get_callback_url(self, request: HttpRequest, app) -> str:
        # What was registered with the provider, whatever Host was asked for.
        return settings.PUBLIC_BASE_URL + self.get_provider().get_callback_url()

    def complete_login(self, request, app, token, **kwargs) -> SocialLogin:
        id_token = kwargs["response"].get("id_token")
        if not isinstance(id_token, str):
            raise OAuth2Error("There is no token that says who it is.")
        provider = self.get_provider()
        claims = self.verified(id_token, app.client_id)
        if provider.asks_for_more and "userinfo_endpoint" in self.openid_config:
            said = self._fetch_user_info(token.token)
            if not isinstance(said, dict) or said.get("sub") != claims["sub"]:
                raise OAuth2Error("It speaks of somebody else.")
            claims = joined(claims, said)
        return provider.sociallogin_from_response(request, claims)

    def verified(self, id_token: str, client_id: str) -> dict[str, Any]:
        """Return the claims of a token, or raise OAuth2Error."""
        try:
            return jwt.decode(
                id_token,
                self._key_of(id_token),
                algorithms=SIGNATURES,
                audience=client_id,
                issuer=self.openid_config["issuer"],
                leeway=CLOCK_SKEW_SECONDS,
                options={"require": ["iss", "sub", "aud", "exp", "iat"]},
            )
        except jwt.PyJWTError as error:
            raise OAuth2Error("The token is not valid.") from error

    def _key_of(self, id_token: str) -> jwt.PyJWK:
        """Return the issuer's key a token names, or its only one."""
        with get_adapter().get_requests_session() as session:
            answer = session.get(self.openid_config["jwks_uri"])
            answer.raise_for_status()
            keys = jwt.PyJWKSet.from_dict(answer.json()).keys
        named = jwt.get_unverified_header(id_token).get("kid")
        if named is None and len(keys) == 1:
            return keys[0]
        for key in keys:
            if key.key_id == named:
                return key
        raise OAuth2Error("The token is signed by a key the issuer does not have.")


class IssuedProvider(OpenIDConnectProvider):
    """What the three have in common."""

    oauth2_adapter_class = Issuer
    # Whether claims may be missing from the token that the issuer tells when asked.
    asks_for_more = False

    def get_oauth2_adapter(self, request: HttpRequest) -> Issuer:
        return Issuer(request, self.sub_id)

    def get_login_url(self, request: HttpRequest, **kwargs) -> str:
        query = f"?{urlencode(kwargs)}" if kwargs else ""
        return reverse(f"{self.id}_login") + query

    def get_callback_url(self) -> str:
        return reverse(f"{self.id}_callback")

    def is_issuer(self, name: str) -> bool:
        return name.rstrip("/") == self.app.settings["server_url"]

    def sociallogin_from_response(self, request, response) -> SocialLogin:
        # Before allauth looks the identity up, which overwrites what is kept of it.
        check_issuer(
            provider=self.sub_id,
            sub=self.extract_uid(response),
            issuer=response["iss"],
        )
        login = super().sociallogin_from_response(request, response)
        login.claims = response
        return login

    def extract_uid(self, data: dict[str, Any]) -> str:
        sub = data.get("sub")
        if text_in(sub) != sub or not 1 <= len(sub) <= MAX_SUB:
            raise OAuth2Error("The token names nobody.")
        return sub

    def extract_extra_data(self, data: dict[str, Any]) -> dict[str, Any]:
        return {name: text_in(data.get(name)) for name in KEPT}

    def extract_common_fields(self, data: dict[str, Any]) -> dict[str, Any]:
        return {}

    def extract_email_addresses(self, data: dict[str, Any]) -> list[EmailAddress]:
        email = self.email_in(data)
        if not isinstance(email, str) or not email:
            return []
        verified = self.vouches_for(email, data)
        return [EmailAddress(email=email, verified=verified, primary=True)]

    def email_in(self, data: dict[str, Any]) -> Any:
        return data.get("email")

    def vouches_for(self, email: str, data: dict[str, Any]) -> bool:
        """Say whether the issuer has verified that an address is this person's."""
        # Some write it as text; "false" must not count as true.
        return data.get("email_verified") in (True, "true")


class OIDCProvider(IssuedProvider):
    """Any other issuer."""

    asks_for_more = True


class CognitoProvider(IssuedProvider):
    """One user pool. Its groups are in the token alone."""

    id = "amazon_cognito"
    name = "Amazon Cognito"

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.name = type(self).name


class AzureProvider(IssuedProvider):
    """One directory of Azure AD."""

    id = "microsoft"
    name = "Microsoft"

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.name = type(self).name

    def is_issuer(self, name: str) -> bool:
        # The directory may be configured by its domain; its issuer has its id.
        server = self.app.settings["server_url"].rsplit("/", 2)[0]
        return name.startswith(f"{server}/") and "{" not in name

    def extract_uid(self, data: dict[str, Any]) -> str:
        # `sub` is another for every application; this is the directory's own.
        return super().extract_uid({"sub": data.get("oid")})

    def email_in(self, data: dict[str, Any]) -> Any:
        return data.get("email") or data.get("preferred_username")

    def vouches_for(self, email: str, data: dict[str, Any]) -> bool:
        """Believe an address in the domain of the sign-in name, which was proven.

        The address itself is an attribute that administrators may set to anything.
        """
        domain = email.rpartition("@")[2].lower()
        name = data.get("preferred_username")
        return isinstance(name, str) and name.lower().endswith(f"@{domain}")


def joined(claims: dict[str, Any], said: dict[str, Any]) -> dict[str, Any]:
    """Add what an issuer says when asked to what it signed, which counts for more."""
    pair = ("email", "email_verified")
    # An address and its verification come from one place, or one of neither's making
    # would count as verified.
    source = claims if all(name in claims for name in pair) else said
    return said | claims | {name: source.get(name) for name in pair}


def unreachable() -> tuple[type[Exception], ...]:
    """Return what is raised when an issuer gives no sensible answer."""
    return (OAuth2Error, requests.RequestException)


provider_classes = [OIDCProvider, CognitoProvider, AzureProvider]
