import subprocess
from collections import Counter

import psutil
import pytest

from config.memory import MEGABYTE, in_words, proportional
from config.tests.serving import until


def test_the_largest_comes_first_and_who_may_not_be_asked_is_named():
    held = Counter(beat=MEGABYTE, web=20 * MEGABYTE)
    assert in_words(held, set()) == "Memory 21 MB: web 20, beat 1."
    assert in_words(held, {"valkey", "postgres"}) == (
        "Memory 21 MB: web 20, beat 1; not known of postgres, valkey."
    )


@pytest.mark.process
@pytest.mark.skipif(not psutil.LINUX, reason="only Linux tells proportional sizes")
def test_a_session_counts_with_its_children_and_with_those_that_left_it():
    # A child of a child; and one that leads a session of its own, as PostgreSQL's do.
    command = "sh -c 'sleep 600; true' & exec setsid --fork --wait sleep 601"
    with subprocess.Popen(["sh", "-c", command], start_new_session=True) as leader:  # noqa: S603, S607
        parent = psutil.Process(leader.pid)
        children = until(
            lambda: len(found := parent.children(recursive=True)) == 3 and found
        )
        try:
            sizes = [each.memory_full_info().pss for each in (*children, parent)]
            held, refused = proportional({leader.pid: "web"})
            assert held["web"] > sum(sizes) - min(sizes) / 2
            assert held["up"] > 0
            assert refused == set()
        finally:
            for each in (*children, parent):
                each.kill()
