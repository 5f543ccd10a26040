"""Where an organization's archive holds the rows of each model, or why it does not.

A model that is new is given out by its application's `privacy` and named here.
"""

# What an organization's export leaves out, and why.
LEFT_OUT = {
    "User": "members are named; their accounts are their own",
    "BrowserSession": "where somebody is signed in is theirs alone to know",
    "AuditDetail": "stands in its row of the audit log",
    "AuditHead": "the end of the chain, which its last row shows",
    "WebhookDelivery": "a log of thin messages, kept for some weeks",
    "WebhookAttempt": "the same",
    "Chunk": "cut from documents, and cut again when they are imported",
    "VectorIndex": "made from documents",
    "AgentStats": "counted from conversations",
    "Reply": "the work of answering; question and answer are messages",
    "Reservation": "held for minutes",
    "RefreshToken": "a secret's hash",
}
FILES = {
    "Organization": "organization",
    "Membership": "members",
    "Invitation": "invitations",
    "APIKey": "api_keys",
    "AuditLog": "audit_log",
    "WebhookEndpoint": "webhooks",
    "AgentMetrics": "agent_metrics",
    "MetricEvent": "metric_events",
    "Agent": "agents",
    "AgentVersion": "agent_versions",
    "AgentBudget": "agent_budgets",
    "OptimizationRun": "optimization_runs",
    "Persona": "personas",
    "KnowledgePack": "knowledge_packs",
    "Document": "documents",
    "DocumentFile": "document_files",
    "Session": "conversations",
    "Message": "messages",
    "Rating": "ratings",
    "Tag": "tags",
    "CustodyTest": "custody_tests",
    "CustodyRun": "custody_runs",
    "CustodyResult": "custody_results",
    "ProviderAccount": "model_accounts",
    "RetentionPolicy": "retention_policies",
    "UsageMonth": "usage_months",
    "UsageDay": "usage_days",
    "WidgetSession": "visits",
}
