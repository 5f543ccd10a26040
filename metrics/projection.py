"""What one ledger event does to a scoreboard; recording and replay both ask here."""

from collections.abc import Callable, Set
from datetime import datetime
from typing import Any

from django.conf import settings

from accounts.errors import Invalid
from metrics import levels
from metrics.levels import Rules
from metrics.models import MAX_COUNT, AgentMetrics, EventKind

Payload = dict[str, Any]

# Every column that events move, and nothing else of the row.
COLUMNS = (
    "learning_score",
    "success_rate",
    "failure_rate",
    "pass_rate",
    "total_learning_cycles",
    "xp",
    "level",
    "prestige",
    "current_difficulty",
    "total_tests_given",
    "total_tests_passed",
    "total_tests_failed",
    "consecutive_successes",
    "consecutive_failures",
    "last_test_date",
    "test_history",
    "custody_level",
    "custody_xp",
    "adversarial_wins",
    "learning_patterns",
    "improvement_suggestions",
    "status",
    "is_active",
    "priority",
    "capabilities",
    "config",
)
KEPT_BY_RESET = {"capabilities", "config"}


def current_rules() -> Rules:
    """Return the rules as the settings have them now."""
    return Rules(
        xp_award=settings.METRICS_DEFAULT_XP_AWARD,
        custody_xp_per_level=settings.METRICS_CUSTODY_XP_PER_LEVEL,
        xp_per_level=settings.METRICS_XP_PER_LEVEL,
        prestige_every=settings.METRICS_PRESTIGE_EVERY,
        test_history=settings.MAX_TEST_HISTORY_SIZE,
        learning_patterns=settings.MAX_LEARNING_PATTERNS_SIZE,
        improvement_suggestions=settings.MAX_IMPROVEMENT_SUGGESTIONS_SIZE,
    )


def apply(board: AgentMetrics, kind: str, payload: Payload, rules: Rules) -> None:
    """Move a scoreboard by one event; raise Invalid where it cannot go."""
    EFFECTS[EventKind(kind)](board, payload, rules)


def state_of(board: AgentMetrics) -> dict[str, Any]:
    return {name: getattr(board, name) for name in COLUMNS}


# --- custody tests ------------------------------------------------------------
def _custody_test(board: AgentMetrics, test: Payload, rules: Rules) -> None:
    award, passed = test["xp_awarded"], test["passed"]
    entry = {
        "score": test["score"],
        "passed": passed,
        "duration": test["duration"],
        "timestamp": test["timestamp"],
        "xp_awarded": award,
        "difficulty": board.current_difficulty,
    }
    board.test_history = levels.newest([*board.test_history, entry], rules.test_history)
    board.last_test_date = _later(board.last_test_date, test["timestamp"])
    _raise(board, "total_tests_given", 1)
    if passed:
        _raise(board, "total_tests_passed", 1)
        _raise(board, "consecutive_successes", 1)
        board.consecutive_failures = 0
    else:
        _raise(board, "total_tests_failed", 1)
        _raise(board, "consecutive_failures", 1)
        board.consecutive_successes = 0
    if test.get("is_winner"):
        _raise(board, "adversarial_wins", 1)
    _raise(board, "custody_xp", award, "/xp_awarded")
    board.custody_level = max(
        board.custody_level,
        levels.level_of(board.custody_xp, rules.custody_xp_per_level),
    )
    _earn(board, award, rules)
    _difficulty(board, rules)
    _pass_rate(board, rules)
    _failure_rate(board, rules)


def _later(known: datetime | None, timestamp: str) -> datetime:
    moment = datetime.fromisoformat(timestamp)
    return moment if known is None else max(known, moment)


def _earn(board: AgentMetrics, award: int, rules: Rules) -> None:
    """Add points; a level once reached is not lost by a change of the rules."""
    _raise(board, "xp", award, "/xp_awarded")
    board.level = max(board.level, levels.level_of(board.xp, rules.xp_per_level))
    _prestige(board, rules)


def _raise(board: AgentMetrics, name: str, by: int, pointer: str = "") -> None:
    value = getattr(board, name) + by
    if value > MAX_COUNT:
        raise Invalid(f"{name} would be more than {MAX_COUNT}.", pointer=pointer)
    setattr(board, name, value)


