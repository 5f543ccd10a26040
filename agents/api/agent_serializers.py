"""The shapes of agents: what a request may say, what an answer looks like."""

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api.fields import NameField, StrictSerializer, TextField
from accounts.api.viewsets import CreationBody
from agents.models.agents import (
    Industry,
    OptimizationStatus,
    ReleaseGate,
    Template,
    WidgetMode,
)
from agents.models.knowledge import VectorStoreStatus


@extend_schema_field({"type": "string", "enum": WidgetMode.offered()})
class WidgetModeField(serializers.ChoiceField):
    """One that is offered, or the one an agent has."""


class AgentBody(StrictSerializer):
    """What creates or edits an agent."""

    name = NameField(max_length=255)
    description = TextField(max_length=2000, required=False, allow_blank=True)
    system_prompt = TextField(
        max_length=10_000, required=False, allow_blank=True, trim_whitespace=False
    )
    config = serializers.DictField(required=False)
    widget_config = serializers.DictField(required=False)
    template = serializers.ChoiceField(Template.choices, required=False)
    industry = serializers.ChoiceField(Industry.choices, required=False)
    persona_key = TextField(max_length=50, required=False, allow_null=True)
    knowledge_pack_id = serializers.UUIDField(required=False, allow_null=True)
    allowed_origins = serializers.ListField(
        child=TextField(max_length=300), max_length=50, required=False
    )
    widget_mode = WidgetModeField(WidgetMode.choices, required=False)
    release_gate = serializers.ChoiceField(ReleaseGate.choices, required=False)
    is_active = serializers.BooleanField(required=False)
    auto_optimize = serializers.BooleanField(required=False)


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
    name = serializers.CharField()
    description = serializers.CharField()
    template = serializers.ChoiceField(Template.choices)
    industry = serializers.ChoiceField(Industry.choices)
    system_prompt = serializers.CharField()
    persona = PersonaSummary(allow_null=True)
    knowledge_pack = KnowledgePackSummary(allow_null=True)
    vector_store_status = serializers.ChoiceField(VectorStoreStatus.choices)
    config = serializers.DictField()
    widget_config = serializers.DictField()
    allowed_origins = serializers.ListField(child=serializers.CharField())
    widget_mode = serializers.ChoiceField(WidgetMode.choices)
    release_gate = serializers.ChoiceField(ReleaseGate.choices)
    is_active = serializers.BooleanField()
    live_version = serializers.IntegerField(allow_null=True)
    auto_optimize = serializers.BooleanField()
    optimization_pending = serializers.BooleanField()
    optimization_status = serializers.ChoiceField(OptimizationStatus.choices)
    optimization_metadata = serializers.DictField()
    embed_code = serializers.CharField()
    created_by_user_id = serializers.UUIDField(allow_null=True)
    updated_by_user_id = serializers.UUIDField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    deleted_at = serializers.DateTimeField(allow_null=True)


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
    system_prompt = serializers.CharField()
    config = serializers.DictField()
    widget_config = serializers.DictField()
    created_at = serializers.DateTimeField()
