from agents.models.agents import (
    Agent,
    Industry,
    OptimizationStatus,
    ReleaseGate,
    Template,
    WidgetMode,
)
from agents.models.knowledge import Chunk, Document, KnowledgePack, Language
from agents.models.personas import DomainExpertiseType, Persona
from agents.models.sessions import (
    Channel,
    Message,
    MessageRole,
    Reply,
    Session,
    SessionIsOver,
    SessionStatus,
)
from agents.models.versions import (
    AgentVersion,
    OptimizationOutcome,
    OptimizationRun,
    VersionIsImmutable,
    VersionOrigin,
)

__all__ = [
    "Agent",
    "AgentVersion",
    "Channel",
    "Chunk",
    "Document",
    "DomainExpertiseType",
    "Industry",
    "KnowledgePack",
    "Language",
    "Message",
    "MessageRole",
    "OptimizationOutcome",
    "OptimizationRun",
    "OptimizationStatus",
    "Persona",
    "ReleaseGate",
    "Reply",
    "Session",
    "SessionIsOver",
    "SessionStatus",
    "Template",
    "VersionIsImmutable",
    "VersionOrigin",
    "WidgetMode",
]
