import uuid
from typing import Any

from django import forms

from accounts.models.organizations import Organization
from accounts.views.forms.forms import DomainForm
from agents.configuration.model_choice import GROUNDED_WORDS, choices_for, usual_model
from agents.configuration.settings import (
    WAIT_MINUTES,
    Animation,
    Position,
    Size,
    Theme,
    WidgetConfig,
)
from agents.models.agents import (
    PLAIN_SETTINGS,
    SETTINGS,
    Agent,
    Industry,
    ReleaseGate,
    Template,
)
from agents.models.knowledge import KnowledgePack
from agents.models.personas import Persona
from agents.models.providers import GROUNDED
from agents.views.forms.fields import PLAIN, LongTextField, words_of
from agents.views.forms.knowledge import DocumentForm, FilesField

MAX_DOCUMENTS = 10
NO_PACK, EXISTING_PACK, NEW_PACK = "none", "existing", "new"


class AgentForm(DomainForm):
    """What an agent's owners write and choose, at its creation and later."""

    name = forms.CharField(
        max_length=255,
        help_text="Visitors see this name.",
        widget=forms.TextInput(attrs=PLAIN),
    )
    description = forms.CharField(
        max_length=2000,
        required=False,
        help_text="One sentence for your colleagues.",
        widget=forms.TextInput(attrs=PLAIN),
    )
    persona = forms.ModelChoiceField(
        queryset=Persona.objects.none(),
        required=False,
        blank=True,
        empty_label="No persona",
        widget=forms.RadioSelect,
    )
    system_prompt = LongTextField(
        label="Prompt",
        max_length=10_000,
        required=False,
        help_text=(
            "What it must do, must not do, and how it sounds; "
            "up to 10,000 characters on top of the persona."
        ),
        widget=forms.Textarea(attrs={"rows": 9}),
    )
    knowledge_pack = forms.ModelChoiceField(
        label="Knowledge pack",
        queryset=KnowledgePack.objects.none(),
        required=False,
        empty_label="None: it answers that it does not know",
    )
    allowed_origins = forms.CharField(
        label="Allowed sites",
        required=False,
        help_text=(
            "One a line, for example https://www.example.com. "
            "On every other site the widget stays closed."
        ),
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
    )
    welcome_message = forms.CharField(
        max_length=2000,
        required=False,
        help_text="The first line a visitor reads.",
        widget=forms.TextInput(attrs=PLAIN),
    )
    model = forms.ChoiceField(
        required=False,
        help_text="Of what your accounts offer. Without one it quotes its documents.",
    )
    temperature = forms.FloatField(
        min_value=0,
        max_value=2,
        initial=0.7,
        help_text="0 is exact, 2 is free. A model provider uses it.",
        widget=forms.NumberInput(attrs={"step": "0.1"}),
    )
    max_tokens = forms.IntegerField(
        label="Longest answer",
        min_value=1,
        max_value=4000,
        initial=1000,
        help_text="In tokens, about three quarters of a word each.",
    )

    def __init__(self, *args, organization: Organization, **kwargs):
        super().__init__(*args, **kwargs)
        self.offer_models(organization)
        packs = KnowledgePack.objects.for_organization(organization)
        self.fields["persona"].queryset = Persona.objects.available_to(organization)
        self.fields["knowledge_pack"].queryset = packs

    def offer_models(self, organization: Organization) -> None:
        """Offer what the accounts do, and the model an agent has."""
        choices = choices_for(organization)
        current = self.initial.get("model") or usual_model(organization)
        self.initial["model"] = current
        offers: dict[str, list[tuple[str, str]]] = {}
        for one in choices:
            label = GROUNDED_WORDS if one.model == GROUNDED else one.model
            offers.setdefault(one.offered_by, []).append((one.model, label))
        # Without an account the name is no more than a wish.
        if current not in {one.model for one in choices}:
            offers["Offered by no account"] = [(current, current)]
        alone = offers.pop("", [])
        self.fields["model"].choices = [*alone, *offers.items()]

    def clean_allowed_origins(self) -> list[str]:
        words = self.cleaned_data["allowed_origins"].replace(",", " ").split()
        return list(dict.fromkeys(words))

    def arguments(self) -> dict[str, Any]:
        """Return what the domain creates or updates an agent with."""
        data = self.cleaned_data
        asked = (each for each in SETTINGS if each.name in data)
        return {each.written_as: each.told(data[each.name]) for each in asked} | {
            "config": {
                "temperature": data["temperature"],
                "max_tokens": data["max_tokens"],
            }
            | ({"model": data["model"]} if data["model"] else {}),
            "widget_config": {"welcome_message": data["welcome_message"] or None},
        }


