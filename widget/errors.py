"""Refusals of the widget's door; the panel acts on their codes."""

from accounts.errors import DomainError


class Unauthenticated(DomainError):
    status = 401

    def headers(self) -> dict[str, str]:
        return {"WWW-Authenticate": 'Bearer realm="widget"'}


class SessionExpired(Unauthenticated):
    code = "session-expired"
    detail = "The session has ended. Renew it or open the chat again."


class SessionRevoked(Unauthenticated):
    code = "session-revoked"
    detail = "The session was closed."


class RefreshReused(Unauthenticated):
    code = "refresh-reused"
    detail = "This refresh token was used before; the session is closed."


class BootCodeInvalid(Unauthenticated):
    code = "boot-code-invalid"
    detail = "The boot code is unknown, used or too old."


class OriginNotAllowed(DomainError):
    status = 403
    code = "origin-not-allowed"
    detail = "This agent does not speak on this site."


class IdentityRequired(DomainError):
    status = 403
    code = "identity-required"
    detail = "This agent speaks only with identified visitors."


class WrongAgent(DomainError):
    status = 403
    code = "wrong-agent"
    detail = "This session belongs to another agent."


class ForeignRequest(DomainError):
    status = 403
    code = "foreign-request"
    detail = "Only the chat's own frame may ask this."


class AgentNotFound(DomainError):
    status = 404
    code = "agent-not-found"
    detail = "There is no such agent."


class MessageTooLarge(DomainError):
    status = 413
    code = "message-too-large"


class AgentUnavailable(DomainError):
    status = 503
    code = "agent-unavailable"
    detail = "The agent cannot be reached at the moment."

    def headers(self) -> dict[str, str]:
        return {"Retry-After": "2"}


class MonthUsedUp(DomainError):
    """No Retry-After: nobody waits in a chat until the month is over."""

    status = 429
    code = "quota-exceeded"
    detail = "This agent has answered all it may this month. Please come back later."
