"""Find edits, deletions and truncation in the audit log."""

import hmac
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from operator import itemgetter
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction

from accounts.audit.log import (
    LONGEST_ANCHOR,
    anchor_signature,
    details_digest,
    row_hash,
)
from accounts.models.audit import ERASURE, AuditAction, AuditAnchor, AuditHead, AuditLog

BATCH = 2_000
# A row's number and hash, and when they were anchored.
Anchored = tuple[int, str, str]


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
    """Recompute every chain and compare it with its head and the anchored heads.

    Right while others write: what was anchored is read before the rows, so that
    nothing can be anchored whose row is not seen.
    """
    verdict = Verdict()
    # A copy of the file may be older than what is known of the file itself.
    known = AuditAnchor() if anchor else AuditAnchor.objects.first() or AuditAnchor()
    newest = _read_anchors(verdict, anchor, known)
    if organization_id is not None:
        newest = {pk: one for pk, one in newest.items() if pk == organization_id}
    with _one_snapshot():
        heads = AuditHead.objects.order_by("pk")
        chains = AuditLog.objects.order_by().values_list("organization_id", flat=True)
        if organization_id is not None:
            heads = heads.filter(pk=organization_id)
            chains = chains.filter(organization_id=organization_id)
        known_heads = {head.pk: head for head in heads}
        for chain in sorted({*known_heads, *chains.distinct()}):
            verdict.chains += 1
            _verify_chain(verdict, chain, known_heads.get(chain))
        for chain, (sequence, digest, stamp) in newest.items():
            _verify_anchor(verdict, chain, sequence, digest, stamp)
    return verdict


@contextmanager
def _one_snapshot() -> Iterator[None]:
    """Let all queries see the same moment, as far as the caller has not begun."""
    if connection.in_atomic_block:
        yield
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def _verify_chain(verdict: Verdict, chain: int, head: AuditHead | None) -> None:
    expected, last = 1, ""
    erased, lost, back = _erased(chain), Ranges(), Ranges()
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
        if not _has_detail(row):
            # A person's particulars may be erased; the chain holds their digest.
            verdict.erased += row.sequence in erased
            if row.sequence not in erased:
                lost.add(row.sequence)
        elif row.sequence in erased:
            back.add(row.sequence)
        elif details_digest(row.detail) != row.details_digest:
            verdict.problems.append(f"{where}: its details were edited")
        expected, last = row.sequence + 1, row.hash
    for ranges, said in (
        (lost, "details are missing, and no erasure of them is recorded"),
        (back, "details were erased and are there again"),
    ):
        verdict.problems += [
            f"organization {chain}, {rows}: {said}" for rows in ranges.named("row")
        ]
    if head is None:
        verdict.problems.append(f"organization {chain}: its head is missing")
    elif (head.sequence, head.hash) != (expected - 1, last):
        verdict.problems.append(
            f"organization {chain}: ends at row {expected - 1}, "
            f"its head says {head.sequence}"
        )


class Ranges:
    """Numbers of rows, kept as ranges: they are asked for and added in order."""

    def __init__(self, ranges: Iterable[tuple[int, int]] = ()) -> None:
        self.ranges: list[list[int]] = []
        for first, last in sorted(ranges):
            if self.ranges and first <= self.ranges[-1][1] + 1:
                self.ranges[-1][1] = max(last, self.ranges[-1][1])
            else:
                self.ranges.append([first, last])

    def __contains__(self, number: int) -> bool:
        place = bisect_right(self.ranges, number, key=itemgetter(0)) - 1
        return place >= 0 and number <= self.ranges[place][1]

    def named(self, noun: str) -> Iterator[str]:
        for first, last in self.ranges:
            is_one = first == last
            yield f"{noun} {first}" if is_one else f"{noun}s {first} to {last}"

    def add(self, number: int) -> None:
        if self.ranges and self.ranges[-1][1] == number - 1:
            self.ranges[-1][1] = number
        else:
            self.ranges.append([number, number])


def _erased(chain: int) -> Ranges:
    """Return which rows the chain itself says have lost their details lawfully."""
    ranges: list[tuple[int, int]] = []
    for row in _rows(chain, resource_type=ERASURE, action=AuditAction.DELETE):
        is_whole = _has_detail(row) and row_hash(row) == row.hash
        if is_whole and details_digest(row.detail) == row.details_digest:
            ranges += [
                (first, min(last, row.sequence - 1))
                for first, last in row.detail.metadata.get("erased", [])
            ]
    return Ranges(ranges)


def _has_detail(row: AuditLog) -> bool:
    return hasattr(row, "detail")


def _rows(chain: int, **which: str) -> Iterator[AuditLog]:
    rows = AuditLog.objects.filter(organization_id=chain, **which)
    rows = rows.select_related("detail").order_by("sequence")
    return rows.iterator(chunk_size=BATCH)


def _read_anchors(
    verdict: Verdict, anchor: Path | None, known: AuditAnchor
) -> dict[int, Anchored]:
    """Return the newest anchored head of each chain."""
    path, newest, foreign = anchor or settings.AUDIT_ANCHOR, {}, Ranges()
    if not path.is_file():
        if anchor or known.size:
            verdict.problems.append(f"the anchor file {path} is missing")
        return newest
    read, is_whole = AuditAnchor(), known.size == 0
    with path.open("rb") as file:
        lines = iter(partial(file.readline, LONGEST_ANCHOR), b"")
        for number, line in enumerate(lines, start=1):
            if not line.endswith(b"\n") and read.size >= known.size:
                break  # it is being written
            read.take_in(line)
            is_whole |= (read.size, read.digest) == (known.size, known.digest)
            found = _anchored(line.decode(errors="replace"))
            if found is None:
                foreign.add(number)
            elif (one := found[1])[0]:
                verdict.anchors += 1
                newest[found[0]] = max(newest.get(found[0], one), one)
    verdict.problems += [
        f"anchor {lines}: not signed by us" for lines in foreign.named("line")
    ]
    if read.size < known.size:
        verdict.problems.append(
            f"the anchor file {path} was shortened: "
            f"it has {read.size} of {known.size} bytes"
        )
    elif not is_whole:
        verdict.problems.append(f"the anchor file {path} was changed")
    return newest


def _verify_anchor(
    verdict: Verdict, chain: int, sequence: int, digest: str, stamp: str
) -> None:
    row = AuditLog.objects.filter(organization_id=chain, sequence=sequence).first()
    if row is None:
        verdict.problems.append(
            f"organization {chain}: row {sequence} was anchored at {stamp} and is gone"
            " (the log was cut, or the database was restored from an older backup)"
        )
    elif row.hash != digest:
        verdict.problems.append(
            f"organization {chain}, row {sequence}: differs from its anchor"
        )


def _anchored(line: str) -> tuple[int, Anchored] | None:
    """Return a chain and its head, or None where we did not sign the line."""
    text, _, signature = line.rstrip("\n").rpartition(" ")
    parts = text.split(" ")
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    is_ours = any(
        hmac.compare_digest(anchor_signature(text, key), signature) for key in keys
    )
    if not is_ours or len(parts) not in (3, 4):
        return None
    digest = parts[3] if len(parts) == 4 else ""
    return int(parts[1]), (int(parts[2]), digest, parts[0])