class CreateAgentForm(AgentForm):
    """A new agent, perhaps with a pack that is made on the way."""

    knowledge = forms.ChoiceField(
        choices=[
            (NEW_PACK, "Files or text I add here"),
            (EXISTING_PACK, "A pack you already have"),
            (NO_PACK, "Nothing yet"),
        ],
        initial=NEW_PACK,
        widget=forms.RadioSelect,
    )
    pack_name = forms.CharField(
        label="Name of the new pack",
        max_length=255,
        required=False,
        widget=forms.TextInput(attrs=PLAIN),
    )
    files = FilesField(label="Files", required=False)
    # Sent twice by an impatient hand, one form still makes one agent.
    idempotency_key = forms.CharField(
        max_length=255, initial=uuid.uuid4, widget=forms.HiddenInput
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        choice = data.get("knowledge")
        if choice == EXISTING_PACK and not data.get("knowledge_pack"):
            self.add_error("knowledge_pack", "Choose one of your packs.")
        if choice != EXISTING_PACK:
            data["knowledge_pack"] = None
        return data

    @property
    def new_pack_name(self) -> str | None:
        """The name of the pack to make, or None when none is wanted."""
        data = self.cleaned_data
        if data["knowledge"] != NEW_PACK:
            return None
        return data["pack_name"] or f"What {data['name']} knows"[:255]

    def wants(self, documents: forms.BaseFormSet) -> bool:
        """Check the pasted texts if they are wanted; empty ones are left out."""
        if self.cleaned_data["knowledge"] != NEW_PACK:
            return True
        if documents.is_valid() and (self.texts(documents) or self.files_to_add):
            return True
        if documents.is_valid():
            self.add_error(
                "knowledge", "Paste at least one text, add a file, or choose another."
            )
        else:
            self.add_error(None, "One of the texts needs another look.")
        return False

    @property
    def files_to_add(self) -> list[Any]:
        """The chosen files, if a new pack is wanted."""
        data = self.cleaned_data
        return data.get("files") or [] if data["knowledge"] == NEW_PACK else []

    def texts(self, documents: forms.BaseFormSet) -> list[dict[str, str]]:
        """Return the pasted texts, each as the domain wants it."""
        if self.cleaned_data["knowledge"] != NEW_PACK:
            return []
        return [each.cleaned_data for each in documents if each.cleaned_data]


class EditAgentForm(AgentForm):
    """An agent's settings, as they were when the form was opened."""

    template = forms.ChoiceField(
        label="Made for",
        choices=Template,
        help_text="The kind of work, for your own order.",
    )
    industry = forms.ChoiceField(choices=Industry)
    theme = forms.ChoiceField(choices=words_of(Theme))
    position = forms.ChoiceField(label="Corner", choices=words_of(Position))
    size = forms.ChoiceField(choices=words_of(Size))
    animation = forms.ChoiceField(label="Opening", choices=words_of(Animation))
    branding = forms.BooleanField(label="Say that it is a YourAgent", required=False)
    typing_indicator = forms.BooleanField(
        label="Show that an answer is on its way", required=False
    )
    quick_replies = forms.BooleanField(label="Offer questions to tap", required=False)
    sound_enabled = forms.BooleanField(
        label="Ring softly for an answer to a closed chat", required=False
    )
    custom_css = LongTextField(
        label="Your own CSS",
        max_length=10_000,
        required=False,
        help_text=(
            "For colours set --ya-accent and --ya-on-accent. Classes, colours, fonts "
            "and spacing are allowed; addresses, @-rules and !important are not."
        ),
        widget=forms.Textarea(
            attrs={"rows": 5, "spellcheck": "false", "class": "mono"}
        ),
    )
    handover = forms.ChoiceField(
        label="When visitors ask for a person",
        choices=[
            ("on_request", "Pass them on to the inbox"),
            ("offer", "Pass them on, and offer it where the agent does not know"),
            ("off", "Nobody can be asked for"),
        ],
        initial="on_request",
    )
    handover_wait_minutes = forms.IntegerField(
        label="How long they wait",
        min_value=1,
        max_value=1440,
        initial=WAIT_MINUTES,
        help_text="In minutes. Then they are told that nobody came.",
    )
    release_gate = forms.ChoiceField(label="After an edit", choices=ReleaseGate)
    auto_optimize = forms.BooleanField(
        label="Propose better prompts",
        required=False,
        help_text="The optimizer proposes a version; you decide whether to release it.",
    )
    is_active = forms.BooleanField(label="Answers visitors", required=False)
    version = forms.CharField(widget=forms.HiddenInput)

    ABOUT_PERSONS = ("handover", "handover_wait_minutes")
    ON_THE_WIDGET = (
        "theme",
        "position",
        "size",
        "animation",
        "branding",
        "typing_indicator",
        "quick_replies",
        "sound_enabled",
    )

    def arguments(self) -> dict[str, Any]:
        data, known = self.cleaned_data, super().arguments()
        look = {name: data[name] for name in self.ON_THE_WIDGET}
        look["custom_css"] = data["custom_css"] or None
        persons = {name: data[name] for name in self.ABOUT_PERSONS}
        return known | {
            "config": known["config"] | persons,
            "widget_config": known["widget_config"] | look,
        }

    @staticmethod
    def initial_of(agent: Agent) -> dict[str, Any]:
        """Return what the form shows of an agent."""
        # A value that is not set looks as its default does.
        usual = WidgetConfig().model_dump()
        given = agent.widget_config
        look = usual | {name: given[name] for name in given if given[name] is not None}
        return {each.name: each.of(agent) for each in PLAIN_SETTINGS} | {
            **{name: look[name] for name in EditAgentForm.ON_THE_WIDGET},
            "custom_css": look["custom_css"] or "",
            "persona": agent.persona_id,
            "knowledge_pack": agent.knowledge_pack_id,
            "allowed_origins": "\n".join(agent.allowed_origins),
            "welcome_message": agent.widget_config.get("welcome_message") or "",
            "model": agent.config.get("model"),
            "temperature": agent.config.get("temperature", 0.7),
            "max_tokens": agent.config.get("max_tokens", 1000),
            "handover": agent.config.get("handover", "on_request"),
            "handover_wait_minutes": agent.config.get(
                "handover_wait_minutes", WAIT_MINUTES
            ),
            "version": agent.etag,
        }


DocumentFormSet = forms.formset_factory(
    DocumentForm,
    extra=1,
    max_num=MAX_DOCUMENTS,
    absolute_max=MAX_DOCUMENTS,
    validate_max=True,
)
