"""Refusals of the domain, each with the answer HTTP gives for it."""

from typing import Any


class DomainError(Exception):
    """A rule said no. `config.rest` and the pages turn it into an answer."""

    status = 400
    code = "invalid-request"
    detail = "The request is not valid."
    pointer: str | None = None

    def __init__(
        self, detail: str = "", *, pointer: str | None = None, **facts: Any
    ) -> None:
        self.detail = detail or self.detail
        self.pointer = self.pointer if pointer is None else pointer
        self.facts = facts
        super().__init__(self.detail)

    def members(self) -> dict[str, Any]:
        """Return the problem's members."""
        errors = []
        if self.pointer is not None:
            errors = [
                {
                    "pointer": self.pointer,
                    "code": self.code.replace("-", "_"),
                    "detail": self.detail,
                }
            ]
        return {
            "code": self.code,
            "detail": self.detail,
            "errors": errors,
            **self.facts,
        }

    def headers(self) -> dict[str, str]:
        return {}


class Invalid(DomainError):
    """A value breaks a rule; the pointer says which."""


class Forbidden(DomainError):
    status = 403
    code = "forbidden"
    detail = "Your role does not allow this."


class NotFound(DomainError):
    status = 404
    code = "not-found"
    detail = "There is no such thing here."


class KeyReused(DomainError):
    status = 422
    code = "idempotency-key-reused"
    detail = "This idempotency key was first used with another request."


class Stale(DomainError):
    status = 412
    code = "precondition-failed"
    detail = "It has changed since you read it. Read it again and repeat your change."
