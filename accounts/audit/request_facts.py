"""What the audit log keeps of the request a mutation came from."""

import uuid
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

from django.http import HttpRequest, QueryDict

from accounts.audit.redaction import names_in, redact_body

# How REST's methods are answered, where a view does not say otherwise.
USUAL_STATUSES = {"create": 201, "destroy": 204, "delete": 204}
OURS_ALONE = "csrfmiddlewaretoken"


@dataclass(frozen=True)
class RequestFacts:
    """A request's own facts, and who is behind it."""

    request_id: uuid.UUID | None = None
    path: str = ""
    method: str = ""
    ip_address: str = ""
    user_agent: str = ""
    # Its body and its view are looked at only where something is recorded.
    request: HttpRequest | None = None
    user_id: uuid.UUID | None = None
    api_key_id: uuid.UUID | None = None
    # A site's visitor, who has no account.
    is_visitor: bool = False


current_request: ContextVar[RequestFacts | None] = ContextVar(
    "current_request", default=None
)


def describe_visitor() -> None:
    """Let the record know that a site's visitor is behind this request."""
    facts = current_request.get() or RequestFacts()
    current_request.set(replace(facts, is_visitor=True))


def answers_with(status: int):
    """Declare what a page answers a form with that was accepted, if not 302."""

    def declare(view):
        view.success_status = status
        return view

    return declare


def withholds_body(view):
    """Keep of the bodies sent to a page their names alone.

    What is said in a conversation goes when the conversation goes, which a record that
    nobody may change would not.
    """
    view.is_body_withheld = True
    return view


def answer_now_with(status: int) -> None:
    """Declare how this request will be answered, where its view has several ways."""
    facts = current_request.get()
    if facts is not None and facts.request is not None:
        facts.request.success_status = status


def status_of(facts: RequestFacts, is_creation: bool = False) -> int | None:
    """Return what the door will answer, as the row is written before the answer is."""
    request = facts.request
    match = getattr(request, "resolver_match", None)
    if match is None:
        return None
    if declared := getattr(request, "success_status", None):
        return declared
    view = match.func
    door = getattr(view, "cls", None)
    if door is None:
        usual = 302 if request.method == "POST" else 200
        return getattr(view, "success_status", usual)
    method = request.method.lower()
    action = getattr(view, "actions", {}).get(method, method)
    # A PUT on what did not exist makes it.
    if is_creation and action == "update":
        return 201
    statuses = getattr(door, "statuses", {})
    return statuses.get(action) or USUAL_STATUSES.get(action, 200)


def body_of(facts: RequestFacts) -> Any:
    """Return what the log keeps of a request's body: what was read of it, redacted.

    A body that nobody has read stays unread; it had no effect.
    """
    request = facts.request
    if request is None:
        return None
    body = getattr(request, "parsed_json", None)
    if body is None and (form := getattr(request, "_post", None)) is not None:
        body = _form(form, getattr(request, "_files", {})) or None
    if body is None:
        return None
    if facts.is_visitor or _is_withheld(request):
        return names_in(body)
    return redact_body(body)


def _is_withheld(request: HttpRequest) -> bool:
    match = getattr(request, "resolver_match", None)
    view = getattr(match, "func", None)
    return getattr(getattr(view, "cls", view), "is_body_withheld", False)


def _form(form: QueryDict, files: Any) -> dict[str, Any]:
    body: dict[str, Any] = {
        name: values[0] if len(values) == 1 else values
        for name, values in form.lists()
        if name != OURS_ALONE
    }
    for name in files:
        body[name] = [
            {"name": file.name, "size": file.size} for file in files.getlist(name)
        ]
    return body
