"""Write the audit log: one row per mutation, in the mutation's own transaction."""

import hashlib
import hmac
import json
import os
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from accounts.audit.redaction import redact
from accounts.audit.refusals import has_room
from accounts.audit.request_facts import (
    RequestFacts,
    body_of,
    current_request,
    status_of,
)
from accounts.models.audit import (
    ERASURE,
    PLATFORM,
    AuditAction,
    AuditAnchor,
    AuditDetail,
    AuditHead,
    AuditLog,
)
from accounts.models.lifecycle import new_id

# What links in mails end with.
SECRET_ENDS = re.compile(r"(/join/|/reset/key/|/confirm-email/)[^/]+")

# Ranges of erased rows that one row names at most.
RANGES_A_ROW = 1_000
# More bytes than a line of the anchor file has.
LONGEST_ANCHOR = 1_000


def without_secrets(path: str) -> str:
    """Cut out of a path what opens a door to whoever reads it."""
    return SECRET_ENDS.sub("\\1…", path)


def difference(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """Return {field: {old, new}} for what changed."""
    return {
        name: {"old": before.get(name), "new": after.get(name)}
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    }


def _as_text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return str(value)


CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=_as_text)


def canonical(values: Any) -> str:
    """Return the one JSON text of some values (ASCII)."""
    return CANONICAL.encode(values)


def details_digest(detail: AuditDetail) -> str:
    return texts_digest({name: canonical(getattr(detail, name)) for name in DETAILS})


def texts_digest(texts: dict[str, str]) -> str:
    """Return the digest of details whose canonical texts are known (64 hex digits)."""
    text = ",".join(f'"{name}":{texts[name]}' for name in DETAILS)
    return hashlib.sha256(f"{{{text}}}".encode()).hexdigest()


# In the order of the canonical text.
DETAILS = ("changes", "ip_address", "metadata", "request_body", "user_agent")
CHAINED = (
    "id",
    "organization_id",
    "timestamp",
    "user_id",
    "api_key_id",
    "actor_type",
    "action",
    "resource_type",
    "resource_id",
    "request_id",
    "request_path",
    "request_method",
    "response_status",
    "details_digest",
)


def row_hash(row: AuditLog) -> str:
    """Return the hash that binds a row to all rows before it (64 hex digits).

    The database computes the same while it appends: `APPEND`.
    """
    values = {name: getattr(row, name) for name in CHAINED}
    text = f"{row.previous_hash}:{row.sequence}:{canonical(values)}"
    return hashlib.sha256(text.encode()).hexdigest()


# One statement instead of four. Moving the head locks it until the transaction
# ends, so that no other writer can append behind the same row.
APPEND = """
WITH head AS (
    INSERT INTO audit_heads AS head (organization_id, sequence, previous_hash, hash)
    VALUES (
        %(organization_id)s, 1, '',
        encode(sha256(convert_to(':1:' || %(text)s, 'UTF8')), 'hex')
    )
    ON CONFLICT (organization_id) DO UPDATE SET
        sequence = head.sequence + 1,
        previous_hash = head.hash,
        hash = encode(sha256(convert_to(
            head.hash || ':' || head.sequence + 1 || ':' || %(text)s, 'UTF8'
        )), 'hex')
    RETURNING sequence, previous_hash, hash
), row AS (
    INSERT INTO audit_logs (
        id, organization_id, timestamp, user_id, api_key_id, actor_type, action,
        resource_type, resource_id, request_id, request_path, request_method,
        response_status, details_digest, sequence, previous_hash, hash
    )
    SELECT
        %(id)s, %(organization_id)s, %(timestamp)s, %(user_id)s, %(api_key_id)s,
        %(actor_type)s, %(action)s, %(resource_type)s, %(resource_id)s,
        %(request_id)s, %(request_path)s, %(request_method)s, %(response_status)s,
        %(details_digest)s, sequence, previous_hash, hash
    FROM head
), detail AS (
    INSERT INTO audit_details (
        audit_log_id, ip_address, user_agent, request_body, changes, metadata
    )
    VALUES (
        %(id)s, %(ip_address)s, %(user_agent)s, %(request_body)s::jsonb,
        %(changes)s::jsonb, %(metadata)s::jsonb
    )
)
SELECT sequence, previous_hash, hash FROM head
"""


