from metrics.models.boards import (
    AGENT_TYPE,
    MAX_COUNT,
    RESERVED_TYPES,
    AgentMetrics,
    AgentMetricsQuerySet,
    Difficulty,
    Priority,
    Status,
)
from metrics.models.events import EventKind, MetricEvent, MetricEventQuerySet, Source
from metrics.models.totals import MetricsTotal

__all__ = [
    "AGENT_TYPE",
    "MAX_COUNT",
    "RESERVED_TYPES",
    "AgentMetrics",
    "AgentMetricsQuerySet",
    "Difficulty",
    "EventKind",
    "MetricEvent",
    "MetricEventQuerySet",
    "MetricsTotal",
    "Priority",
    "Source",
    "Status",
]
