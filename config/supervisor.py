"""Run the Procfile's processes together, and end them together in order.

What dies is started again, and so are the built-in servers.
"""

import contextlib
import queue
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import NoReturn

import orjson
import psutil
from honcho.colour import get_colours
from honcho.environ import parse_procfile
from honcho.printer import Message, Printer

from config import memory
from config.supervised import Events, Part, Process, Server, kill_session

# What visitors reach ends first, so that nothing new comes in behind it.
FIRST = "web"
KIND_SECONDS = 15


class GaveUp(Exception):
    """Something does not stay alive; the message is one line."""


class Supervisor:
    """The processes of one Procfile, and the built-in servers of a data directory."""

    def __init__(
        self,
        procfile: Path,
        environment: Mapping[str, str],
        data_dir: Path,
        servers: Iterable[str] = (),
    ):
        commands = parse_procfile(procfile.read_text()).processes
        colours = get_colours()
        self.events: Events = queue.Queue()
        self.processes = {
            name: Process(
                name,
                command,
                colour=next(colours),
                events=self.events,
                environment=dict(environment),
                folder=procfile.parent,
            )
            for name, command in commands.items()
        }
        self.servers = [Server(name, data_dir, self.note) for name in servers]
        self.kept = kept(data_dir)
        self.printer: Printer | None = Printer(sys.stdout)
        self.printer.width = max(map(len, commands))

    @property
    def parts(self) -> list[Part]:
        return [*self.servers, *self.processes.values()]

    # --- While it runs ------------------------------------------------------

    def start(self, names: Iterable[str]) -> None:
        """Start these processes."""
        for name in names:
            self.processes[name].start()
        self.remember()

    def watch(self) -> NoReturn:
        """Print what they say and start again what dies; GaveUp if that is no use."""
        while True:
            waits = any(part.due is not None for part in self.parts)
            self.hear(0.1 if waits else 0.5)
            self.revive()

    def revive(self) -> None:
        """Say what has died, and start again what has waited long enough."""
        for part in self.parts:
            if part.due is None and (why := part.death()):
                self.bury(part, why)
        self.start_due(self.servers)
        # A process without its server would likely die once more.
        if all(server.serves() for server in self.servers):
            self.start_due(self.processes.values())

    def bury(self, part: Part, why: str) -> None:
        """Clear away what is left of it, and say when it starts again."""
        part.clear()
        if part.never_came_up():
            raise GaveUp(f"The process {part.name!r} {why}; see the lines above.")
        seconds = part.wait()
        if part.deaths.too_many:
            raise GaveUp(
                f"{part.name} {why}: its fifth death within a minute, which ends all."
            )
        self.note(f"{part.name} {why}. It starts again in {seconds:g} s.")

    def start_due(self, parts: Iterable[Part]) -> None:
        """Start again those whose pause is over."""
        for part in parts:
            if part.due is not None and part.due <= time.monotonic():
                part.start()
                self.remember()

    def hear(self, seconds: float) -> bool:
        """Print a line, waiting at most so long; return whether there was any."""
        try:
            message = self.events.get(timeout=seconds)
        except queue.Empty:
            return False
        if message is not None:
            self.say(message)
        return True

    def say(self, message: Message) -> None:
        """Print it, unless the terminal has gone away."""
        if self.printer is not None:
            try:
                self.printer.write(message)
            except OSError:
                self.printer = None

    def note(self, text: str) -> None:
        """Print a line of our own, behind what was said before; from any thread."""
        self.events.put(Message("line", text, datetime.now(), "up", None))

    def note_memory(self) -> None:
        """Print what all hold, once that no longer grows."""
        threading.Thread(target=self._note_memory, name="memory", daemon=True).start()

    def _note_memory(self) -> None:
        def names() -> dict[int, str]:
            return {part.leader: part.name for part in self.parts if part.leader}

        if line := memory.settled(names):
            self.note(line)

    # --- The end ------------------------------------------------------------

    def stop(self) -> None:
        """End what visitors reach, then everything else; insist after a while."""
        processes = self.processes.values()
        self.end([process for process in processes if process.name == FIRST])
        self.end([process for process in processes if process.name != FIRST])
        for server in self.servers:
            server.given_up.set()
        self.kept.unlink(missing_ok=True)

    def end(self, processes: list[Process]) -> None:
        """End these and whatever they started."""
        for process in processes:
            process.terminate()
        deadline = time.monotonic() + KIND_SECONDS
        while any(process.leader and not process.death() for process in processes):
            if time.monotonic() > deadline:
                break
            self.hear(0.1)
        for process in processes:
            process.clear()
        while self.hear(0):
            pass

    def remember(self) -> None:
        """Write down what runs, for a start after this one was killed."""
        found = {}
        for process in self.processes.values():
            if process.leader is not None:
                with contextlib.suppress(psutil.NoSuchProcess):
                    created = psutil.Process(process.leader).create_time()
                    found[str(process.leader)] = created
        aside = self.kept.with_suffix(".new")
        aside.write_bytes(orjson.dumps(found))
        aside.rename(self.kept)


def kept(data_dir: Path) -> Path:
    """Name the file of what runs."""
    return data_dir / "up.json"


def end_leftovers(data_dir: Path) -> int:
    """End what a supervisor that was killed has left; return how many."""
    try:
        sessions = orjson.loads(kept(data_dir).read_bytes())
    except (FileNotFoundError, ValueError):
        return 0
    count = 0
    for pid, created in sessions.items():
        try:
            # The number may by now be another's, who then leads a new session.
            if abs(psutil.Process(int(pid)).create_time() - created) > 1:
                continue
        except psutil.NoSuchProcess:
            pass
        count += kill_session(int(pid))
    kept(data_dir).unlink(missing_ok=True)
    return count
