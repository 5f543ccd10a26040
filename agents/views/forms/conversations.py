"""What members fill in about conversations: what to find, and how long to keep."""

from django import forms

from accounts.models.organizations import Organization
from accounts.views.forms.forms import DomainForm
from agents.conversations.listing import tags_of
from agents.conversations.search import LONGEST
from agents.models.feedback import RatingValue
from agents.models.retention import LONGEST_DAYS
from agents.models.sessions import Channel, SessionStatus


def any_of(word: str, choices) -> list[tuple[str, str]]:
    return [("", f"Any {word}"), *choices]


class ConversationFilterForm(forms.Form):
    """What narrows a list of conversations; an answer that is wrong narrows nothing."""

    search = forms.CharField(
        label="Words that were said",
        max_length=LONGEST,
        required=False,
        widget=forms.TextInput(
            attrs={
                "type": "search",
                "data-key": "/",
                "placeholder": 'Words that were said, or a "phrase"',
            }
        ),
    )
    agent_name = forms.CharField(label="Agent", max_length=255, required=False)
    status = forms.ChoiceField(
        label="State", choices=any_of("state", SessionStatus.choices), required=False
    )
    channel = forms.ChoiceField(
        label="Through", choices=any_of("channel", Channel.choices), required=False
    )
    rating = forms.ChoiceField(
        label="Rated", choices=any_of("rating", RatingValue.choices), required=False
    )
    tag = forms.ChoiceField(label="Tag", required=False)
    since = forms.DateField(
        label="Begun since",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    until = forms.DateField(
        label="Until", required=False, widget=forms.DateInput(attrs={"type": "date"})
    )

    def __init__(self, *args, organization: Organization, of_one=False, **kwargs):
        super().__init__(*args, **kwargs)
        names = [(tag.name, tag.name) for tag in tags_of(organization)]
        self.fields["tag"].choices = any_of("tag", names)
        if of_one:
            del self.fields["agent_name"]

    @property
    def asked(self) -> dict:
        """What was asked and could be read."""
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}


class RetentionForm(DomainForm):
    days = forms.IntegerField(
        label="Days since the last word",
        required=False,
        min_value=1,
        max_value=LONGEST_DAYS,
    )
