"""How much memory all processes of an installation hold."""

import os
import time
from collections import Counter
from collections.abc import Callable

import psutil

from config.supervised import session_of

EVERY_SECONDS = 2
MOST_LOOKS = 30
# Between two looks it may grow by so much and count as settled.
SETTLED_SHARE = 0.01
MEGABYTE = 1 << 20


def settled(names: Callable[[], dict[int, str]]) -> str:
    """Wait until processes no longer grow, and say what they hold.

    `names` gives a name for the number of each session's leader. Nothing is said where
    the system does not tell proportional sizes.
    """
    if not psutil.LINUX:
        return ""
    before = 0
    for _ in range(MOST_LOOKS):
        held, refused = proportional(names())
        if abs(held.total() - before) <= held.total() * SETTLED_SHARE:
            break
        before = held.total()
        time.sleep(EVERY_SECONDS)
    return in_words(held, refused)


def proportional(names: dict[int, str]) -> tuple[Counter[str], set[str]]:
    """Sum bytes by name, shared pages counted once; tell who may not be asked."""
    names = names | {os.getpid(): "up"}
    held, refused = Counter(), set()
    for process in psutil.process_iter():
        try:
            # The children of PostgreSQL lead sessions of their own.
            family = (process.pid, session_of(process), process.ppid())
        except psutil.NoSuchProcess:
            continue
        name = next((names[pid] for pid in family if pid in names), "")
        try:
            if name:
                held[name] += process.memory_full_info().pss
        except psutil.NoSuchProcess:
            continue
        except psutil.AccessDenied:
            refused.add(name)
    return held, refused


def in_words(held: Counter[str], refused: set[str]) -> str:
    """Say it in one line, the largest first."""
    parts = ", ".join(f"{name} {megabytes(n)}" for name, n in held.most_common())
    without = f"; not known of {', '.join(sorted(refused))}" if refused else ""
    return f"Memory {megabytes(held.total())} MB: {parts}{without}."


def megabytes(number: int) -> int:
    return round(number / MEGABYTE)
