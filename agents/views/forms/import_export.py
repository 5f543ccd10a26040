"""The forms that bring an agent: a file, or a ready one."""

import uuid
from typing import Any

from django import forms

from accounts.errors import DomainError
from accounts.strict_json import InvalidBody, parse_json
from accounts.views.forms.forms import DomainForm
from agents.import_export.agent_templates import Ready
from agents.import_export.file_format import MAX_BYTES
from agents.models.agents import Industry

PLAIN = {"autocomplete": "off"}


class OnceForm(DomainForm):
    """A form that makes one agent, however often an impatient hand sends it."""

    idempotency_key = forms.CharField(
        max_length=255, initial=uuid.uuid4, widget=forms.HiddenInput
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        # What is wrong and where in the file: [{"pointer", "detail"}].
        self.problems: list[dict[str, str]] = []

    def refuse(self, error: DomainError) -> None:
        """Show what is wrong in a file beside where it is."""
        found = error.members()["errors"]
        if not found:
            super().refuse(error)
            return
        self.problems = found
        self.add_error(None, "Nothing was made. These places in the file are wrong:")


class ImportForm(OnceForm):
    file = forms.FileField(
        label="The agent's file",
        help_text=f"A .json file that an agent was exported to; at most "
        f"{MAX_BYTES // 2**20} MB.",
        widget=forms.ClearableFileInput(attrs={"accept": ".json,application/json"}),
    )

    def clean_file(self) -> Any:
        """Return what the file says."""
        file = self.cleaned_data["file"]
        if file.size > MAX_BYTES:
            raise forms.ValidationError(f"It is larger than {MAX_BYTES // 2**20} MB.")
        try:
            return parse_json(file.read())
        except InvalidBody as error:
            where = f" ({error.pointer})" if error.pointer else ""
            raise forms.ValidationError(f"{error.detail}{where}") from None


class ReadyForm(OnceForm):
    name = forms.CharField(
        max_length=255,
        help_text="Visitors see this name.",
        widget=forms.TextInput(attrs=PLAIN),
    )
    industry = forms.ChoiceField(
        choices=Industry.choices, help_text="What it minds beyond its own prompt."
    )
    knowledge = forms.BooleanField(
        label="Bring the sample text and its tests",
        required=False,
        initial=True,
        help_text="To try it at once. Replace the text before visitors see it.",
    )

    def __init__(self, *args, ready: Ready, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["name"].initial = ready.name
