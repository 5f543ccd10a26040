"""Leased work: claim a row, finish it by compare-and-set, nudge a worker, sweep."""

import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

import structlog
from celery import current_app
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Q, QuerySet, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from accounts.models.lifecycle import LeasedWork, WorkStatus
from accounts.work.places import (
    claimable,
    heavy,
    may_begin,
    next_in_turn,
    organization_of,
    wanted,
)
from accounts.work.task_messages import publish

log = structlog.get_logger(__name__)

# Between the tries to store what was paid for; with waiting for locks, shorter than
# what is left of any lease by then.
STORE_PAUSES = (0.2, 0.5, 1.0, 2.0, 4.0)
Stored = TypeVar("Stored")
Work = TypeVar("Work", bound=LeasedWork)

# Whoever takes a job as the next after so many others only gives it up: what they met
# would stop this worker, too.
MAX_CLAIMS = 5
GAVE_UP = f"gave up: started {MAX_CLAIMS} times, never finished"
# What was sent so lately is on its way. What gets due by itself was not sent; the sweep
# comes every ten seconds.
SENT_AGAIN_AFTER, JUST_NOW = timedelta(seconds=30), timedelta(seconds=15)
# Before its lease ends a task is told to stop, and then killed.
STOPPED_BEFORE, KILLED_BEFORE = 20, 10


class NothingToTake(Exception):
    """Another has the job, or it is over."""


def limits(lease_seconds: float) -> dict[str, float]:
    """Return a task's time limits: it is over when another may take its work."""
    return {
        "soft_time_limit": lease_seconds - STOPPED_BEFORE,
        "time_limit": lease_seconds - KILLED_BEFORE,
    }


def nudge(row: LeasedWork) -> None:
    """Send a row's task once the transaction commits.

    A broker that is down costs a bounded moment and no error: the row stays
    pending and the sweep sends it again.
    """
    send_on_commit(row.task, row.pk)


def send_on_commit(task: str, about: Any) -> None:
    """Send a task with one argument once the transaction commits."""
    transaction.on_commit(lambda: send(task, about), robust=True)


def send(task: str, work_id: Any) -> bool:
    """Publish now; return whether the broker took it."""
    try:
        publish(current_app._get_current_object(), task, str(work_id))
    except Exception as error:
        log.warning("Task not sent", task=task, error=type(error).__name__)
        return False
    return True


def claim(
    model: type[Work],
    work_id: Any,
    *,
    lease_seconds: float,
    give_up: Callable[[Work], Any],
) -> Work | None:
    """Take a job for a while, or return None: another has it, it is over, or its turn
    comes later (`accounts.work.places`).

    One that too many took without an end is not done again: `give_up` fails it, with
    all that a failure of its kind means.
    """
    try:
        row = _take(model, work_id, lease_seconds)
    except NothingToTake:
        # Sent twice or too late: the place is there for the next in turn.
        pass_on(model.queue)
        return None
    if row is None or row.claims <= MAX_CLAIMS:
        return row
    log.error("Work given up", kind=model.__name__, work=str(row.pk))
    give_up(row)
    return None


def _take(
    model: type[LeasedWork], work_id: Any, lease_seconds: float
) -> LeasedWork | None:
    """Take a job, or return None if its turn comes later. Raises NothingToTake."""
    with transaction.atomic():
        # Waiting for whoever is just taking it: only then is it known to be taken.
        row = (
            model._base_manager.select_for_update(of=("self",))
            .filter(claimable(), wanted(model), pk=work_id)
            .annotate(its_organization=organization_of(model), is_heavy=heavy(model))
            .first()
        )
        if row is None:
            raise NothingToTake
        if not may_begin(model, row.its_organization, is_heavy=row.is_heavy):
            return None
        row.attempt += 1
        row.claims += 1
        row.status = WorkStatus.RUNNING
        row.lease_expires_at = timezone.now() + timedelta(seconds=lease_seconds)
        row.save(update_fields=["attempt", "claims", "status", "lease_expires_at"])
        return row


