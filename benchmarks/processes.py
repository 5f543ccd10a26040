"""Processor time and memory of processes, as /proc tells them."""

import os
import re
import time
from dataclasses import dataclass, field
from pathlib import Path

TICK = 1000 / os.sysconf("SC_CLK_TCK")
NOT_OURS = ("autovacuum",)


def tree(root: int) -> list[int]:
    """Return a process and all that descend from it."""
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            try:
                waiting += map(int, children.read_text().split())
            except OSError:
                continue
    return found


def command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def milliseconds(pid: int) -> float:
    """Return the processor time a process has used."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(after_name[11]) + int(after_name[12])) * TICK


def used_by(root: int) -> dict[int, float]:
    """Return the processor time of each process of a tree, without vacuuming."""
    return {
        pid: milliseconds(pid)
        for pid in tree(root)
        if not any(word in command(pid) for word in NOT_OURS)
    }


def proportional_megabytes(root: int) -> float:
    """Return what a tree of processes holds, shared pages counted once."""
    total = 0
    for pid in tree(root):
        try:
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        total += int(re.search(r"^Pss:\s+(\d+)", rollup, re.MULTILINE)[1])
    return total / 1024


def machine_busy_milliseconds() -> float:
    """Return the time all processors have worked, for whomever."""
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    user, nice, system, _idle, _wait, irq, soft, steal = map(int, fields[:8])
    return (user + nice + system + irq + soft + steal) * TICK


@dataclass
class Meter:
    """What each party used of the processors between two moments."""

    roots: dict[str, int]
    started: float = 0.0
    busy: float = 0.0
    before: dict[str, dict[int, float]] = field(default_factory=dict)

    def start(self) -> None:
        self.before = {name: used_by(root) for name, root in self.roots.items()}
        self.busy = machine_busy_milliseconds()
        self.started = time.monotonic()

    def stop(self) -> tuple[dict[str, float], float]:
        """Return each party's milliseconds, and the share of all that was foreign."""
        wall = (time.monotonic() - self.started) * 1000 * (os.cpu_count() or 1)
        busy = machine_busy_milliseconds() - self.busy
        used = {}
        for name, root in self.roots.items():
            before = self.before[name]
            used[name] = sum(
                now - before.get(pid, 0.0) for pid, now in used_by(root).items()
            )
        return used, max(0.0, busy - sum(used.values())) / wall


def machine() -> str:
    """Say on which machine this runs."""
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())
    gigabytes = int(memory[1]) / 2**20
    name = cpu[1] if cpu else os.uname().machine
    return f"{os.cpu_count()} x {name}, {gigabytes:.0f} GiB, Linux {os.uname().release}"
