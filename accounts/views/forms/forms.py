from datetime import timedelta

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.utils import timezone

from accounts.access import key_bindings
from accounts.access.api_keys import TIERS
from accounts.access.authentication import Principal
from accounts.access.permissions import may
from accounts.errors import DomainError
from accounts.models.api_keys import Scope
from accounts.models.organizations import Role
from accounts.models.users import User
from accounts.organizations.members import MAY_HAND_OUT

SCOPE_WORDS = {
    Scope.AGENTS_READ: "see agents and their settings",
    Scope.AGENTS_WRITE: "create, edit and delete agents",
    Scope.KNOWLEDGE_WRITE: "add documents",
    Scope.METRICS_READ: "read figures",
    Scope.METRICS_WRITE: "record test results",
    Scope.SESSIONS_READ: "read conversations",
    Scope.SESSIONS_WRITE: "change and end conversations",
    Scope.CHAT: "talk with agents",
    Scope.ADMIN: "everything its owner may do",
}
EXPIRIES = [
    ("30", "in 30 days"),
    ("90", "in 90 days"),
    ("365", "in a year"),
    ("", "never"),
]
OVERLAPS = [
    ("0", "no moment longer"),
    ("3600", "an hour"),
    ("86400", "a day"),
    ("604800", "a week"),
]


class DomainForm(forms.Form):
    """A form whose errors may also come from the domain, after validation."""

    def refuse(self, error: DomainError) -> None:
        """Show a refusal at the fields it is about."""
        whole = [{"pointer": "", "detail": error.detail}]
        for item in error.members()["errors"] or whole:
            parts = item["pointer"].split("/")
            field = next((part for part in parts if part in self.fields), None)
            self.add_error(field, item["detail"])


class APIKeyForm(DomainForm):
    name = forms.CharField(
        max_length=100,
        help_text="Where it is used, so that you know it again.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    scopes = forms.MultipleChoiceField(
        label="What it may do", widget=forms.CheckboxSelectMultiple
    )
    rate_limit_tier = forms.ChoiceField(label="Limit")
    expires_in = forms.ChoiceField(
        label="Expires", choices=EXPIRIES, required=False, initial="90"
    )
    agent = forms.ChoiceField(label="Reaches", required=False)

    def __init__(self, *args, principal: Principal, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["scopes"].choices = [
            (scope.value, words)
            for scope, words in SCOPE_WORDS.items()
            if may(principal.role, scope)
        ]
        self.fields["rate_limit_tier"].choices = [
            (tier.value, tier.label) for tier in TIERS[principal.organization.plan]
        ]
        self.fields["agent"].choices = [
            ("", "every agent"),
            *key_bindings.choices(principal.organization),
        ]

    def arguments(self) -> dict:
        """Return what `create_api_key` is called with."""
        days = self.cleaned_data["expires_in"]
        return {
            "name": self.cleaned_data["name"],
            "scopes": self.cleaned_data["scopes"],
            "rate_limit_tier": self.cleaned_data["rate_limit_tier"],
            "expires_at": timezone.now() + timedelta(days=int(days)) if days else None,
            "agent_public_id": self.cleaned_data["agent"] or None,
        }


class RotationForm(forms.Form):
    overlap_seconds = forms.TypedChoiceField(
        label="The old key works on for", choices=OVERLAPS, coerce=int, initial="86400"
    )


def roles_to_give(role: str) -> list[tuple[str, str]]:
    """Return the roles somebody of this role may hand out, as choices."""
    given = MAY_HAND_OUT.get(Role(role), frozenset())
    return [(value, label) for value, label in Role.choices if value in given]


class InvitationForm(DomainForm):
    email = forms.EmailField(
        help_text="A link is sent there; it works once.",
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    role = forms.ChoiceField(initial=Role.EDITOR)

    def __init__(self, *args, role: str, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = roles_to_give(role)


class RoleForm(forms.Form):
    role = forms.ChoiceField()

    def __init__(self, *args, role: str, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = roles_to_give(role)


class NameForm(DomainForm):
    name = forms.CharField(
        max_length=255,
        label="Your name",
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )


class FirstOwnerForm(DomainForm):
    code = forms.CharField(
        label="Setup code",
        max_length=50,
        help_text="The server printed it when it started: XXXX-XXXX-XXXX.",
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "class": "mono", "spellcheck": "false"}
        ),
    )
    name = forms.CharField(
        max_length=255,
        label="Your name",
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    email = forms.EmailField(
        label="Your email address",
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    # As it is typed: signing in strips nothing either.
    password = forms.CharField(
        strip=False,
        help_text="At least 8 characters, none of the common ones.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    organization = forms.CharField(
        max_length=255,
        label="Your organization",
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )

    def clean(self):
        fields = super().clean()
        if "password" in fields:
            about = User(email=fields.get("email", ""), name=fields.get("name", ""))
            try:
                validate_password(fields["password"], about)
            except forms.ValidationError as error:
                self.add_error("password", error)
        return fields


class JoinForm(DomainForm):
    name = forms.CharField(
        max_length=255,
        label="Your name",
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    # As it is typed: signing in strips nothing either.
    password = forms.CharField(
        strip=False,
        help_text="At least 8 characters, none of the common ones.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args, email: str, **kwargs):
        super().__init__(*args, **kwargs)
        self.email = email

    def clean_password(self):
        password = self.cleaned_data["password"]
        validate_password(password, User(email=self.email))
        return password