def finish(
    row: LeasedWork, status: WorkStatus, *, error: str = "", **values: Any
) -> bool:
    """Apply a result once: only for the attempt that still holds the lease.

    Called first in the transaction that stores the result, so that a task
    which ran twice stores it once.
    """
    ended = {"status": status, "lease_expires_at": None, "last_error": error[:2000]}
    is_mine = update_held(row, **{"claims": 0} | values | ended)
    # Also of a job that was taken over or deleted meanwhile: its place gets free.
    transaction.on_commit(partial(pass_on, row.queue), robust=True)
    return is_mine


def store_paid(store: Callable[[], Stored]) -> Stored:
    """Call the transaction that stores what was done until the database takes it.

    A lock or a lost connection is no reason to do, or pay, it again; and until it is
    stored, nobody else may take the job. Raises the last
    OperationalError or InterfaceError after six tries.
    """
    for pause in STORE_PAUSES:
        try:
            return store()
        except (OperationalError, InterfaceError) as error:
            if connection.in_atomic_block:
                raise
            log.warning("Result not stored yet", error=type(error).__name__)
            connection.close_if_unusable_or_obsolete()
            time.sleep(pause)
    return store()


def update_held(row: LeasedWork, **values: Any) -> bool:
    """Change a job's row if this attempt still holds the lease."""
    if not _held(row).update(**values):
        return False
    for name, value in values.items():
        setattr(row, name, value)
    return True


def holds(row: LeasedWork) -> bool:
    """Say whether this attempt still has the job."""
    return _held(row).exists() or _lost(row)


def _held(row: LeasedWork) -> QuerySet:
    return type(row)._base_manager.filter(
        pk=row.pk, attempt=row.attempt, status=WorkStatus.RUNNING
    )


def renew(row: LeasedWork, *, lease_seconds: float) -> bool:
    """Hold a job for longer; False means another attempt has it by now."""
    ends_at = timezone.now() + timedelta(seconds=lease_seconds)
    return bool(_held(row).update(lease_expires_at=ends_at)) or _lost(row)


def _lost(row: LeasedWork) -> bool:
    """Return False, and let the next have the place of whose job is gone."""
    pass_on(row.queue)
    return False


def retry_later(
    row: LeasedWork, *, error: str, delay_seconds: float, resets_claims: bool = False
) -> bool:
    """Give a job back, to be tried again after a delay.

    It `resets_claims` where the attempt went on with the work, or only waits for
    somebody else.
    """
    return finish(
        row,
        WorkStatus.PENDING,
        error=error,
        claims=0 if resets_claims else row.claims,
        run_after=timezone.now() + timedelta(seconds=delay_seconds),
    )


def pass_on(queue: str) -> None:
    """Send the job whose turn it is for a place that got free."""
    if job := next_in_turn(queue):
        send(job.task, job.work_id)


def sweep(model: type[LeasedWork]) -> int:
    """Send again what nobody seems to know of; return how many were sent.

    That is what waits for long, what got due just now, and what a worker held that is
    gone: of each organization as many as could begin.
    """
    now = timezone.now()
    was_not_sent = Q(run_after__gt=now - JUST_NOW)
    if not model.begins_later:
        was_not_sent &= Q(attempt__gt=0)
    is_unknown = Q(run_after__lte=now - SENT_AGAIN_AFTER) | was_not_sent
    most = model.most_at_once or settings.PLACES[model.queue]
    turn = Window(
        RowNumber(),
        partition_by=organization_of(model),
        order_by=["run_after", "pk"],
    )
    due = (
        model._base_manager.filter(claimable(), wanted(model))
        .filter(is_unknown | Q(status=WorkStatus.RUNNING))
        .annotate(turn=turn)
        .filter(turn__lte=most)
        .order_by("run_after")
        .values_list("pk", flat=True)
    )
    return sum(1 for work_id in list(due) if send(model.task, work_id))
