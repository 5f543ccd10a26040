"""Run the Procfile's processes together, and end them together in order."""

import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

import orjson
import psutil
from honcho.colour import get_colours
from honcho.environ import parse_procfile
from honcho.printer import Message, Printer
from honcho.process import Process

# What visitors reach ends first, so that nothing new comes in behind it.
FIRST = "web"
KIND_SECONDS = 15


class Supervisor:
    """The processes of one Procfile, each in a session of its own."""

    def __init__(self, procfile: Path, environment: Mapping[str, str], kept: Path):
        self.commands = parse_procfile(procfile.read_text()).processes
        self.cwd = procfile.parent
        self.environment = dict(environment)
        self.kept = kept
        self.events: queue.Queue[Message] = queue.Queue()
        self.colours = get_colours()
        self.printer: Printer | None = Printer(sys.stdout)
        self.printer.width = max(map(len, self.commands))
        self.pids: dict[str, int] = {}
        self.ended: dict[str, int] = {}

    def start(self, names: Iterable[str]) -> None:
        """Start these processes and wait until each has a number."""
        names = list(names)
        for name in names:
            process = Process(
                self.commands[name],
                name=name,
                colour=next(self.colours),
                env=self.environment,
                cwd=str(self.cwd),
            )
            threading.Thread(
                target=process.run, args=(self.events,), name=name, daemon=True
            ).start()
        while not all(name in self.pids for name in names):
            self.hear(1)
        self.remember()

    def hear(self, seconds: float) -> None:
        """Print a line, or note a start or an end, waiting at most so long."""
        try:
            message = self.events.get(timeout=seconds)
        except queue.Empty:
            return
        if message.type == "start":
            self.pids[message.name] = message.data["pid"]
        elif message.type == "stop":
            self.ended[message.name] = message.data["returncode"]
        else:
            self.say(message)

    def missing(self) -> str:
        """Name a process that has ended, or nothing."""
        for name, pid in self.pids.items():
            # Its children may hold its output open, so its end goes unheard.
            if name in self.ended or not pid_is_alive(pid):
                return name
        return ""

    def say(self, message: Message) -> None:
        """Print it, unless the terminal has gone away."""
        if self.printer is not None:
            try:
                self.printer.write(message)
            except OSError:
                self.printer = None

    def note(self, text: str) -> None:
        """Print a line of our own."""
        self.say(Message("line", text, datetime.now(), "up", None))

    def stop(self) -> None:
        """End what visitors reach, then everything else; insist after a while."""
        rest = [name for name in self.pids if name != FIRST]
        for names in ([FIRST] if FIRST in self.pids else [], rest):
            self.end(names)
        self.kept.unlink(missing_ok=True)

    def end(self, names: list[str]) -> None:
        """End these and whatever they started."""
        # Only the first process is told: a worker's children must finish their task.
        for name in names:
            if name not in self.ended:
                send(self.pids[name], signal.SIGTERM)
        deadline = time.monotonic() + KIND_SECONDS
        while not all(name in self.ended for name in names):
            if time.monotonic() > deadline:
                break
            self.hear(0.1)
        for name in names:
            kill_session(self.pids[name])
        while not all(name in self.ended for name in names):
            self.hear(0.1)

    def remember(self) -> None:
        """Write down what runs, for a start after this one was killed."""
        found = {
            pid: psutil.Process(pid).create_time()
            for pid in self.pids.values()
            if psutil.pid_exists(pid)
        }
        self.kept.write_bytes(orjson.dumps({str(k): v for k, v in found.items()}))


def end_leftovers(kept: Path) -> int:
    """End what a supervisor that was killed has left; return how many."""
    try:
        sessions = {int(k): v for k, v in orjson.loads(kept.read_bytes()).items()}
    except (FileNotFoundError, ValueError):
        return 0
    count = 0
    for pid, created in sessions.items():
        try:
            # The number may by now be another's, who then leads a new session.
            if abs(psutil.Process(pid).create_time() - created) > 1:
                continue
        except psutil.NoSuchProcess:
            pass
        count += kill_session(pid)
    kept.unlink(missing_ok=True)
    return count


def send(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process that may have ended."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def kill_session(leader: int) -> int:
    """Kill every process of the session this one led, and wait; return how many."""
    members = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == leader:
                process.kill()
                members.append(process)
        except (ProcessLookupError, PermissionError, psutil.NoSuchProcess):
            continue
    deadline = time.monotonic() + KIND_SECONDS
    while any(map(is_alive, members)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return len(members)


def pid_is_alive(pid: int) -> bool:
    """Say whether a process of this number runs."""
    try:
        return is_alive(psutil.Process(pid))
    except psutil.NoSuchProcess:
        return False


def is_alive(process: psutil.Process) -> bool:
    """Say whether it still runs; a zombie does not."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
