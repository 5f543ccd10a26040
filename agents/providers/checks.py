"""Try an account: what it offers, whether it answers, whether it makes vectors."""

import time
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.audit import log as audit
from accounts.models.audit import AuditAction
from accounts.models.users import User
from accounts.rate_limits import Limit, take
from agents.llm import circuit_breaker
from agents.llm.accounts import account_of
from agents.llm.deadlines import Patience
from agents.llm.embeddings import vectors_by
from agents.llm.openai_chat import OpenAICompatible
from agents.llm.provider import Ending, ProviderError, Turn, do_not_mind
from agents.models.providers import ProviderAccount
from agents.providers.accounts import locked, renew_vectors, vectors_of

# Somebody waits for the page.
CHECK_SECONDS = 20
CHECKS_A_MINUTE = 10
MOST_MODELS = 1_000
LONGEST_NAME = 200
ORDERS = "Reply with the word OK."
ANSWER_TOKENS = 64


@dataclass
class Findings:
    """What came of a test; `error` is blank where all went well."""

    models: list[str] = field(default_factory=list)
    embedding_dimensions: int = 0
    answered_ms: int | None = None
    error: str = ""


def check_account(*, account: ProviderAccount, actor: User | None) -> Findings:
    """Ask an account for its models, a word and a vector, and store how that went.

    Raises RateLimited, NotFound.
    """
    take(Limit("provider-check", CHECKS_A_MINUTE, 60, str(account.organization_id)))
    findings = find_out(account)
    _store(account, findings, actor)
    return findings


def find_out(account: ProviderAccount) -> Findings:
    """Try an account without storing anything."""
    findings = Findings()
    # Whoever tests wants to know how it is now.
    for key in (str(account.pk), f"{account.pk}:vectors"):
        circuit_breaker.succeeded(key)
    try:
        findings.models = _models_if_told(account)
        if account.default_model:
            findings.answered_ms = answered_in(account, account.default_model)
        if account.embedding_model:
            asked = account_of(account, account.embedding_model)
            (vector,) = vectors_by(asked, ["word"], seconds=CHECK_SECONDS)
            findings.embedding_dimensions = len(vector)
    except ProviderError as error:
        findings.error = str(error)
    return findings


def _models_if_told(account: ProviderAccount) -> list[str]:
    """Return what it offers; nothing where it has no list but may still answer."""
    try:
        return offered_by(account)
    except ProviderError as error:
        if not account.default_model or not getattr(error, "status", 0):
            raise
        return []


def offered_by(account: ProviderAccount) -> list[str]:
    """Return the names of the models an account may use. Raises ProviderError."""
    from agents.llm import http_client

    patience = Patience(
        seconds=CHECK_SECONDS, silence=CHECK_SECONDS, waiting=do_not_mind
    )
    with http_client.asking(account_of(account, ""), patience) as client:
        names = [row.id for row in client.models.list().data or []]
    names = [
        # Gemini's list names them as paths; asked for they are without.
        name.removeprefix("models/")
        for name in names
        if isinstance(name, str) and 1 <= len(name) <= LONGEST_NAME
    ]
    return sorted({name for name in names if name.isprintable()})[:MOST_MODELS]


def answered_in(account: ProviderAccount, model: str) -> int:
    """Have a model say a word; return in how many ms. Raises ProviderError."""
    turn = Turn(
        "Are you there?",
        account.name,
        instructions=ORDERS,
        temperature=1.0,
        max_tokens=ANSWER_TOKENS,
        is_bare=True,
    )
    began = time.monotonic()
    provider = OpenAICompatible([account_of(account, model)], seconds=CHECK_SECONDS)
    with closing(provider.stream(turn)) as parts:
        for part in parts:
            if isinstance(part, Ending):
                break
    return round((time.monotonic() - began) * 1000)


@transaction.atomic
def _store(account: ProviderAccount, findings: Findings, actor: User | None) -> None:
    current = locked(account)
    if _asked_of(current) != _asked_of(account):
        # It was changed while it was tried: this says nothing about it any more.
        return
    made_vectors = vectors_of(current)
    current.checked_at = timezone.now()
    current.check_error = findings.error[:500]
    if findings.models or not findings.error:
        current.known_models = findings.models
    if not findings.error:
        current.embedding_dimensions = findings.embedding_dimensions
    current.save()
    if vectors_of(current) != made_vectors:
        renew_vectors(current.organization)
    audit.record(
        action=AuditAction.EXECUTE,
        resource_type="provider_account",
        resource_id=current.pk,
        organization_id=current.organization_id,
        actor=actor,
        metadata={"models": len(findings.models), "error": findings.error},
    )


def _asked_of(account: ProviderAccount) -> tuple[Any, ...]:
    return account.base_url, account.encrypted_key, account.embedding_model
