from django import forms

from accounts.privacy.visitors import LONGEST_ID
from accounts.views.forms.forms import DomainForm


class OrganizationForm(DomainForm):
    name = forms.CharField(
        max_length=255, widget=forms.TextInput(attrs={"autocomplete": "organization"})
    )


class VisitorForm(DomainForm):
    visitor_id = forms.CharField(
        label="Visitor id",
        max_length=LONGEST_ID,
        strip=False,
        help_text="As it stands at a conversation, or as your own server named them.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


class ConfirmationForm(DomainForm):
    """Somebody writes down the name of what will be gone."""

    confirmation = forms.CharField(
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"})
    )

    def __init__(self, *args, expected: str, **kwargs):
        super().__init__(*args, **kwargs)
        self.expected = expected
        self.fields["confirmation"].label = f"Write {expected} to confirm"

    def clean_confirmation(self):
        written = self.cleaned_data["confirmation"]
        if written.strip() != self.expected.strip():
            raise forms.ValidationError(f"This is not {self.expected}.")
        return written
