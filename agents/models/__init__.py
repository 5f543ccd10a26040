from agents.models.agents import (
    Agent,
    Industry,
    OptimizationStatus,
    ReleaseGate,
    Template,
    WidgetMode,
)
from agents.models.custody import CustodyKind, CustodyResult, CustodyRun, CustodyTest
from agents.models.feedback import Rating, RatingValue, Tag
from agents.models.inbox import (
    CannedReply,
    Holder,
    InboxEntry,
    InboxNotice,
    InboxPreference,
    Note,
    Notify,
)
from agents.models.knowledge import (
    Chunk,
    Document,
    DocumentFile,
    DocumentOrigin,
    KnowledgePack,
    Language,
    Renewal,
    VectorIndex,
    VectorStoreStatus,
)
from agents.models.personas import DomainExpertiseType, Persona
from agents.models.providers import ProviderAccount, ProviderKind
from agents.models.replies import Reply
from agents.models.retention import RetentionPolicy
from agents.models.sessions import (
    Channel,
    Message,
    MessageRole,
    Session,
    SessionIsOver,
    SessionStatus,
)
from agents.models.sources import KnowledgeSource, PageState, Recrawl, SourcePage
from agents.models.stats import AgentStats
from agents.models.summaries import SessionSummary
from agents.models.usage import (
    AgentBudget,
    Reservation,
    UsageDay,
    UsageKind,
    UsageMonth,
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
    "AgentBudget",
    "AgentStats",
    "AgentVersion",
    "CannedReply",
    "Channel",
    "Chunk",
    "CustodyKind",
    "CustodyResult",
    "CustodyRun",
    "CustodyTest",
    "Document",
    "DocumentFile",
    "DocumentOrigin",
    "DomainExpertiseType",
    "Holder",
    "InboxEntry",
    "InboxNotice",
    "InboxPreference",
    "Industry",
    "KnowledgePack",
    "KnowledgeSource",
    "Language",
    "Message",
    "MessageRole",
    "Note",
    "Notify",
    "OptimizationOutcome",
    "OptimizationRun",
    "OptimizationStatus",
    "PageState",
    "Persona",
    "ProviderAccount",
    "ProviderKind",
    "Rating",
    "RatingValue",
    "Recrawl",
    "ReleaseGate",
    "Renewal",
    "Reply",
    "Reservation",
    "RetentionPolicy",
    "Session",
    "SessionIsOver",
    "SessionStatus",
    "SessionSummary",
    "SourcePage",
    "Tag",
    "Template",
    "UsageDay",
    "UsageKind",
    "UsageMonth",
    "VectorIndex",
    "VectorStoreStatus",
    "VersionIsImmutable",
    "VersionOrigin",
    "WidgetMode",
]
