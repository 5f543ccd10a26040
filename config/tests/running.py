"""Run `bin/up` as a user does, and look at every process it has."""

import http.client
import json
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg

from config import embedded
from config.celery import app
from config.embedded import broker_url
from config.environment import BASE_DIR
from config.tests.serving import free_port, until

READY_SECONDS = 90
END_SECONDS = 60


class Up:
    """One `bin/up`, its output and its processes."""

    def __init__(self, data_dir: Path, *options: str, **popen) -> None:
        self.data_dir = data_dir
        self.port = free_port()
        self.lines: list[str] = []
        self.begun = time.monotonic()
        variables = popen.pop("env", {})
        popen.setdefault("stdin", subprocess.DEVNULL)
        popen.setdefault("stdout", subprocess.PIPE)
        self.process = subprocess.Popen(  # noqa: S603
            [BASE_DIR / "bin/up", "--port", str(self.port), *options],
            stderr=subprocess.STDOUT,
            env={
                **os.environ,
                "DATA_DIR": str(data_dir),
                "REDIS_URL": "",
                **variables,
            },
            **popen,
        )
        if self.process.stdout:
            self.reader = threading.Thread(target=self._read, daemon=True)
            self.reader.start()

    def _read(self) -> None:
        for line in self.process.stdout:
            self.lines.append(line.decode(errors="replace").rstrip())

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def wait_until_ready(self) -> float:
        """Wait for the address to be printed; return the seconds it took."""
        until(
            lambda: "Ctrl-C" in self.output or self.process.poll() is not None,
            READY_SECONDS,
        )
        assert self.process.poll() is None, self.output
        return time.monotonic() - self.begun

    def wait(self) -> int:
        """Wait for the end; return the exit code."""
        code = self.process.wait(END_SECONDS)
        if self.process.stdout:
            self.reader.join(END_SECONDS)
        return code

    def status(self, path: str, headers: dict[str, str]) -> int:
        asking = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            asking.request("GET", path, headers=headers)
            return asking.getresponse().status
        finally:
            asking.close()

    def health(self, path: str = "/health") -> tuple[int, dict]:
        asking = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            asking.request("GET", path)
            answer = asking.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            asking.close()

    def wait_for_health(self, status: str) -> dict:
        return until(lambda: (b := self.health()[1])["status"] == status and b, 30)

    def family(self) -> dict[str, list[psutil.Process]]:
        """Every process there is because of this one, by what it does."""
        kinds = {"up": [], "web": [], "workers": [], "valkey": [], "postgres": []}
        for process in psutil.process_iter():
            try:
                if kind := self._kind(process):
                    kinds[kind].append(process)
            except psutil.Error:
                continue
        return kinds

    def _kind(self, process: psutil.Process) -> str:
        if process.status() == psutil.STATUS_ZOMBIE:
            return ""
        line = " ".join(process.cmdline())
        for kind, parent in (("postgres", "bin/postgres"), ("valkey", "valkey-server")):
            of_mine = str(self.data_dir) in line and parent in line
            if of_mine or (kind == "postgres" and self._is_backend(process)):
                return kind
        if process.environ().get("DATA_DIR") != str(self.data_dir):
            return ""
        for kind, word in (("web", "config.serve"), ("workers", "celery")):
            if word in line:
                return kind
        return "up"

    def _is_backend(self, process: psutil.Process) -> bool:
        return process.name() == "postgres" and process.cwd().startswith(
            str(self.data_dir)
        )

    def leaders(self, word: str) -> list[psutil.Process]:
        """Return the workers with this word that others' children belong to."""
        return [
            process
            for process in self.family()["workers"]
            if word in process.cmdline() and os.getsid(process.pid) == process.pid
        ]

    def do_some_work(self) -> None:
        """Wait until a task that is sent now has been done."""
        with psycopg.connect(
            embedded.database_url(self.data_dir), autocommit=True
        ) as db:
            db.execute(
                "INSERT INTO django_session (session_key, session_data, expire_date)"
                " VALUES ('expired', '', '2001-01-01 00:00:00+00')"
            )
            url = broker_url(embedded.redis_url(self.data_dir))
            with app.connection_for_write(url) as connection:
                app.send_task(
                    "accounts.tasks.forget_expired_sessions", connection=connection
                )
            until(
                lambda: db.execute("SELECT FROM django_session").fetchone() is None, 30
            )

    def left(self) -> list[psutil.Process]:
        return [process for kind in self.family().values() for process in kind]


@contextmanager
def a_data_directory() -> Iterator[Path]:
    """Make a data directory whose sockets have short names."""
    with tempfile.TemporaryDirectory(prefix="ya-") as made:
        data_dir = Path(made).resolve() / "data"
        try:
            yield data_dir
        finally:
            embedded.stop(data_dir)


@contextmanager
def running(data_dir: Path, *options: str, **popen) -> Iterator[Up]:
    """Run `bin/up` until the block ends, and leave nothing behind."""
    up = Up(data_dir, *options, **popen)
    try:
        yield up
    finally:
        if up.process.poll() is None:
            up.process.send_signal(signal.SIGTERM)
            try:
                up.wait()
            except subprocess.TimeoutExpired:
                up.process.kill()
                up.process.wait()
        for process in up.left():
            process.kill()
