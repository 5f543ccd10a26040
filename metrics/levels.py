"""From counts and points to levels, difficulty and rates: pure functions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

DIFFICULTIES = ("basic", "intermediate", "advanced", "expert", "master", "legendary")
LEVELS_PER_DIFFICULTY = 10
FAILURES_THAT_EASE = 3


@dataclass(frozen=True)
class Rules:
    """The figures an operator may set; the ledger is replayed by the current ones."""

    xp_award: int = 25
    custody_xp_per_level: int = 100
    xp_per_level: int = 250
    prestige_every: int = 50
    test_history: int = 50
    learning_patterns: int = 100
    improvement_suggestions: int = 50


@dataclass(frozen=True)
class Progress:
    """How far the way to the next level is done."""

    level: int
    xp: int
    into_level: int
    per_level: int

    @property
    def share(self) -> float:
        return min(1.0, self.into_level / self.per_level)

    @property
    def missing(self) -> int:
        return max(0, self.per_level - self.into_level)


def level_of(xp: int, per_level: int) -> int:
    """Return the level that so many points make; everyone starts at 1."""
    return 1 + xp // per_level


def progress(level: int, xp: int, per_level: int) -> Progress:
    """Say how far it is to the next level.

    A level that was set by hand may be ahead of its points: then nothing is done yet.
    """
    return Progress(level, xp, max(0, xp - (level - 1) * per_level), per_level)


def prestige_of(level: int, every: int) -> int:
    return (level - 1) // every


def difficulty_of(custody_level: int, consecutive_failures: int) -> str:
    """Climb a step every ten custody levels; three failures in a row ease one step."""
    step = min(len(DIFFICULTIES) - 1, custody_level // LEVELS_PER_DIFFICULTY)
    if consecutive_failures >= FAILURES_THAT_EASE:
        step = max(0, step - 1)
    return DIFFICULTIES[step]


def pass_rate(passed: int, given: int) -> float:
    return round(passed / given, 4) if given else 0.0


def failure_rate(failed: int, given: int, success_rate: float, cycles: int) -> float:
    """Tests decide; before the first one, what was learned does."""
    if given:
        return round(failed / given, 4)
    return round(1 - success_rate, 4) if cycles else 0.0


def newest(entries: Sequence[Any], size: int) -> list[Any]:
    """Keep the last entries of a list that grows at its end."""
    return list(entries[-size:]) if size > 0 else []
