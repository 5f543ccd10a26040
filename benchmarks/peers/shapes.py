"""What the reference takes and gives, as typed models."""

import json
import uuid
from datetime import datetime
from html import escape
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

PAGE_KEYS = ("theme", "position", "size", "welcome_message", "locale")


class AgentConfig(BaseModel):
    model_config = ConfigDict(extra="allow", protected_namespaces=())
    model: str | None = None
    temperature: float = Field(0.7, ge=0, le=2)
    max_tokens: int = Field(1000, ge=1, le=4000)
    memory_enabled: bool = True
    context_optimization: bool = True
    response_time_target: float = Field(2.0, gt=0, le=600)
    quality_threshold: float = Field(0.8, ge=0, le=1)
    handover: Literal["off", "on_request", "offer"] = "on_request"
    handover_wait_minutes: int = Field(5, ge=1, le=1440)


class WidgetConfig(BaseModel):
    model_config = ConfigDict(extra="allow")
    theme: Literal["modern", "classic", "minimal", "dark"] | None = "modern"
    position: str | None = "bottom-right"
    size: Literal["small", "medium", "large"] | None = "medium"
    animation: Literal["slide-up", "fade", "none"] | None = "slide-up"
    branding: bool | None = True
    sound_enabled: bool | None = False
    typing_indicator: bool | None = True
    quick_replies: bool | None = True
    welcome_message: str | None = Field(None, max_length=2000)
    custom_css: str | None = Field(None, max_length=10_000)


class NewAgent(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1, max_length=255)
    description: str = Field("", max_length=2000)
    system_prompt: str = Field("", max_length=10_000)
    persona_key: str | None = Field(None, max_length=50)
    config: AgentConfig = AgentConfig()
    widget_config: WidgetConfig = WidgetConfig()


class PersonaOut(BaseModel):
    key: str
    name: str


class PackOut(BaseModel):
    id: uuid.UUID
    name: str


class AgentOut(BaseModel):
    id: uuid.UUID
    public_id: uuid.UUID
    slug: str
    name: str
    description: str
    template: str
    industry: str
    system_prompt: str
    persona: PersonaOut | None
    knowledge_pack: PackOut | None
    vector_store_status: str
    config: dict[str, Any]
    widget_config: dict[str, Any]
    allowed_origins: list[str]
    widget_mode: str
    release_gate: str
    is_active: bool
    live_version: int | None
    auto_optimize: bool
    optimization_pending: bool
    optimization_status: str
    optimization_metadata: dict[str, Any]
    embed_code: str
    created_by_user_id: uuid.UUID | None
    updated_by_user_id: uuid.UUID | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None


class Page(BaseModel):
    count: int
    next: str | None
    previous: str | None
    results: list[AgentOut]


def embed_code(base_url: str, public_id: object, widget_config: dict[str, Any]) -> str:
    shown = {
        key: widget_config[key]
        for key in PAGE_KEYS
        if widget_config.get(key) is not None
    }
    page = json.dumps(shown, ensure_ascii=False).replace("<", "\\u003C")
    return (
        f'<script src="{escape(base_url)}/static/widget/loader.js"></script>\n'
        f"<script>YourAgent.init({{ agentPublicId: '{public_id}', "
        f"config: {page} }});</script>"
    )
