"""Find edits, deletions and truncation in the audit log."""

import hmac
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings

from accounts.audit import anchor_signature, details_digest, row_hash
from accounts.models.audit import AuditDetail, AuditHead, AuditLog

BATCH = 2_000


@dataclass
class Verdict:
    """What was read, and every place where the record does not hold."""

    rows: int = 0
    chains: int = 0
    anchors: int = 0
    erased: int = 0
    problems: list[str] = field(default_factory=list)


def verify_audit(
    organization_id: int | None = None, anchor: Path | None = None
) -> Verdict:
    """Recompute every chain and compare it with its head and the anchored heads."""
    verdict = Verdict()
    heads = AuditHead.objects.order_by("pk")
    rows = AuditLog.objects.order_by()
    if organization_id is not None:
        heads = heads.filter(pk=organization_id)
        rows = rows.filter(organization_id=organization_id)
    known = {head.pk: head for head in heads}
    for chain in sorted({*known, *rows.values_list("organization_id", flat=True)}):
        verdict.chains += 1
        _verify_chain(verdict, chain, known.get(chain))
    _verify_anchors(verdict, anchor or settings.AUDIT_ANCHOR, organization_id)
    return verdict


def _verify_chain(verdict: Verdict, chain: int, head: AuditHead | None) -> None:
    expected, last = 1, ""
    for row in _rows(chain):
        verdict.rows += 1
        where = f"organization {chain}, row {row.sequence}"
        if row.sequence != expected:
            verdict.problems.append(
                f"{where}: rows {expected} to {row.sequence - 1} are missing"
            )
        elif row.previous_hash != last:
            verdict.problems.append(f"{where}: does not follow the row before it")
        if row_hash(row) != row.hash:
            verdict.problems.append(f"{where}: was edited")
        _verify_detail(verdict, row, where)
        expected, last = row.sequence + 1, row.hash
    if head is None:
        verdict.problems.append(f"organization {chain}: its head is missing")
    elif (head.sequence, head.hash) != (expected - 1, last):
        verdict.problems.append(
            f"organization {chain}: ends at row {expected - 1}, "
            f"its head says {head.sequence}"
        )


def _rows(chain: int) -> Iterator[AuditLog]:
    rows = AuditLog.objects.filter(organization_id=chain).select_related("detail")
    return rows.order_by("sequence").iterator(chunk_size=BATCH)


def _verify_detail(verdict: Verdict, row: AuditLog, where: str) -> None:
    try:
        detail = row.detail
    except AuditDetail.DoesNotExist:
        # A person's particulars may be erased; the chain holds their digest.
        verdict.erased += 1
        return
    if details_digest(detail) != row.details_digest:
        verdict.problems.append(f"{where}: its details were edited")


def _verify_anchors(
    verdict: Verdict, anchor: Path, organization_id: int | None
) -> None:
    """Compare the newest anchored head of each chain with the row it names."""
    if not anchor.is_file():
        return
    newest: dict[int, tuple[int, str]] = {}
    with anchor.open() as file:
        for number, line in enumerate(file, start=1):
            found = _anchored(line)
            if found is None:
                verdict.problems.append(f"anchor line {number}: is not signed by us")
                continue
            chain, sequence, digest = found
            if organization_id in (None, chain) and sequence:
                verdict.anchors += 1
                newest[chain] = max(newest.get(chain, (0, "")), (sequence, digest))
    for chain, (sequence, digest) in newest.items():
        row = AuditLog.objects.filter(organization_id=chain, sequence=sequence).first()
        if row is None:
            verdict.problems.append(
                f"organization {chain}: row {sequence} was anchored and is gone"
            )
        elif row.hash != digest:
            verdict.problems.append(
                f"organization {chain}, row {sequence}: differs from its anchor"
            )


def _anchored(line: str) -> tuple[int, int, str] | None:
    text, _, signature = line.rstrip("\n").rpartition(" ")
    parts = text.split(" ")
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    is_ours = any(
        hmac.compare_digest(anchor_signature(text, key), signature) for key in keys
    )
    if not is_ours or len(parts) not in (3, 4):
        return None
    return int(parts[1]), int(parts[2]), parts[3] if len(parts) == 4 else ""
