import os
import signal
from contextlib import contextmanager

import orjson
import psutil
import pytest

from config.processes import is_alive
from config.supervised import Deaths, in_words
from config.supervisor import GaveUp, Supervisor
from config.tests.serving import until


def pauses(*lives: float) -> list[float]:
    """Return the pause after each of these lives, one behind the other."""
    deaths, now, found = Deaths(), 0.0, []
    for seconds in lives:
        now += seconds
        deaths.add(now, ran=seconds)
        found.append(deaths.pause)
        now += deaths.pause
    return found


def test_the_pause_grows_up_to_ten_seconds():
    assert pauses(*[20] * 8) == [0.5, 1, 2, 4, 8, 10, 10, 10]


def test_the_pause_is_short_again_after_a_minute_of_life():
    assert pauses(1, 1, 1, 59, 60, 1) == [0.5, 1, 2, 4, 0.5, 1]


@pytest.mark.parametrize(
    ("moments", "expected"),
    [
        ([0, 1, 2, 3], False),
        ([0, 1, 2, 3, 59], True),
        ([0, 1, 2, 3, 60], False),
        ([0, 31, 32, 33, 34, 35], True),
    ],
)
def test_five_deaths_within_a_minute_are_too_many(moments, expected):
    deaths = Deaths()
    for moment in moments:
        deaths.add(moment, ran=1)
    assert deaths.too_many is expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (0, "ended by itself with exit code 0"),
        (3, "ended by itself with exit code 3"),
        (-signal.SIGSEGV, "was killed by SIGSEGV"),
        (-40, "was killed by signal 40"),
        (None, "ended"),
    ],
)
def test_an_end_is_told_in_words(code, expected):
    assert in_words(code) == expected


@contextmanager
def supervising(folder, command: str):
    """Supervise one process, which runs in this folder, until the block ends."""
    (folder / "Procfile").write_text(f"one: {command}\n")
    supervisor = Supervisor(folder / "Procfile", os.environ, folder)
    try:
        supervisor.start(["one"])
        yield supervisor
    finally:
        supervisor.stop()


def watch_until(supervisor, condition):
    """Supervise until a condition holds, and return what it gave."""

    def look():
        supervisor.hear(0.05)
        supervisor.revive()
        return condition()

    return until(look)


def written(path) -> list[int]:
    return [int(word) for word in path.read_text().split()] if path.exists() else []


@pytest.mark.process
class TestOneProcess:
    def test_what_it_leaves_is_killed_and_it_starts_again(self, tmp_path, capsys):
        command = "sleep 600 & echo $! >> children; exec sleep 601"
        with supervising(tmp_path, command) as supervisor:
            one, children = supervisor.processes["one"], tmp_path / "children"
            [child] = until(lambda: written(children))
            child = psutil.Process(child)
            os.kill(one.leader, signal.SIGKILL)
            watch_until(supervisor, lambda: len(written(children)) == 2)
            assert not is_alive(child)
        assert "one was killed by SIGKILL. It starts again in 0.5 s." in (
            capsys.readouterr().out
        )

    def test_the_next_start_would_find_what_was_started_again(self, tmp_path):
        with supervising(tmp_path, "exec sleep 600") as supervisor:
            one = supervisor.processes["one"]
            first = one.leader
            os.kill(first, signal.SIGKILL)
            second = watch_until(supervisor, lambda: one.leader not in (None, first))
            assert second
            kept = orjson.loads((tmp_path / "up.json").read_bytes())
            assert list(kept) == [str(one.leader)]

    def test_what_never_came_up_is_not_started_again(self, tmp_path):
        command = "echo >> lives; echo No such option; exit 3"
        with supervising(tmp_path, command) as supervisor:
            with pytest.raises(GaveUp, match=r"'one' ended .* exit code 3; see the"):
                watch_until(supervisor, lambda: False)
            assert (tmp_path / "lives").read_text() == "\n"

    def test_what_has_run_and_ends_by_itself_is_started_again(self, tmp_path, capsys):
        command = "[ -e again ] && exit 3; touch again; exec sleep 600"
        with supervising(tmp_path, command) as supervisor:
            until((tmp_path / "again").exists)
            os.kill(supervisor.processes["one"].leader, signal.SIGKILL)
            said = []
            watch_until(
                supervisor,
                lambda: said.append(capsys.readouterr().out) or "code 3" in said[-1],
            )
        assert (
            "one ended by itself with exit code 3. It starts again in 1 s."
            in (said[-1])
        )

    def test_an_end_during_the_pause_starts_nothing(self, tmp_path):
        with supervising(tmp_path, "echo >> lives; exec sleep 600") as supervisor:
            one = supervisor.processes["one"]
            until((tmp_path / "lives").exists)
            os.kill(one.leader, signal.SIGKILL)
            watch_until(supervisor, lambda: one.due is not None)
        assert (tmp_path / "lives").read_text() == "\n"
        assert not (tmp_path / "up.json").exists()
