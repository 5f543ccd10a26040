"""The rules alone: figures in, figures out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics import levels
from metrics.checks import check_rules


@pytest.mark.parametrize(
    ("xp", "level"), [(0, 1), (249, 1), (250, 2), (500, 3), (725, 3), (750, 4)]
)
def test_every_250_points_make_a_level(xp, level):
    assert levels.level_of(xp, 250) == level


def test_prestige_comes_after_every_fiftieth_level():
    found = [levels.prestige_of(level, 50) for level in (1, 50, 51, 100, 101)]
    assert found == [0, 0, 1, 1, 2]


@pytest.mark.parametrize(
    ("custody_level", "difficulty"),
    [
        (1, "basic"),
        (9, "basic"),
        (10, "intermediate"),
        (20, "advanced"),
        (30, "expert"),
        (40, "master"),
        (50, "legendary"),
        (999, "legendary"),
    ],
)
def test_difficulty_climbs_every_ten_custody_levels(custody_level, difficulty):
    assert levels.difficulty_of(custody_level, 0) == difficulty


@pytest.mark.parametrize(
    ("failures", "difficulty"),
    [(2, "advanced"), (3, "intermediate"), (9, "intermediate")],
)
def test_three_failures_in_a_row_ease_one_step(failures, difficulty):
    assert levels.difficulty_of(20, failures) == difficulty


def test_nothing_is_easier_than_basic():
    assert levels.difficulty_of(1, 5) == "basic"


def test_no_test_is_no_rate():
    assert levels.pass_rate(0, 0) == 0.0
    assert levels.failure_rate(0, 0, 0.0, 0) == 0.0


def test_before_the_first_test_learning_decides_the_failure_rate():
    assert levels.failure_rate(0, 0, 0.8, 3) == 0.2
    assert levels.failure_rate(1, 3, 0.8, 3) == 0.3333


def test_progress_is_counted_from_where_the_level_began():
    way = levels.progress(3, 600, 250)
    assert (way.into_level, way.missing, way.share) == (100, 150, 0.4)


def test_a_level_ahead_of_its_points_has_made_no_progress():
    assert levels.progress(10, 100, 250).share == 0.0


@given(st.integers(0, 10**9), st.integers(1, 10**6))
def test_a_level_never_falls_as_points_grow(xp, more):
    assert levels.level_of(xp + more, 250) >= levels.level_of(xp, 250)


@given(st.lists(st.integers(), max_size=20), st.integers(0, 25))
def test_only_the_newest_entries_are_kept(entries, size):
    kept = levels.newest(entries, size)
    assert len(kept) == min(len(entries), size)
    assert entries[len(entries) - len(kept) :] == kept


def test_rules_nobody_can_count_by_are_found_at_the_start(settings):
    assert check_rules(None) == []
    settings.METRICS_XP_PER_LEVEL = 0
    (found,) = check_rules(None)
    assert found.id == "metrics.E001"
    assert "METRICS_XP_PER_LEVEL" in found.msg
