"""Flowise as a peer: `python -m benchmarks --flowise DIR`, where it is installed.

It is too large (3 GB) to be installed on the way. In an empty folder DIR:

    npm install flowise@3.1.4 --ignore-scripts

`--ignore-scripts`, because one of its packages asks a server for a prebuilt part that
these requests do not need. It runs on the benchmarks' PostgreSQL, in a database of its
own, as one process, as its own documentation starts it. Its clients carry a browser's
session: an API key costs it a slow hash at every request, about ten times as much.
"""

import contextlib
import http.client
import json
import os
import subprocess
import time
from http.cookies import SimpleCookie
from pathlib import Path

import psycopg

from benchmarks.house import superuser_dsn
from benchmarks.load import Load
from benchmarks.processes import proportional_megabytes
from config import embedded

FLOWISE = "Flowise 3.1.4"
# As many as were there when its figures were first recorded; 27 KB for a list of 50.
FLOWS = 60
START_SECONDS = 120
ACCOUNT = {"email": "ada@example.com", "password": "Passw0rd!x"}
NEW_FLOW = json.dumps(
    {
        "name": "Benchmark %d",
        "flowData": json.dumps({"nodes": [], "edges": []}),
        "deployed": False,
        "isPublic": False,
        "type": "CHATFLOW",
    }
)


class Flowise:
    """A running Flowise with an account and flows."""

    name = FLOWISE

    def __init__(self, home: Path, port: int, data_dir: Path) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.headers = {
            "Content-Type": "application/json",
            "x-request-from": "internal",
        }
        make_database(data_dir)
        environment = os.environ | {
            "DATABASE_TYPE": "postgres",
            "DATABASE_HOST": str(embedded.socket_dir(data_dir)),
            "DATABASE_USER": embedded.ROLE,
            "DATABASE_NAME": "flowise",
            "DATABASE_PASSWORD": "unused",
            "PORT": str(port),
            "APP_URL": self.url,
            "HOME": str(data_dir / "flowise"),
            "DISABLE_FLOWISE_TELEMETRY": "true",
            "LOG_LEVEL": "error",
        }
        self.log = data_dir / "flowise.log"
        self.started = time.monotonic()
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [home / "node_modules" / ".bin" / "flowise", "start"],
                cwd=home,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def ask(
        self, method: str, path: str, body: object = None
    ) -> http.client.HTTPMessage:
        """Ask once, and return the answer's headers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        with contextlib.closing(connection):
            sent = None if body is None else json.dumps(body)
            connection.request(method, f"/api/v1{path}", sent, self.headers)
            answer = connection.getresponse()
            said = answer.read()
            if answer.status >= 400:
                raise RuntimeError(f"Flowise: {answer.status} {said[:500]!r}")
            return answer.headers

    def prepare(self) -> None:
        """Wait until it answers, make an account, sign in and make the flows."""
        self._wait()
        user = {"name": "Ada", "email": ACCOUNT["email"]}
        secret = {"credential": ACCOUNT["password"]}
        self.ask("POST", "/account/register", {"user": user | secret})
        signed_in = self.ask("POST", "/auth/login", ACCOUNT)
        cookies = SimpleCookie()
        for line in signed_in.get_all("Set-Cookie", []):
            cookies.load(line)
        self.headers["Cookie"] = "; ".join(
            f"{name}={morsel.coded_value}" for name, morsel in cookies.items()
        )
        for number in range(FLOWS):
            self.ask("POST", "/chatflows", json.loads(NEW_FLOW % number))

    def _wait(self) -> None:
        while time.monotonic() - self.started < START_SECONDS:
            with contextlib.suppress(OSError):
                self.ask("GET", "/ping")
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.2)
        raise RuntimeError(f"Flowise does not answer: {self.log.read_text()[-2000:]}")

    @property
    def list_load(self) -> Load:
        path = "/api/v1/chatflows?page=1&limit=50"
        return Load("GET", [path], [""], headers=self.headers)

    @property
    def create_load(self) -> Load:
        path = "/api/v1/chatflows"
        return Load("POST", [path], [""], NEW_FLOW, headers=self.headers)

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


def make_database(data_dir: Path) -> None:
    """Make an empty database, with the one function of an extension it asks for."""
    with psycopg.connect(superuser_dsn(data_dir, "postgres"), autocommit=True) as admin:
        admin.execute("DROP DATABASE IF EXISTS flowise WITH (FORCE)")
        admin.execute(f"CREATE DATABASE flowise OWNER {embedded.ROLE}")
    with psycopg.connect(superuser_dsn(data_dir, "flowise"), autocommit=True) as own:
        own.execute(
            "CREATE FUNCTION uuid_generate_v4() RETURNS uuid LANGUAGE sql"
            " AS 'SELECT gen_random_uuid()'"
        )
