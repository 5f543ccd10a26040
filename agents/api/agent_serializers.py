"""The shapes of agents: what a request may say, what an answer looks like."""

from functools import partial

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api.fields import NameField, StrictSerializer, TextField
from accounts.api.viewsets import CreationBody
from agents.api.agent_rows import SHOWN, SHOWN_OF_VERSIONS
from agents.configuration.origins import MAX_ORIGINS
from agents.models.agent_fields import Setting
from agents.models.agents import SETTINGS, OptimizationStatus, WidgetMode
from agents.models.knowledge import VectorStoreStatus


@extend_schema_field({"type": "string", "enum": WidgetMode.offered()})
class WidgetModeField(serializers.ChoiceField):
    """One that is offered, or the one an agent has."""


class OriginsField(serializers.ListField):
    child = TextField(max_length=300)


KINDS = {
    bool: serializers.BooleanField,
    dict: serializers.DictField,
    float: serializers.FloatField,
    int: serializers.IntegerField,
    list: serializers.ListField,
    str: TextField,
}
# Settings that bodies write in a form of their own.
OWN_KINDS = {
    "name": NameField,
    "system_prompt": partial(TextField, trim_whitespace=False),
    "persona": partial(TextField, max_length=50),
    "knowledge_pack": serializers.UUIDField,
    "allowed_origins": partial(OriginsField, max_length=MAX_ORIGINS),
    "widget_mode": WidgetModeField,
}


def written(setting: Setting) -> serializers.Field:
    """Return a setting's field in bodies, with the limits its column has."""
    column, own = setting.column, OWN_KINDS.get(setting.name)
    said = {} if setting.is_required else {"required": False}
    if column.null:
        said["allow_null"] = True
    if column.choices:
        return (own or serializers.ChoiceField)(column.choices, **said)
    if column.blank and setting.kind is str:
        said["allow_blank"] = True
    return (own or KINDS[setting.kind])(**said, **setting.limits)


def shown(setting: Setting) -> serializers.Field:
    """Return a setting's field in answers."""
    column = setting.column
    if column.choices:
        return serializers.ChoiceField(column.choices, allow_null=column.null)
    return KINDS[setting.kind](allow_null=column.null)


class AgentBody(StrictSerializer):
    """What creates or edits an agent."""

    def get_fields(self):
        # What is written freely comes before what is chosen.
        free = [s for s in SETTINGS if s.kind in (str, dict) and not s.column.choices]
        ordered = dict.fromkeys([*free, *SETTINGS])
        return {
            each.written_as: written(each) for each in ordered
        } | super().get_fields()


class NewAgentBody(AgentBody, CreationBody):
    pass


class AgentEditBody(AgentBody):
    name = NameField(max_length=255, required=False)
    note = NameField(max_length=500, required=False, allow_blank=True)


class AgentReplaceBody(AgentBody):
    note = NameField(max_length=500, required=False, allow_blank=True)


class ReleaseBody(StrictSerializer):
    version = serializers.IntegerField(required=False, min_value=1, max_value=2**31 - 1)


class CloneBody(CreationBody):
    name = NameField(max_length=255, required=False)


class PersonaSummary(serializers.Serializer):
    key = serializers.CharField()
    name = serializers.CharField()


class PersonaShape(PersonaSummary):
    domain = serializers.CharField()
    system_prompt = serializers.CharField()
    tactics = serializers.DictField()
    is_built_in = serializers.BooleanField()


class KnowledgePackSummary(serializers.Serializer):
    id = serializers.UUIDField()
    name = serializers.CharField()


class AgentShape(serializers.Serializer):
    """An agent as every answer shows it."""

    id = serializers.UUIDField()
    public_id = serializers.UUIDField()
    slug = serializers.CharField()
    persona = PersonaSummary(allow_null=True)
    knowledge_pack = KnowledgePackSummary(allow_null=True)
    vector_store_status = serializers.ChoiceField(VectorStoreStatus.choices)
    allowed_origins = serializers.ListField(child=serializers.CharField())
    live_version = serializers.IntegerField(allow_null=True)
    optimization_pending = serializers.BooleanField()
    optimization_status = serializers.ChoiceField(OptimizationStatus.choices)
    optimization_metadata = serializers.DictField()
    embed_code = serializers.CharField()
    created_by_user_id = serializers.UUIDField(allow_null=True)
    updated_by_user_id = serializers.UUIDField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    deleted_at = serializers.DateTimeField(allow_null=True)

    def get_fields(self):
        plain = (each for each in SETTINGS if not each.by)
        fields = {each.name: shown(each) for each in plain} | super().get_fields()
        return {name: fields[name] for name in SHOWN}


class EmbedShape(serializers.Serializer):
    embed_code = serializers.CharField()
    strict_embed_code = serializers.CharField()


class StatsShape(serializers.Serializer):
    agent_id = serializers.UUIDField()
    total_conversations = serializers.IntegerField()
    total_messages = serializers.IntegerField()
    total_documents = serializers.IntegerField()
    recent_conversations = serializers.IntegerField(help_text="Begun within 28 days")
    last_used_at = serializers.DateTimeField(allow_null=True)
    ratings_up = serializers.IntegerField()
    ratings_down = serializers.IntegerField()


class VersionShape(serializers.Serializer):
    id = serializers.UUIDField()
    number = serializers.IntegerField()
    is_live = serializers.BooleanField()
    is_draft = serializers.BooleanField(help_text="A release makes it live")
    origin = serializers.CharField()
    note = serializers.CharField()
    author_id = serializers.UUIDField(allow_null=True)
    created_at = serializers.DateTimeField()

    def get_fields(self):
        fields = super().get_fields()
        created_at = fields.pop("created_at")
        fields |= {each.name: shown(each) for each in SHOWN_OF_VERSIONS}
        return fields | {"created_at": created_at}
