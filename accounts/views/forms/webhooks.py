from django import forms

from accounts.models.webhooks import WebhookEvent
from accounts.views.forms.forms import DomainForm


class WebhookForm(DomainForm):
    url = forms.CharField(
        label="URL",
        max_length=2048,
        help_text="It is sent a POST for each event. It begins with https://.",
        widget=forms.URLInput(
            attrs={"autocomplete": "off", "placeholder": "https://example.com/hooks"}
        ),
    )
    description = forms.CharField(
        max_length=200,
        required=False,
        help_text="Where it leads, so that you know it again.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    events = forms.MultipleChoiceField(
        label="Tell it when",
        choices=WebhookEvent.choices,
        widget=forms.CheckboxSelectMultiple,
    )
