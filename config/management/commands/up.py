import fcntl
import os
import signal
import sys
import time
from argparse import BooleanOptionalAction
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand

from config import embedded, preparation
from config.database import disconnect
from config.environment import BASE_DIR
from config.preparation import NotReady
from config.processes import EmbeddedError
from config.supervisor import FIRST, GaveUp, Supervisor, end_leftovers

READY_SECONDS = 60
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """A signal asked us to end."""


class Command(BaseCommand):
    help = "Start everything: servers, tables, web, workers. Ctrl-C stops it again."
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument("--host", default=os.environ.get("HOST") or "127.0.0.1")
        parser.add_argument(
            "--port", type=int, default=os.environ.get("PORT") or "8000"
        )
        parser.add_argument(
            "--demo",
            action=BooleanOptionalAction,
            help="load the Harbor Coffee demo (by default into the built-in database)",
        )

    def handle(self, *, host, port, demo, **options):
        begun = time.monotonic()
        self.data_dir = Path(settings.DATA_DIR).resolve()
        self.built_in = {
            "postgres": not os.environ.get("DATABASE_URL"),
            "valkey": not os.environ.get("REDIS_URL"),
        }
        with_demo = self.built_in["postgres"] if demo is None else demo
        environment = self.environment(host, port)
        try:
            with ExitStack() as stack:
                self.catch_signals()
                stack.enter_context(self.only_one())
                preparation.check_port(host, port)
                stack.callback(self.stop_servers)
                sign_in = self.prepare(environment, with_demo)
                supervisor = Supervisor(
                    BASE_DIR / "Procfile",
                    environment,
                    self.data_dir,
                    [name for name, ours in self.built_in.items() if ours],
                )
                stack.callback(supervisor.stop)
                stack.callback(self.ignore_signals)
                self.start(supervisor, environment)
                self.welcome(environment["PUBLIC_BASE_URL"], sign_in, begun)
                supervisor.note_memory()
                supervisor.watch()
        except (NotReady, EmbeddedError, GaveUp) as error:
            sys.exit(str(error))
        except Stopped:
            self.say("Stopped.")

    # --- Signals ------------------------------------------------------------

    def catch_signals(self) -> None:
        """Turn a signal into an exception, wherever we are."""

        def stop(number, frame):
            self.ignore_signals()
            raise Stopped

        for number in SIGNALS:
            signal.signal(number, stop)

    def ignore_signals(self) -> None:
        """From here on we are stopping, and a second Ctrl-C changes nothing."""
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)

    # --- Before -------------------------------------------------------------

    @contextmanager
    def only_one(self):
        """Hold the data directory, and end what a killed start has left."""
        self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o711)
        with (self.data_dir / "up.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise NotReady(
                    f"YourAgent already runs with {self.data_dir}."
                ) from None
            end_leftovers(self.data_dir)
            yield

    def environment(self, host: str, port: int) -> dict[str, str]:
        """Build what the processes see."""
        shown = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104
        return {
            "PUBLIC_BASE_URL": f"http://{shown}:{port}",
            "WEB_CONCURRENCY": "2",
            **os.environ,
            "HOST": host,
            "PORT": str(port),
            "PATH": os.pathsep.join(
                [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
            ),
            "PYTHONUNBUFFERED": "1",
        }

    def prepare(self, environment: dict[str, str], with_demo: bool) -> str:
        """Make servers, tables, static files and the demo ready."""
        if any(self.built_in.values()):
            embedded.start(self.data_dir, **self.built_in)
        preparation.check_servers()
        if preparation.migrate():
            self.say("The database is up to date.")
        preparation.collect_static()
        demo = preparation.load_demo(self.data_dir, environment) if with_demo else ""
        first_door = preparation.first_door(environment["PUBLIC_BASE_URL"])
        # Connections do not belong to the processes that follow.
        disconnect()
        return first_door or demo

    # --- While it runs ------------------------------------------------------

    def start(self, supervisor: Supervisor, environment: dict[str, str]) -> None:
        """Start the web first, and once it answers the rest."""
        supervisor.start([FIRST])
        deadline = time.monotonic() + READY_SECONDS
        while not self.answers(environment["HOST"], environment["PORT"]):
            supervisor.hear(0.05)
            if supervisor.processes[FIRST].death() or time.monotonic() > deadline:
                raise NotReady("The web process did not start; see the lines above.")
        supervisor.start(name for name in supervisor.processes if name != FIRST)

    def answers(self, host: str, port: str) -> bool:
        """Ask the web process whether it lives."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
        asking = HTTPConnection(host, int(port), timeout=2)
        try:
            asking.request("GET", "/health/live")
            # A redirect to https, or a host it does not serve, is an answer too.
            return asking.getresponse().status < 500
        except (OSError, HTTPException):
            return False
        finally:
            asking.close()

    def welcome(self, address: str, sign_in: str, begun: float) -> None:
        """Say where it is and how to come in."""
        self.say(f"\n  YourAgent   {address}   ({time.monotonic() - begun:.1f} s)")
        for line in sign_in.splitlines():
            self.say(f"  {line}")
        self.say(f"  API key     sign in, then {address}/api-keys/ and Create")
        self.say(f"  API         {address}/docs")
        self.say("  Stop        Ctrl-C\n")

    # --- After --------------------------------------------------------------

    def stop_servers(self) -> None:
        """Stop the built-in servers, Valkey first."""
        self.ignore_signals()
        if any(self.built_in.values()):
            embedded.stop(self.data_dir)

    def say(self, text: str) -> None:
        """Print, unless the terminal has gone away."""
        try:
            self.stdout.write(text)
            self.stdout.flush()
        except OSError:
            return
