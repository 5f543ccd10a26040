"""Starting, finding and ending the built-in servers' processes."""

import contextlib
import os
import platform
import re
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import psutil

START_SECONDS = 60
STOP_SECONDS = 30
KILL_SECONDS = 15
LAST_BYTES = 1000
SERVER_USER = "pgserver"
SYSTEM_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])

# What a server writes of its end.
TELLING = re.compile("PANIC|FATAL|rror")


class EmbeddedError(Exception):
    """A built-in server could not be started; the message is one line."""


class Owner(NamedTuple):
    """The user and group PostgreSQL runs as when we are root."""

    uid: int
    gid: int


def launch(
    command: list[str],
    *,
    log: Path,
    answers: Callable[[], bool],
    given_up: threading.Event,
    owner: Owner | None = None,
) -> None:
    """Start a server in a session of its own, so that Ctrl-C does not reach it."""
    with log.open("ab") as output:
        begin = output.tell()
        server = subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            cwd="/",
            env=plain_environment(),
            **run_as(owner),
        )
    if not _answered(server, answers, given_up):
        raise _not_started(log, begin)
    # It outlives this object; without this, collecting it would warn.
    server.returncode = 0


def _answered(
    server: subprocess.Popen, answers: Callable[[], bool], given_up: threading.Event
) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None:
        if answers():
            return True
        if given_up.wait(0.02) or time.monotonic() > deadline:
            server.kill()
            server.wait()
    return False


def already_answers(
    pid: Callable[[], int | None],
    answers: Callable[[], bool],
    log: Path,
    given_up: threading.Event,
) -> bool:
    """Wait for a server that runs; say no when there is none, or it goes away."""
    deadline = time.monotonic() + START_SECONDS
    while pid():
        if answers():
            return True
        if given_up.wait(0.05) or time.monotonic() > deadline:
            raise _not_started(log)
    return False


def _not_started(log: Path, begin: int = 0) -> EmbeddedError:
    said = telling_line(log, begin) or "no output"
    return EmbeddedError(f"{log.stem} did not start: {said} (all of it: {log})")


def telling_line(log: Path, begin: int) -> str:
    """Pick the line that says what went wrong of what a log got since, if anything."""
    try:
        with log.open("rb") as file:
            # Further up are other matters: each statement that failed, for example.
            file.seek(max(begin, os.fstat(file.fileno()).st_size - LAST_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    return last_line(text) if text.strip() else ""


def last_line(text: str) -> str:
    """Pick the line of a log that says what went wrong."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if TELLING.search(line)]
    return (telling or lines or ["no output"])[-1]


def pid_of(pid_file: Path, program: str, argument: str) -> int | None:
    """Read a pid file, and believe it only if that process is this very server."""
    import psutil

    with contextlib.suppress(OSError, ValueError, IndexError, psutil.Error):
        process = psutil.Process(int(pid_file.read_text().split()[0]))
        line = process.cmdline()
        if process.status() == psutil.STATUS_ZOMBIE or not line:
            return None
        # Valkey rewrites its command line: "valkey-server unixsocket:/path".
        if program in line[0] and any(argument in word for word in line):
            return process.pid
    return None


def end(pid: int, kindly: signal.Signals, surely: signal.Signals) -> None:
    """Ask a process to end, wait, and insist if it does not."""
    import psutil

    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for word in (kindly, surely):
            process.send_signal(word)
            deadline = time.monotonic() + STOP_SECONDS
            # A zombie has ended: its parent, perhaps a slow init, has yet to notice.
            while process.status() != psutil.STATUS_ZOMBIE:
                if time.monotonic() > deadline:
                    break
                time.sleep(0.02)
            else:
                return


def end_orphans(program: str, folder: Path) -> None:
    """Kill what a server that was killed has left at work in its folder."""
    import psutil

    kill_all(
        process
        for process in psutil.process_iter(["name", "cwd"])
        if process.info["name"] == program and process.info["cwd"] == str(folder)
    )


def kill_all(processes: Iterable["psutil.Process"]) -> int:
    """Kill these and wait until they are gone; return how many there were."""
    import psutil

    killed = []
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.kill()
            killed.append(process)
    deadline = time.monotonic() + KILL_SECONDS
    while any(map(is_alive, killed)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return len(killed)


def is_alive(process: "psutil.Process") -> bool:
    """Say whether it still runs; a zombie does not."""
    import psutil

    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def plain_environment() -> dict[str, str]:
    """Keep the servers from what they do not need."""
    # The environment may hold PG* variables and secrets: the servers need neither.
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def run_as(owner: Owner | None) -> dict[str, Any]:
    """Arguments for subprocess to become this user."""
    if owner is None:
        return {}
    return {"user": owner.uid, "group": owner.gid, "extra_groups": []}


def server_owner(data_dir: Path, programs: Path) -> Owner | None:
    """Name the user PostgreSQL runs as: ours, or its own when we are root."""
    if os.geteuid() != 0:
        return None
    import pwd

    try:
        entry = pwd.getpwnam(SERVER_USER)
    except KeyError:
        _add_user()
        entry = pwd.getpwnam(SERVER_USER)
    for folder in [data_dir, *data_dir.parents, *programs.parents]:
        _open(folder, stat.S_IXOTH)
    _make_readable(programs)
    _make_readable(programs.parent.with_name(f"{programs.parent.name}.libs"))
    return Owner(entry.pw_uid, entry.pw_gid)


def _add_user() -> None:
    useradd = shutil.which("useradd", path=SYSTEM_PATH)
    if platform.system() != "Linux" or not useradd:
        raise EmbeddedError("PostgreSQL refuses to run as root; use an ordinary user.")
    subprocess.run(  # noqa: S603
        [useradd, "--system", "--user-group", "--shell", "/bin/false", SERVER_USER],
        check=True,
        capture_output=True,
    )


def _open(folder: Path, bits: int) -> None:
    """Let others pass a directory, which is less than letting them list it."""
    mode = stat.S_IMODE(folder.stat().st_mode)
    if mode & bits == bits:
        return
    folder.chmod(mode | bits)
    print(  # noqa: T201
        f"Running as root: PostgreSQL runs as {SERVER_USER}, so other users may now"
        f" pass through {folder}.",
        file=sys.stderr,
    )


def _make_readable(programs: Path) -> None:
    if not programs.is_dir() or programs.stat().st_mode & stat.S_IROTH:
        return
    for path in [programs, *programs.rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        may_run = stat.S_IXOTH if mode & stat.S_IXUSR else 0
        path.chmod(mode | stat.S_IROTH | may_run)


def make_private(folder: Path, owner: Owner | None) -> None:
    """Make a directory only its owner may enter, and refuse anyone else's."""
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in _trusted(owner):
        raise EmbeddedError(f"{folder} belongs to someone else; remove it.")
    if owner is not None:
        os.chown(folder, *owner)
    folder.chmod(0o700)


def _trusted(owner: Owner | None) -> set[int]:
    """Name who may have made our directories: us, and PostgreSQL's user if root."""
    if owner is not None:
        return {os.geteuid(), owner.uid}
    if os.geteuid() != 0:
        return {os.geteuid()}
    import pwd

    return {0} | {each.pw_uid for each in pwd.getpwall() if each.pw_name == SERVER_USER}