# No savepoint: what cannot be recorded must not be kept either.
@transaction.atomic(savepoint=False)
def record(
    *,
    action: AuditAction,
    resource_type: str,
    resource_id: Any = "",
    organization_id: int = PLATFORM,
    actor: Any = None,
    changes: dict[str, Any] | None = None,
    metadata: dict[str, Any] | None = None,
    response_status: int | None = None,
) -> AuditLog | None:
    """Append one row to the organization's chain.

    Call it last: the chain's head is the last lock a transaction takes. Of failures
    at a door there is None, once a stranger has left too many.
    """
    facts = current_request.get() or RequestFacts()
    is_refusal = action == AuditAction.FAILED_AUTH
    if is_refusal and not has_room(facts.ip_address):
        return None
    user_id = getattr(actor, "pk", None) or facts.user_id
    ip_address, user_agent = facts.ip_address[:45], facts.user_agent[:500]
    # Each part is made a text once: for the digest, and for its column.
    texts = {
        "ip_address": canonical(ip_address),
        "user_agent": canonical(user_agent),
        # What a stranger tried may be a name, or a password in the wrong field.
        "request_body": "null" if is_refusal else canonical(body_of(facts)),
        "changes": canonical(redact(changes)) if changes else "{}",
        "metadata": canonical(redact(metadata)) if metadata else "{}",
    }
    row = AuditLog(
        id=new_id(),
        organization_id=organization_id,
        timestamp=timezone.now(),
        user_id=user_id,
        api_key_id=facts.api_key_id,
        actor_type=_actor_type(user_id, facts),
        action=str(action),
        resource_type=resource_type,
        resource_id=str(resource_id)[:255],
        request_id=facts.request_id,
        request_path=without_secrets(facts.path)[:500],
        request_method=facts.method[:10],
        response_status=response_status
        or status_of(facts, action == AuditAction.CREATE),
        details_digest=texts_digest(texts),
    )
    # Two columns hold texts as they are, the others JSON.
    _append(row, texts | {"ip_address": ip_address, "user_agent": user_agent})
    return row


def _append(row: AuditLog, details: dict[str, str]) -> None:
    values = {name: getattr(row, name) for name in CHAINED}
    parameters = values | details | {"text": canonical(values)}
    with connection.cursor() as cursor:
        cursor.execute(APPEND, parameters)
        row.sequence, row.previous_hash, row.hash = cursor.fetchone()
    row._state.adding, row._state.db = False, connection.alias


def _actor_type(user_id: Any, facts: RequestFacts) -> str:
    if facts.api_key_id:
        return "api_key"
    if facts.is_visitor:
        return "visitor"
    return "user" if user_id else "system"


def anchor_signature(text: str, key: str) -> str:
    """Sign one line of the anchor file (64 hex digits)."""
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()


@transaction.atomic
def anchor_heads() -> int:
    """Append every chain's signed head to a file outside the database."""
    anchor = _locked_anchor()
    stamp = timezone.now().isoformat()
    lines = []
    for head in AuditHead.objects.order_by("pk").iterator():
        text = f"{stamp} {head.organization_id} {head.sequence} {head.hash}"
        signature = anchor_signature(text, settings.SECRET_KEY)
        lines.append(f"{text} {signature}\n".encode())
    path = settings.AUDIT_ANCHOR
    path.parent.mkdir(parents=True, exist_ok=True)
    # In one write, so that a reader sees all of it or nothing.
    with os.fdopen(
        os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600), "a+b", buffering=0
    ) as file:
        is_whole = _take_in_the_rest(anchor, file)
        file.write(b"".join(lines))
        os.fsync(file.fileno())
    # What was cut off stays missed, whatever is written after it.
    if is_whole:
        for line in lines:
            anchor.take_in(line)
        anchor.save()
    return len(lines)


def _locked_anchor() -> AuditAnchor:
    AuditAnchor.objects.bulk_create([AuditAnchor()], ignore_conflicts=True)
    return AuditAnchor.objects.select_for_update().get()


def _take_in_the_rest(anchor: AuditAnchor, file: IO[bytes]) -> bool:
    """Count what a run wrote that ended before it could say so.

    Return False where the file is shorter than what was written.
    """
    if os.fstat(file.fileno()).st_size < anchor.size:
        return False
    file.seek(anchor.size)
    with os.fdopen(os.dup(file.fileno()), "rb") as rest:
        for line in iter(lambda: rest.readline(LONGEST_ANCHOR), b""):
            if not line.endswith(b"\n") and len(line) < LONGEST_ANCHOR:
                file.truncate(anchor.size)
                break
            anchor.take_in(line)
    return True


@transaction.atomic
def begin_anchor() -> Path | None:
    """Put the anchor file aside and begin another; return where the old one is."""
    anchor, path, aside = _locked_anchor(), settings.AUDIT_ANCHOR, None
    if path.is_file():
        aside = path.with_name(f"{path.name}.{timezone.now():%Y%m%dT%H%M%S%f}")
        path.rename(aside)
    before = {"size": anchor.size, "digest": anchor.digest}
    anchor.size, anchor.digest = 0, ""
    anchor.save()
    record(action=AuditAction.UPDATE, resource_type="audit_anchor", metadata=before)
    return aside


def record_erasure(
    gone: Iterable[tuple[int, int, int]], *, subject_id: Any, actor: Any = None
) -> None:
    """Append to each chain which of its rows have lost their details lawfully.

    `gone` has the chain, the first and the last row of each range, in order.
    """
    facts = current_request.get() or RequestFacts()
    # The row must outlive its actor: nothing in its details may name anybody.
    token = current_request.set(
        replace(facts, ip_address="", user_agent="", request=None)
    )
    # As everywhere, organizations come before the platform.
    chains = sorted(gone, key=lambda each: (each[0] == PLATFORM, each))
    try:
        for chain, ranges in groupby(chains, key=itemgetter(0)):
            ranges = [each[1:] for each in ranges]
            for first in range(0, len(ranges), RANGES_A_ROW):
                record(
                    action=AuditAction.DELETE,
                    resource_type=ERASURE,
                    resource_id=subject_id,
                    organization_id=chain,
                    actor=actor,
                    metadata={"erased": ranges[first : first + RANGES_A_ROW]},
                )
    finally:
        current_request.reset(token)
