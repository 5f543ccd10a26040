"""Forms of the second step. They load the library of passkeys: import them late."""

import json
import re
import struct
from typing import Any

from allauth.account.adapter import get_adapter as get_account_adapter
from allauth.core import context
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.totp.internal import auth as totp
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    EditWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from allauth.mfa.webauthn.internal import auth as webauthn
from django import forms

from accounts import encryption
from accounts.sign_in import attempt_limits, recording, second_factors

MAX_CREDENTIAL = 20_000
BASE64URL = re.compile(r"[A-Za-z0-9_-]+={0,2}")
# What the parsers raise at nonsense, besides their own refusals.
NONSENSE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
CODE = {"autocomplete": "one-time-code", "inputmode": "numeric"}


class Guarded(forms.Form):
    """A code that may be guessed only so often."""

    code = forms.CharField(max_length=20, widget=forms.TextInput(attrs=CODE))

    def clean_code(self) -> str:
        usage = attempt_limits.take(context.request, "code", self.user.email)
        if usage is None:
            raise get_account_adapter().validation_error("too_many_login_attempts")
        code = self.cleaned_data["code"]
        if not self.accepts(code):
            recording.record_failure(self.user, "code")
            raise get_adapter().validation_error("incorrect_code")
        usage.rollback()
        return code

    def accepts(self, code: str) -> bool:
        self.authenticator = second_factors.accept_code(self.user, code)
        if self.authenticator is None:
            return False
        self.authenticator.user = self.user
        return True


class CodeForm(Guarded, AuthenticateForm):
    """Sign in with a code."""


class CodeAgainForm(Guarded, ReauthenticateForm):
    """Show by a code once more who it is."""


class AppForm(Guarded, ActivateTOTPForm):
    """Connect an authenticator app: its first code shows that it works."""

    code = forms.CharField(
        label="Code of the app", max_length=20, widget=forms.TextInput(attrs=CODE)
    )

    def __init__(self, *args, **kwargs):
        self.user = kwargs.pop("user")
        # Not the parent's: it keeps the new secret in the session in clear.
        forms.Form.__init__(self, *args, **kwargs)
        session = context.request.session
        kept = session.get(totp.SECRET_SESSION_KEY) if self.is_bound else None
        if kept is None:
            kept = encryption.encrypt(totp.generate_totp_secret())
            session[totp.SECRET_SESSION_KEY] = kept
        self.secret = encryption.decrypt(kept)

    def accepts(self, code: str) -> bool:
        return totp.validate_totp_code(self.secret, code)


class CredentialField(forms.JSONField):
    """What a browser says of a passkey; anybody may send anything."""

    widget = forms.HiddenInput

    def to_python(self, value: Any) -> dict[str, Any]:
        try:
            if len(str(value)) > MAX_CREDENTIAL:
                raise ValueError
            found = json.loads(value) if isinstance(value, str) else value
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise get_adapter().validation_error("incorrect_code")
        return found


class PasskeyForm(AuthenticateWebAuthnForm):
    """Sign in with a passkey, as the second step. There is nothing to guess."""

    credential = CredentialField()

    def clean_credential(self) -> Authenticator:
        credential = self.cleaned_data["credential"]
        try:
            webauthn.parse_authentication_response(credential)
            user = self.user or webauthn.extract_user_from_response(credential)
            return webauthn.complete_authentication(user, credential)
        except (*NONSENSE, struct.error):
            raise get_adapter().validation_error("incorrect_code") from None


class PasskeyAgainForm(PasskeyForm, ReauthenticateWebAuthnForm):
    """Show by a passkey once more who it is."""


class PasskeyAloneForm(PasskeyForm, LoginWebAuthnForm):
    """Sign in with a passkey alone."""


class AddPasskeyForm(AddWebAuthnForm):
    """Keep a new passkey."""

    name = forms.CharField(max_length=100, required=False)
    credential = CredentialField()
    passwordless = forms.BooleanField(
        label="Sign in with it alone, without a password",
        required=False,
        initial=True,
    )

    def clean_credential(self) -> dict[str, Any]:
        """Keep what is needed of it and nothing else."""
        given = self.cleaned_data["credential"]
        try:
            response = given["response"]
            kept = {
                "id": given["id"],
                "rawId": given["rawId"],
                "type": "public-key",
                "response": {
                    name: response[name]
                    for name in ("clientDataJSON", "attestationObject")
                },
            }
            texts = [kept["id"], kept["rawId"], *kept["response"].values()]
            if not all(map(BASE64URL.fullmatch, texts)):
                raise ValueError
        except NONSENSE:
            raise get_adapter().validation_error("incorrect_code") from None
        is_resident = self.data.get("passwordless") in ("on", "true")
        return kept | {"clientExtensionResults": {"credProps": {"rk": is_resident}}}

    def clean(self) -> dict[str, Any]:
        try:
            return super().clean()
        except (*NONSENSE, struct.error):
            raise get_adapter().validation_error("incorrect_code") from None


class RenamePasskeyForm(EditWebAuthnForm):
    name = forms.CharField(max_length=100)
