"""Scoreboards and events as plain dictionaries."""

from datetime import datetime
from typing import Any

from django.db import models

from metrics.models.boards import IN_OVERVIEWS
from metrics.projection import COLUMNS

SHOWN = ("agent_id", "agent_type", *COLUMNS, "created_at", "updated_at")
CUSTODY = (
    "total_tests_given",
    "total_tests_passed",
    "total_tests_failed",
    "current_difficulty",
    "last_test_date",
    "consecutive_failures",
    "consecutive_successes",
    "test_history",
    "custody_level",
    "custody_xp",
    "level",
    "xp",
    "pass_rate",
    "failure_rate",
)
AFTER_A_TEST = (
    "total_tests_given",
    "total_tests_passed",
    "custody_level",
    "custody_xp",
)
AFTER_LEARNING = (
    "learning_score",
    "success_rate",
    "failure_rate",
    "total_learning_cycles",
    "xp",
    "level",
    "prestige",
)

RANKED = tuple(name for name in IN_OVERVIEWS if name != "total_tests_failed")
EVENT = (
    "id",
    "sequence",
    "kind",
    "source",
    "passed",
    "score",
    "difficulty",
    "xp_change",
    "payload",
    "occurred_at",
    "created_at",
)


def figures(row: models.Model, names: tuple[str, ...] = SHOWN) -> dict[str, Any]:
    """Return some columns of a scoreboard or an event, as JSON has them."""
    return {name: as_json(getattr(row, name)) for name in names}


def as_json(value: Any) -> Any:
    """Write moments as the whole API does: UTC, ending in Z."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value
