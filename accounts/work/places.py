"""Who gets the next place of the workers: one organization holds up no other.

Each kind of work has a queue, and a queue's workers have places. An organization that
holds half of them or more gets no further one while another waits, and of some kinds it
does only so many at once. Whoever is refused stays pending; when a job ends, the one
that waits for its place is sent.
"""

from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple

from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.models import Case, CharField, F, Q, QuerySet, Value, When
from django.utils import timezone

from accounts.models.lifecycle import LeasedWork, WorkStatus

# Of what waits, so much is looked at to find whose turn it is.
LOOKED_AT = 50


class Held(NamedTuple):
    """A place: the kind of work it is held for, whose, and whether that is heavy."""

    kind: str
    organization_id: int
    is_heavy: bool


class Waiting(NamedTuple):
    """A job that could begin now."""

    task: str
    work_id: Any
    organization_id: int
    since: Any


@cache
def kinds_of_work(queue: str = "") -> tuple[type[LeasedWork], ...]:
    """Return the models of all leased work, or of one queue's."""
    return tuple(
        model
        for model in apps.get_models()
        if issubclass(model, LeasedWork) and queue in ("", model.queue)
    )


def claimable() -> Q:
    """Select work nobody holds: pending and due, or with a lease that ran out."""
    now = timezone.now()
    return Q(status=WorkStatus.PENDING, run_after__lte=now) | Q(
        status=WorkStatus.RUNNING, lease_expires_at__lt=now
    )


def wanted(model: type[LeasedWork]) -> Q:
    """Select the work of living organizations; that of deleted ones waits."""
    return Q(**{f"{model.organization_path}__deleted_at": None})


def organization_of(model: type[LeasedWork]) -> F:
    return F(f"{model.organization_path}_id")


def heavy(model: type[LeasedWork]) -> Case:
    """Annotate whether a row counts for `most_at_once`."""
    if not model.is_heavy:
        return Value(model.most_at_once is not None)
    return Case(When(model.is_heavy, then=True), default=False)


def may_begin(model: type[LeasedWork], organization_id: int, *, is_heavy: bool) -> bool:
    """Say whether an organization may hold one more place.

    Called in the transaction that takes it: until that ends, the organization's others
    wait here.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtext(%s), %s)",
            [f"places:{model.queue}", organization_id],
        )
    places = held(model.queue)
    mine = [place for place in places if place.organization_id == organization_id]
    if not mine:
        return True
    if is_heavy and _heavy_count(model, mine) >= model.most_at_once:
        return False
    if len(mine) < settings.PLACES[model.queue] // 2:
        return True
    return not any(waiting(model.queue, places, but=organization_id))


def next_in_turn(queue: str) -> Waiting | None:
    """Return the job that waits of who holds least, and of those the oldest."""
    places = held(queue)
    holders = [place.organization_id for place in places]
    return min(
        waiting(queue, places),
        key=lambda job: (holders.count(job.organization_id), job.since),
        default=None,
    )


def held(queue: str) -> list[Held]:
    """Return the places of a queue that are held now."""
    running = Q(status=WorkStatus.RUNNING, lease_expires_at__gt=timezone.now())
    each = [
        model._base_manager.filter(running)
        .order_by()
        .values_list(
            Value(model.__name__, output_field=CharField()),
            organization_of(model),
            heavy(model),
        )
        for model in kinds_of_work(queue)
    ]
    first, *others = each
    return [Held(*row) for row in (first.union(*others, all=True) if others else first)]


def waiting(
    queue: str, places: Iterable[Held], *, but: int | None = None
) -> Iterable[Waiting]:
    """Yield jobs that could begin now, of any organization `but` one."""
    for model in kinds_of_work(queue):
        theirs = defaultdict(list)
        for place in places:
            theirs[place.organization_id].append(place)
        full = [
            who
            for who, held_by in theirs.items()
            if model.most_at_once and _heavy_count(model, held_by) >= model.most_at_once
        ]
        found: QuerySet = model._base_manager.filter(claimable(), wanted(model))
        found = found.exclude(
            _is_of(model, [but]) | _is_of(model, full) & model.is_heavy
        )
        rows = found.order_by("run_after").values_list(
            "pk", organization_of(model), "run_after"
        )
        for row in rows[:LOOKED_AT]:
            yield Waiting(model.task, *row)


def _heavy_count(model: type[LeasedWork], places: Iterable[Held]) -> int:
    return sum(place.is_heavy and place.kind == model.__name__ for place in places)


def _is_of(model: type[LeasedWork], organization_ids: list[int | None]) -> Q:
    return Q(**{f"{model.organization_path}__in": organization_ids})