# --- learning -------------------------------------------------------------------
def _learning(board: AgentMetrics, learned: Payload, rules: Rules) -> None:
    if "learning_score" in learned:
        board.learning_score = learned["learning_score"]
    _raise(
        board,
        "total_learning_cycles",
        learned.get("learning_cycles", 1),
        "/learning_cycles",
    )
    _earn(board, learned.get("xp_awarded", 0), rules)
    if "success_rate" in learned:
        board.success_rate = learned["success_rate"]
    elif "failure_rate" in learned:
        board.success_rate = round(1 - learned["failure_rate"], 4)
    _failure_rate(board, rules)
    if "failure_rate" in learned and not board.total_tests_given:
        board.failure_rate = learned["failure_rate"]
    for name in ("learning_patterns", "improvement_suggestions"):
        entries = [*getattr(board, name), *learned.get(name, [])]
        setattr(board, name, levels.newest(entries, getattr(rules, name)))


# --- edits by hand --------------------------------------------------------------
def _edit(board: AgentMetrics, changes: Payload, rules: Rules) -> None:
    """Set what was sent, then recompute whatever follows from it and was not."""
    sent = set(changes)
    for name, value in changes.items():
        if name == "last_test_date" and value is not None:
            value = datetime.fromisoformat(value)
        elif name in ("test_history", "learning_patterns", "improvement_suggestions"):
            value = levels.newest(value, getattr(rules, name))
        setattr(board, name, value)
    if {"total_tests_given", "total_tests_passed"} <= sent and (
        "total_tests_failed" not in sent
    ):
        board.total_tests_failed = board.total_tests_given - board.total_tests_passed
    _check_counts(board)
    _derive(board, sent, rules)


def _check_counts(board: AgentMetrics) -> None:
    given = board.total_tests_given
    passed, failed = board.total_tests_passed, board.total_tests_failed
    if failed < 0 or given != passed + failed:
        raise Invalid(
            f"{given} tests cannot be {passed} passed and {failed} failed.",
            pointer="/total_tests_given",
        )


def _derive(board: AgentMetrics, sent: Set[str], rules: Rules) -> None:
    changed = set(sent)
    for name, inputs, recompute in DERIVED:
        if name not in sent and inputs & changed:
            recompute(board, rules)
            changed.add(name)


def _level(board: AgentMetrics, rules: Rules) -> None:
    board.level = levels.level_of(board.xp, rules.xp_per_level)


def _custody_level(board: AgentMetrics, rules: Rules) -> None:
    board.custody_level = levels.level_of(board.custody_xp, rules.custody_xp_per_level)


def _prestige(board: AgentMetrics, rules: Rules) -> None:
    board.prestige = levels.prestige_of(board.level, rules.prestige_every)


def _difficulty(board: AgentMetrics, rules: Rules) -> None:
    board.current_difficulty = levels.difficulty_of(
        board.custody_level, board.consecutive_failures
    )


def _pass_rate(board: AgentMetrics, rules: Rules) -> None:
    board.pass_rate = levels.pass_rate(
        board.total_tests_passed, board.total_tests_given
    )


def _failure_rate(board: AgentMetrics, rules: Rules) -> None:
    board.failure_rate = levels.failure_rate(
        board.total_tests_failed,
        board.total_tests_given,
        board.success_rate,
        board.total_learning_cycles,
    )


COUNTS = {"total_tests_given", "total_tests_passed", "total_tests_failed"}
# In this order: what a later one follows from may just have been recomputed.
DERIVED: tuple[tuple[str, set[str], Callable[[AgentMetrics, Rules], None]], ...] = (
    ("level", {"xp"}, _level),
    ("prestige", {"level"}, _prestige),
    ("custody_level", {"custody_xp"}, _custody_level),
    ("current_difficulty", {"custody_level", "consecutive_failures"}, _difficulty),
    ("pass_rate", COUNTS, _pass_rate),
    (
        "failure_rate",
        {*COUNTS, "success_rate", "total_learning_cycles"},
        _failure_rate,
    ),
)


# --- reset ----------------------------------------------------------------------
def _reset(board: AgentMetrics, payload: Payload, rules: Rules) -> None:
    fresh = AgentMetrics()
    for name in COLUMNS:
        if name not in KEPT_BY_RESET:
            setattr(board, name, getattr(fresh, name))


EFFECTS: dict[EventKind, Callable[[AgentMetrics, Payload, Rules], None]] = {
    EventKind.CUSTODY_TEST: _custody_test,
    EventKind.LEARNING: _learning,
    EventKind.PUT: _edit,
    EventKind.BULK_UPDATE: _edit,
    EventKind.RESET: _reset,
}
