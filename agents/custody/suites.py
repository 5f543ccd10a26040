"""The tests of an agent: write them, and know when a result is out of date."""

from typing import Any

from django.db import transaction

from accounts.audit import log as audit
from accounts.errors import DomainError, Invalid
from accounts.models.audit import AuditAction
from accounts.models.lifecycle import request_fingerprint
from accounts.models.users import User
from agents.custody import attacks
from agents.custody.graders import checked
from agents.models.agents import Agent
from agents.models.custody import CustodyKind, CustodyTest
from metrics.models import Difficulty

MAX_TESTS = 200
MAX_NAME = 200
MAX_QUESTION = 4_000
MAX_EARLIER = 5
OWN = "Your tests"
FIELDS = (
    "name",
    "kind",
    "question",
    "earlier",
    "graders",
    "difficulty",
    "is_enabled",
)


class TestLimitReached(DomainError):
    status = 403
    code = "custody-test-limit-reached"
    detail = f"An agent has at most {MAX_TESTS} tests."


@transaction.atomic
def create_test(
    *,
    agent: Agent,
    created_by: User | None,
    idempotency_key: str | None = None,
    **values: Any,
) -> tuple[CustodyTest, bool]:
    """Add a test, or return the one this key already made.

    Raises Invalid, TestLimitReached, KeyReused.
    """
    values = validated({"name": "", "question": "", "graders": None} | values)
    fingerprint = request_fingerprint(values)
    # Everyone who writes tests of this agent waits here.
    Agent.objects.select_for_update(no_key=True, of=("self",)).get(pk=agent.pk)
    mine = CustodyTest.objects.filter(agent=agent)
    same = mine.filter(idempotency_key=idempotency_key)
    if idempotency_key is not None and (twin := same.first()):
        twin.check_same_request(fingerprint)
        return twin, False
    if mine.count() >= MAX_TESTS:
        raise TestLimitReached
    _check_name(agent, values["name"])
    test = CustodyTest.objects.create(
        agent=agent,
        created_by_user=created_by,
        idempotency_key=idempotency_key,
        request_fingerprint=fingerprint,
        **values,
    )
    _record(test, AuditAction.CREATE, created_by, {}, shown(test))
    return test, True


@transaction.atomic
def update_test(
    *, test: CustodyTest, actor: User | None, changes: dict[str, Any]
) -> CustodyTest:
    """Change a test; whoever passed the old one has to pass again. Raises Invalid."""
    changes = validated(changes)
    Agent.objects.select_for_update(no_key=True, of=("self",)).get(pk=test.agent_id)
    test = CustodyTest.objects.select_related("agent").get(pk=test.pk)
    before = shown(test)
    if "name" in changes:
        _check_name(test.agent, changes["name"], but=test)
    for name, value in changes.items():
        setattr(test, name, value)
    if shown(test) != before:
        test.save()
        _record(test, AuditAction.UPDATE, actor, before, shown(test))
    return test


@transaction.atomic
def delete_test(*, test: CustodyTest, actor: User | None) -> None:
    """Remove a test; runs keep the copy they were made from."""
    before = shown(test)
    resource = CustodyTest(pk=test.pk, agent=test.agent)
    test.delete()
    _record(resource, AuditAction.DELETE, actor, before, {})


def validated(values: dict[str, Any]) -> dict[str, Any]:
    """Return the given fields as they are stored; raise Invalid."""
    values = dict(values)
    for name, most in (("name", MAX_NAME), ("question", MAX_QUESTION)):
        if name in values:
            values[name] = _text(values[name], most, f"/{name}")
    if "graders" in values:
        values["graders"] = checked(values["graders"])
    if "earlier" in values:
        values["earlier"] = _earlier(values["earlier"])
    for name, options in (("kind", CustodyKind), ("difficulty", Difficulty)):
        if name in values and values[name] not in options.values:
            raise Invalid(f"One of {', '.join(options.values)}.", pointer=f"/{name}")
    return values


def _text(value: Any, most: int, pointer: str) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if not 1 <= len(text) <= most or "\x00" in text:
        raise Invalid(f"1 to {most:,} characters.", pointer=pointer)
    return text


def _earlier(value: Any) -> list[str]:
    if not isinstance(value, list) or len(value) > MAX_EARLIER:
        raise Invalid(f"A list of at most {MAX_EARLIER} texts.", pointer="/earlier")
    return [_text(each, MAX_QUESTION, f"/earlier/{n}") for n, each in enumerate(value)]


def _check_name(agent: Agent, name: str, but: CustodyTest | None = None) -> None:
    same = CustodyTest.objects.filter(agent=agent, name__iexact=name)
    if same.exclude(pk=but and but.pk).exists():
        raise Invalid("Another test has this name.", pointer="/name")


def shown(test: CustodyTest) -> dict[str, Any]:
    return {name: getattr(test, name) for name in FIELDS}


def _record(
    test: CustodyTest,
    action: AuditAction,
    actor: User | None,
    before: dict[str, Any],
    after: dict[str, Any],
) -> None:
    audit.record(
        action=action,
        resource_type="custody_test",
        resource_id=test.pk,
        organization_id=test.agent.organization_id,
        actor=actor,
        changes=audit.difference(before, after),
        metadata={"agent": str(test.agent.public_id)},
    )


def cases_of(agent: Agent) -> list[dict[str, Any]]:
    """Return what a run puts to an agent: its own tests, then every attack."""
    own = CustodyTest.objects.filter(agent=agent, is_enabled=True)
    return [
        {
            "pack": OWN,
            "kind": test.kind,
            "name": test.name,
            "question": test.question,
            "earlier": test.earlier,
            "graders": test.graders,
            "difficulty": test.difficulty,
        }
        for test in own.order_by("created_at", "id")
    ] + attacks.cases()


def digest(cases: list[dict[str, Any]]) -> str:
    """Return what changes whenever a case does (64 hex digits)."""
    return request_fingerprint(cases)
