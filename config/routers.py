"""Reads of web requests from a replica, when there is one; all else from the primary.

A replica is a moment behind. So who somebody is and what they may do is asked of the
primary, and so is everything inside a transaction, after a write in the same request,
and outside of requests: a task follows a write at once.
"""

from contextvars import ContextVar
from typing import Any

from django.core.signals import request_started
from django.db import DEFAULT_DB_ALIAS, connections

REPLICA = "replica"
# The applications whose rows a request may read a moment late.
PATIENT = frozenset({"agents", "metrics"})

_may_be_late: ContextVar[bool] = ContextVar("may_be_late", default=False)


def begin_request(**_: Any) -> None:
    """Let reads go to the replica until something is written."""
    _may_be_late.set(True)


class ReplicaRouter:
    """Django's router; settings name it only if DATABASE_REPLICA_URL is set."""

    def __init__(self) -> None:
        request_started.connect(begin_request, dispatch_uid="replica")

    def db_for_read(self, model, **hints) -> str:
        is_patient = model._meta.app_label in PATIENT and _may_be_late.get()
        if is_patient and not connections[DEFAULT_DB_ALIAS].in_atomic_block:
            return REPLICA
        return DEFAULT_DB_ALIAS

    def db_for_write(self, model, **hints) -> str:
        _may_be_late.set(False)
        return DEFAULT_DB_ALIAS

    def allow_relation(self, obj1, obj2, **hints) -> bool:
        # The same rows, wherever they were read.
        return True

    def allow_migrate(self, db, app_label, **hints) -> bool | None:
        return False if db == REPLICA else None
