"""What must be true before the processes start; each failure is one clear line."""

import hashlib
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import psycopg
import redis
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.checks import Tags, run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command, get_commands
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from accounts.sign_in.first_owner import AlreadySetUp, OtherDatabase, issue_setup_code
from config import heartbeat
from config.database import probe
from config.environment import BASE_DIR


class NotReady(Exception):
    """YourAgent cannot start; the message says why in one line."""


def check_port(host: str, port: int) -> None:
    """Refuse a taken port, which the server would silently share."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((host, port))
        except OSError as error:
            raise NotReady(
                f"Port {port} of {host} cannot be used ({error.strerror});"
                " choose another with --port."
            ) from error


def check_servers() -> None:
    """Refuse to start without a database and a Redis that answer."""
    entry = settings.DATABASES["default"]
    where = entry["HOST"] or "this machine"
    try:
        with probe() as opened:
            opened.execute("SELECT 1")
    except (psycopg.Error, ImproperlyConfigured) as error:
        # The class and the place: the message may quote the address.
        raise NotReady(
            f"The database {entry['NAME']!r} at {where} does not answer"
            f" ({type(error).__name__}); check DATABASE_URL."
        ) from error
    try:
        with heartbeat.connect() as client:
            client.ping()
    except redis.RedisError as error:
        raise NotReady(
            f"Redis does not answer ({type(error).__name__}); check REDIS_URL."
        ) from error


def migrate() -> bool:
    """Bring the tables up to date; return whether there was anything to do."""
    executor = MigrationExecutor(connection)
    if not executor.migration_plan(executor.loader.graph.leaf_nodes()):
        return False
    for found in run_checks(tags=[Tags.database], databases=["default"]):
        if found.is_serious():
            raise NotReady(f"{found.msg} {found.hint}")
    call_command("migrate", interactive=False, verbosity=0)
    return True


def collect_static() -> bool:
    """Collect static files if any has changed; return whether one had."""
    digest = hashlib.sha256()
    for finder in get_finders():
        for path, storage in finder.list([]):
            found = os.stat(storage.path(path))
            digest.update(f"{path}|{found.st_size}|{found.st_mtime_ns}\n".encode())
    fingerprint = Path(settings.STATIC_ROOT) / ".fingerprint"
    if fingerprint.is_file() and fingerprint.read_text() == digest.hexdigest():
        return False
    call_command("collectstatic", interactive=False, verbosity=0, clear=True)
    fingerprint.write_text(digest.hexdigest())
    return True


def first_door(address: str) -> str:
    """Return how the first owner is made, or nothing once there is one."""
    try:
        code = issue_setup_code()
    except AlreadySetUp:
        return ""
    except OtherDatabase as error:
        return f"Set up      refused: {error.detail}"
    return f"Set up      {address}/setup/   code {code}"


def load_demo(data_dir: Path, environment: Mapping[str, str]) -> str:
    """Load the demo once, and return how to sign in to it."""
    kept = data_dir / "demo.txt"
    if not kept.is_file():
        if "demo" not in get_commands():
            return ""
        loaded = subprocess.run(
            [sys.executable, "manage.py", "demo"],
            cwd=BASE_DIR,
            env=dict(environment),
            capture_output=True,
            text=True,
        )
        if loaded.returncode:
            why = (loaded.stderr.strip() or "no output").splitlines()[-1]
            raise NotReady(f"The demo could not be loaded: {why}")
        with os.fdopen(os.open(kept, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(loaded.stdout)
    return kept.read_text().strip()
