"""What is started again when it dies: a process of the Procfile, a built-in server."""

import contextlib
import os
import queue
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

import psutil
from honcho.printer import Message

from config import embedded
from config.processes import EmbeddedError, is_alive, kill_all, telling_line

SHORTEST_SECONDS, LONGEST_SECONDS = 0.5, 10
# After so long a life the next pause is the shortest again.
WELL_SECONDS = 60
MOST_DEATHS, WITHIN_SECONDS = 5, 60
# What ends by itself so soon after its very first start has never come up.
COME_UP_SECONDS = 10

Events = queue.Queue[Message | None]


class Deaths:
    """How often something died, and how long to wait before it starts again."""

    def __init__(self):
        self.moments: deque[float] = deque(maxlen=MOST_DEATHS)
        self.pause = 0.0

    def add(self, moment: float, *, ran: float) -> None:
        """Note a death after `ran` seconds of life."""
        if ran >= WELL_SECONDS:
            self.pause = 0.0
        self.pause = min(LONGEST_SECONDS, self.pause * 2 or SHORTEST_SECONDS)
        self.moments.append(moment)

    @property
    def too_many(self) -> bool:
        """Say whether it is no use to start it once more."""
        return (
            len(self.moments) == MOST_DEATHS
            and self.moments[-1] - self.moments[0] < WITHIN_SECONDS
        )


class Part:
    """Something that dies and is started again."""

    def __init__(self, name: str):
        self.name = name
        self.deaths = Deaths()
        self.since = time.monotonic()
        # When it starts again, while it waits for that.
        self.due: float | None = None

    def wait(self) -> float:
        """Begin the pause after a death; return its length in seconds."""
        now = time.monotonic()
        self.deaths.add(now, ran=now - self.since)
        self.due = now + self.deaths.pause
        return self.deaths.pause


class Process(Part):
    """One process of the Procfile, in a session of its own."""

    def __init__(
        self,
        name: str,
        command: str,
        *,
        colour: str,
        events: Events,
        environment: Mapping[str, str],
        folder: Path,
    ):
        super().__init__(name)
        self.command, self.environment, self.folder = command, environment, folder
        self.colour, self.events = colour, events
        self.child: subprocess.Popen | None = None
        self.leader: int | None = None
        self.begun = threading.Event()
        self.begun.set()

    def start(self) -> None:
        """Start it, and return once it has a number."""
        self.since, self.due, self.child = time.monotonic(), None, None
        self.begun.clear()
        # In a thread, which no signal interrupts: no child is born and forgotten.
        self.reader = threading.Thread(target=self._run, name=self.name, daemon=True)
        self.reader.start()
        self.begun.wait()

    def _run(self) -> None:
        try:
            self.child = child = subprocess.Popen(  # noqa: S602
                self.command,
                shell=True,
                cwd=self.folder,
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            self.leader = child.pid
        finally:
            self.begun.set()
        with child.stdout:
            for line in child.stdout:
                said = Message("line", line, datetime.now(), self.name, self.colour)
                self.events.put(said)
        child.wait()
        # Nothing to print: whoever waits looks around.
        self.events.put(None)

    def death(self) -> str:
        """Say how it ended, or nothing while it runs."""
        if not self.begun.is_set():
            return ""
        if self.child is None:
            return "could not be started"
        # Not whether its output has ended: its children may hold that open.
        code = self.child.poll()
        return "" if code is None else in_words(code)

    def never_came_up(self) -> bool:
        """Say whether its first life ended at once, and by itself."""
        return (
            not self.deaths.moments
            and (self.child is None or self.child.returncode >= 0)
            and time.monotonic() - self.since < COME_UP_SECONDS
        )

    def terminate(self) -> None:
        """Ask it to end, and not its children, who must finish their task."""
        # A start that a signal has cut short is still on its way.
        self.begun.wait(2)
        if self.leader is not None:
            with contextlib.suppress(ProcessLookupError):
                self.child.send_signal(signal.SIGTERM)

    def clear(self) -> None:
        """Kill what is left of its session, so that nothing runs twice."""
        if self.leader is not None:
            kill_session(self.leader)
            self.leader = None
            self.reader.join(1)


class Server(Part):
    """A built-in server; it runs when this is made."""

    def __init__(self, name: str, data_dir: Path, note: Callable[[str], None]):
        super().__init__(name)
        self.data_dir, self.note = data_dir, note
        self.log = embedded.log_of(data_dir, name)
        self.given_up = threading.Event()
        self.starting: threading.Thread | None = None
        self._meet()

    def _meet(self) -> None:
        pid = embedded.running(self.data_dir, self.name)
        self.process = psutil.Process(pid) if pid else None
        self.failure = "ended"
        self.since = time.monotonic()
        self.said_before = self.log.stat().st_size if self.log.exists() else 0

    @property
    def leader(self) -> int | None:
        return self.process.pid if self.process else None

    def start(self) -> None:
        """Start it beside everything else: it may take seconds."""
        self.due, self.process, self.failure = None, None, "did not start"
        # To start is not to live, however long it takes.
        self.since = float("inf")
        self.starting = threading.Thread(
            target=self._start, name=self.name, daemon=True
        )
        self.starting.start()

    def _start(self) -> None:
        only = {name: name == self.name for name in embedded.SERVERS}
        try:
            embedded.start(self.data_dir, **only, given_up=self.given_up)
        except (EmbeddedError, OSError) as error:
            self.failure = str(error).removeprefix(f"{self.name} ")
        else:
            self._meet()
            self.note(f"{self.name} runs again.")

    def is_starting(self) -> bool:
        return self.starting is not None and self.starting.is_alive()

    def serves(self) -> bool:
        """Say whether it runs and has said so."""
        return (
            not self.is_starting()
            and self.process is not None
            and is_alive(self.process)
        )

    def death(self) -> str:
        """Say how it ended, or nothing while it runs or starts."""
        if self.is_starting() or self.serves():
            return ""
        if self.process is None:
            return self.failure
        code = exit_code(self.process.pid)
        if code == -signal.SIGKILL:
            # What its log says last was about something else.
            return in_words(code)
        said = telling_line(self.log, self.said_before) or "nothing"
        return f"{in_words(code)} (its log: {said})"

    def never_came_up(self) -> bool:
        return False

    def clear(self) -> None:
        """Leave that to the start, which knows what may be left."""


def exit_code(pid: int) -> int | None:
    """Return the exit code of a child that has ended, minus the number of a signal."""
    try:
        found, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        # It was there before us.
        return None
    return os.waitstatus_to_exitcode(status) if found else None


def in_words(code: int | None) -> str:
    """Say how a process ended."""
    if code is None:
        return "ended"
    if code >= 0:
        return f"ended by itself with exit code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"


def kill_session(leader: int) -> int:
    """Kill every process of the session this one led, and wait; return how many."""
    return kill_all(
        process for process in psutil.process_iter() if session_of(process) == leader
    )


def session_of(process: psutil.Process) -> int | None:
    """Return the number of the process that leads its session."""
    try:
        return os.getsid(process.pid)
    except (ProcessLookupError, PermissionError):
        return None
