"""Try what changes something, and see which rows of the audit log it leaves."""

from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

from django.db import transaction

from accounts.models import AuditLog


class Left(list):
    """The rows that were left while somebody looked."""


@contextmanager
def rows_left():
    """Collect the rows that are left inside, and take back all that was done."""
    left = Left()
    with transaction.atomic():
        before = set(AuditLog.objects.values_list("pk", flat=True))
        yield left
        left += AuditLog.objects.with_details().exclude(pk__in=before)
        transaction.set_rollback(True)


def attempt(client, method: str, path: str, *sent, prepare: Callable | None = None):
    """Return an answer with the rows it left, and take back whatever it changed."""
    with transaction.atomic():
        if prepare:
            prepare()
        with rows_left() as rows:
            answer = client.generic(method.upper(), path, *sent)
            if answer.streaming:
                b"".join(answer.streaming_content)
        transaction.set_rollback(True)
    return answer, rows


_tried: dict[Callable, Any] = {}


def once(request, fixture: Callable) -> Any:
    """Return what a fixture returned the first time: plain facts, which outlive it."""
    if fixture not in _tried:
        _tried[fixture] = request.getfixturevalue("tried")
    return _tried[fixture]
