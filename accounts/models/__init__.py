from accounts.models.api_keys import APIKey, RateLimitTier, Scope
from accounts.models.audit import (
    AuditAction,
    AuditAnchor,
    AuditDetail,
    AuditHead,
    AuditLog,
)
from accounts.models.browser_sessions import BrowserSession
from accounts.models.idempotency import IdempotencyKey
from accounts.models.invitations import Invitation
from accounts.models.lifecycle import WorkStatus
from accounts.models.organizations import Membership, Organization, Plan, Role
from accounts.models.users import AuthProvider, User
from accounts.models.webhooks import (
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)

__all__ = [
    "APIKey",
    "AuditAction",
    "AuditAnchor",
    "AuditDetail",
    "AuditHead",
    "AuditLog",
    "AuthProvider",
    "BrowserSession",
    "IdempotencyKey",
    "Invitation",
    "Membership",
    "Organization",
    "Plan",
    "RateLimitTier",
    "Role",
    "Scope",
    "User",
    "WebhookAttempt",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WebhookEvent",
    "WorkStatus",
]
