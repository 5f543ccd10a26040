import uuid
from typing import Any

from django import forms

from accounts.views.forms.forms import DomainForm
from metrics.bodies import MAX_DURATION

PASSED, FAILED = "passed", "failed"


class OnceForm(DomainForm):
    """A form that counts once, however often an impatient hand sends it."""

    idempotency_key = forms.CharField(
        max_length=255, initial=uuid.uuid4, widget=forms.HiddenInput
    )


class ResultForm(OnceForm):
    """The outcome of a custody test that somebody gave by hand."""

    outcome = forms.ChoiceField(
        choices=[(PASSED, "It passed"), (FAILED, "It failed")],
        widget=forms.RadioSelect,
    )
    score = forms.FloatField(
        min_value=0, max_value=100, help_text="0 to 100, as your rubric has it."
    )
    duration = forms.FloatField(
        label="Duration in seconds",
        min_value=0,
        max_value=MAX_DURATION,
        required=False,
    )
    is_winner = forms.BooleanField(
        label="It won against an adversary",
        required=False,
        help_text="Counts as an adversarial win.",
    )

    def body(self) -> dict[str, Any]:
        """Return what the service records."""
        data = self.cleaned_data
        return {
            "passed": data["outcome"] == PASSED,
            "score": data["score"],
            "duration": data["duration"] or 0.0,
            "is_winner": data["is_winner"],
        }
