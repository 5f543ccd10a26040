"""Start a served application as its own processes, and talk to it."""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    """Find a port nobody listens on; granian would share a taken one silently."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(condition: Callable[[], Any], seconds: float = 10) -> Any:
    """Wait for the condition to hold, and return what it gave."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline, f"Not within {seconds} s: {condition}"
        time.sleep(0.01)
    return result


class Server:
    """Granian, started as in production, with workers of its own."""

    def __init__(
        self,
        target: str,
        *,
        workers: int = 1,
        port: int = 0,
        module: str = "granian",
        **environ: str,
    ) -> None:
        self.port = port or free_port()
        # A file, not a pipe: nobody reads while the server runs.
        self.log = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as this)
        # The house's own flags, as in the Procfile.
        self.process = subprocess.Popen(  # noqa: S603
            [
                *(sys.executable, "-m", module),
                *("--interface", "asginl", "--loop", "uvloop", "--no-ws"),
                *("--workers", str(workers)),
                *("--backlog", "4096", "--backpressure", "4096"),
                *("--respawn-failed-workers", "--respawn-interval", "0.5"),
                *("--workers-kill-timeout", "10"),
                *("--host", "127.0.0.1", "--port", str(self.port)),
                target,
            ],
            cwd=ROOT,
            env=os.environ | environ,
            stdout=self.log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def connect(self, timeout: float = 15) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def socket(self, *, buffer: int | None = None) -> socket.socket:
        raw = socket.socket()
        raw.settimeout(15)
        if buffer:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        raw.connect(("127.0.0.1", self.port))
        return raw

    def get(self, path: str, **headers: str) -> tuple[int, bytes]:
        connection = self.connect()
        with contextlib.closing(connection):
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            return response.status, response.read()

    def json(self, path: str) -> dict[str, Any]:
        status, body = self.get(path)
        assert status == 200, body
        return json.loads(body)

    def open(self, path: str, **headers: str) -> http.client.HTTPResponse:
        """Begin to read a response; closing it closes its connection."""
        connection = self.connect()
        connection.request("GET", path, headers={"Connection": "close"} | headers)
        return connection.getresponse()

    def answers(self, path: str = "/health") -> bool:
        assert self.process.poll() is None, self.stop()
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.get(path)[0] == 200
        return False

    def worker_pids(self) -> list[int]:
        children = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        return [
            int(pid)
            for pid in Path(children).read_text().split()
            if b"resource_tracker" not in Path(f"/proc/{pid}/cmdline").read_bytes()
        ]

    def stop(self, signum: int = signal.SIGTERM, seconds: float = 15) -> str:
        """Ask it to stop, and return all it has said."""
        if self.process.poll() is None:
            self.process.send_signal(signum)
        try:
            self.process.wait(seconds)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
        return self.said()

    def said(self) -> str:
        """Return what it has written so far."""
        size = os.fstat(self.log.fileno()).st_size
        return os.pread(self.log.fileno(), size, 0).decode()


@contextlib.contextmanager
def served(target: str, *, ready: str = "/health", **options: Any) -> Iterator[Server]:
    """Serve the application for the length of a block."""
    server = Server(target, **options)
    try:
        until(lambda: server.answers(ready), 30)
        yield server
    finally:
        server.stop()


def resident_bytes(pid: int) -> int:
    """Read a process's own resident memory."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024
