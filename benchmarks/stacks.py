"""The three applications that are compared, each served by granian alike."""

import contextlib
import http.client
import os
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.processes import proportional_megabytes

ROOT = Path(__file__).resolve().parent.parent
PEERS = ROOT / "benchmarks" / "peers"
WORKERS = 2
START_SECONDS = 60
OURS, REFERENCE, CEILING = "YourAgent", "FastAPI reference", "raw ceiling"
TARGETS = {
    OURS: "config.asgi:application",
    REFERENCE: "benchmarks.peers.reference:app",
    CEILING: "benchmarks.peers.ceiling:app",
}


class Stack:
    """One application on a port of its own."""

    def __init__(self, name: str, port: int, python: Path, kept: Path) -> None:
        self.name = name
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.log = kept / f"{TARGETS[name].split(':')[0]}.log"
        self.started = time.monotonic()
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [
                    *(python, "-m", "config.serve" if name == OURS else "granian"),
                    *("--interface", "asginl", "--loop", "uvloop", "--no-ws"),
                    *("--workers", str(WORKERS), "--host", "127.0.0.1"),
                    *("--port", str(port), "--backlog", "4096"),
                    *("--backpressure", "4096", "--respawn-failed-workers"),
                    *("--respawn-interval", "0.5", "--workers-kill-timeout", "10"),
                    *("--log-level", "warning", TARGETS[name]),
                ],
                cwd=ROOT,
                env=os.environ,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def fetch(
        self, path: str, key: str = "", *, body: bytes | None = None
    ) -> tuple[int, bytes]:
        """Ask once, on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        with contextlib.closing(connection):
            headers = {"X-API-Key": key, "Content-Type": "application/json"}
            method = "GET" if body is None else "POST"
            connection.request(method, path, body=body, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read()

    def wait(self, path: str, key: str = "") -> float:
        """Wait for the first good answer, and return its time since the start."""
        while (taken := time.monotonic() - self.started) < START_SECONDS:
            with contextlib.suppress(OSError):
                status, body = self.fetch(path, key)
                if status == 200:
                    return time.monotonic() - self.started
                raise RuntimeError(f"{self.name}: {status} {body[:500]!r}")
            if self.process.poll() is not None:
                break
            time.sleep(0.005)
        said = self.log.read_text()[-2000:]
        raise RuntimeError(f"{self.name} does not answer after {taken:.0f} s: {said}")

    @property
    def megabytes(self) -> float:
        return proportional_megabytes(self.process.pid)

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def peers_python(kept: Path) -> Path:
    """Return the reference's own interpreter, its packages installed."""
    home = kept / "peers"
    python = home / "bin" / "python"
    wanted = (PEERS / "requirements.txt").read_text()
    stamp = home / "installed.txt"
    if stamp.is_file() and stamp.read_text() == wanted:
        return python
    print("Installing the reference's packages.")
    subprocess.run([sys.executable, "-m", "venv", "--clear", home], check=True)
    install = [python, "-m", "pip", "install", "--quiet", "--requirement"]
    subprocess.run([*install, PEERS / "requirements.txt"], check=True)
    stamp.write_text(wanted)
    return python
