"""Create something once, however often one asks with the same key."""

from collections.abc import Callable
from typing import Any, NamedTuple

from django.db import models, transaction
from django.utils.crypto import salted_hmac

from accounts.errors import DomainError
from accounts.models.idempotency import IdempotencyKey
from accounts.models.lifecycle import request_fingerprint
from accounts.models.organizations import Organization
from accounts.models.users import User


class Gone(DomainError):
    status = 410
    code = "gone"
    detail = "What this idempotency key created has been deleted."


class Created(NamedTuple):
    row: models.Model
    is_new: bool
    is_replay: bool


@transaction.atomic
def create_once(
    *,
    owner: Organization | User,
    key: str | None,
    asked: Any,
    rows: models.QuerySet,
    create: Callable[[], models.Model | tuple[models.Model, bool]],
) -> Created:
    """Return what `create` does, or the row among `rows` that this key has created.

    `create` returns a row, or a row and whether it is new. `asked` is the request as
    JSON; only a keyed digest of it is kept, as it may hold a secret.
    Raises KeyReused, Gone, and what `create` raises, which leaves the key unused.
    """
    if key is None:
        return Created(*_row_of(create()), is_replay=False)
    fingerprint = _fingerprint(asked)
    # Whoever comes second waits here for the first one's end.
    known, is_first = IdempotencyKey.objects.get_or_create(
        organization=owner if isinstance(owner, Organization) else None,
        user=owner if isinstance(owner, User) else None,
        resource_type=rows.model._meta.model_name,
        idempotency_key=key,
        defaults={"request_fingerprint": fingerprint},
    )
    if is_first:
        row, is_new = _row_of(create())
        known.resource_id = str(row.pk)
        known.save(update_fields=["resource_id"])
        return Created(row, is_new, is_replay=False)
    known.check_same_request(fingerprint)
    row = rows.filter(pk=known.resource_id).first()
    if row is None:
        raise Gone
    return Created(row, is_new=False, is_replay=True)


def _row_of(created: Any) -> tuple[models.Model, bool]:
    return created if isinstance(created, tuple) else (created, True)


def _fingerprint(asked: Any) -> str:
    plain = request_fingerprint(asked)
    return salted_hmac("idempotency", plain, algorithm="sha256").hexdigest()
