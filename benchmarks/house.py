"""The services the benchmarks run on: PostgreSQL and Valkey of their own."""

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config import embedded
from config.environment import make_secret_key


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def services(data_dir: Path) -> Iterator[None]:
    """Start fresh services and point the environment at them."""
    embedded.stop(data_dir)
    for name in ("postgres", "valkey"):
        shutil.rmtree(data_dir / name, ignore_errors=True)
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o711)
    os.environ |= {
        "DATA_DIR": str(data_dir),
        "DATABASE_URL": embedded.database_url(data_dir),
        # Requests are counted as always, against a limit no load here reaches.
        "RATE_LIMIT_ENTERPRISE": str(10**9),
        "REDIS_URL": embedded.redis_url(data_dir),
        "PUBLIC_BASE_URL": "http://127.0.0.1:8000",
        "ENV_FILE": os.devnull,
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    make_secret_key()
    try:
        embedded.start(data_dir)
        yield
    finally:
        embedded.stop(data_dir)


def superuser_dsn(data_dir: Path, database: str = embedded.ROLE) -> str:
    """Address the database as the one who may change how it logs."""
    return f"host={embedded.socket_dir(data_dir)} user=postgres dbname={database}"


def postmaster_pid(data_dir: Path) -> int:
    pid = (data_dir / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0]
    return int(pid)


def valkey_pid(data_dir: Path) -> int:
    return int((data_dir / "valkey" / "valkey.pid").read_text())
