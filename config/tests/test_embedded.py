import os
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote

import psutil
import psycopg
import pytest
import redis

from config import embedded
from config.environment import BASE_DIR
from config.processes import EmbeddedError, is_alive, launch, make_private, pid_of


@pytest.fixture(scope="module")
def data_dir() -> Iterator[Path]:
    # Not tmp_path: its length would leave no room for a socket.
    with tempfile.TemporaryDirectory(prefix="ya-", dir="/tmp") as made:
        yield Path(made) / "data"
        embedded.stop(Path(made) / "data")


@pytest.fixture
def started(data_dir) -> Path:
    embedded.start(data_dir)
    return data_dir


def query(data_dir: Path, statement: str) -> list[tuple]:
    with psycopg.connect(embedded.database_url(data_dir), autocommit=True) as opened:
        cursor = opened.execute(statement)
        return cursor.fetchall() if cursor.description else []


def pids(data_dir: Path) -> tuple[int, int]:
    postgres = int((data_dir / "postgres/postmaster.pid").read_text().split()[0])
    return postgres, int((data_dir / "valkey/valkey.pid").read_text())


def test_addresses_are_a_function_of_the_data_directory():
    short = Path("/srv/ya")
    assert embedded.database_url(short) == (
        "postgresql://youragent@/youragent?host=/srv/ya/run"
    )
    assert embedded.redis_url(short) == "unix:///srv/ya/run/valkey.sock?db=0"


def test_a_long_path_gets_a_short_directory_of_its_own():
    first, second = (Path("/srv") / (name * 100) for name in "ab")
    found = embedded.socket_dir(first)
    assert len(str(found)) < 80
    assert found == embedded.socket_dir(first)
    assert found != embedded.socket_dir(second)
    assert str(found) in unquote(embedded.database_url(first))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://:pw@host:6379/3", "redis://:pw@host:6379/3"),
        ("unix:///run/v.sock?db=2", "redis+socket:///run/v.sock?virtual_host=2"),
        ("unix:///run/v.sock", "redis+socket:///run/v.sock?virtual_host=0"),
    ],
)
def test_celery_has_its_own_word_for_a_socket(url, expected):
    assert embedded.broker_url(url) == expected


@pytest.mark.process
def test_both_servers_lead_sessions_of_their_own(started):
    for pid in pids(started):
        assert os.getsid(pid) == pid


@pytest.mark.process
def test_the_role_may_create_databases_and_nothing_more(started):
    assert query(
        started,
        "SELECT rolname, rolsuper, rolcreatedb, rolcreaterole, rolreplication,"
        " rolbypassrls FROM pg_roles WHERE rolname = current_user",
    ) == [("youragent", False, True, False, False, False)]


@pytest.mark.process
def test_a_new_database_has_vectors_without_being_asked(started):
    query(started, "DROP DATABASE IF EXISTS another")
    query(started, "CREATE DATABASE another")
    url = embedded.database_url(started).replace("/youragent?", "/another?")
    with psycopg.connect(url) as opened:
        found = opened.execute("SELECT '[1,2]'::vector <-> '[1,4]'::vector")
        assert found.fetchone() == (2.0,)


@pytest.mark.process
def test_words_are_compared_in_unicode(started):
    [(lexemes, lowered)] = query(
        started, "SELECT to_tsvector('simple', 'CAFÉ Ü')::text, lower('ÀÉ')"
    )
    assert lexemes == "'café':1 'ü':2"
    assert lowered == "àé"


@pytest.mark.process
def test_nobody_else_can_reach_the_sockets_or_the_data(started):
    for private in ("run", "postgres", "valkey"):
        assert stat.S_IMODE((started / private).stat().st_mode) == 0o700
    assert query(started, "SHOW listen_addresses") == [("",)]


@pytest.mark.process
def test_the_interrupt_of_a_terminal_does_not_reach_them(data_dir):
    embedded.stop(data_dir)
    code = (
        "import os, signal, sys; from config import embedded;"
        "embedded.start(sys.argv[1]); os.killpg(0, signal.SIGINT)"
    )
    subprocess.run(  # noqa: S603
        [sys.executable, "-c", code, str(data_dir)],
        cwd=BASE_DIR,
        start_new_session=True,
        stderr=subprocess.DEVNULL,
    )
    assert query(data_dir, "SELECT 1") == [(1,)]


@pytest.mark.process
def test_what_was_committed_outlives_a_kill(started):
    query(started, "CREATE TABLE IF NOT EXISTS kept (n int)")
    query(started, "TRUNCATE kept")
    with psycopg.connect(embedded.database_url(started), autocommit=True) as writing:
        for number in range(200):
            writing.execute("INSERT INTO kept VALUES (%s)", [number])
        for pid in pids(started):
            os.kill(pid, signal.SIGKILL)
    embedded.start(started)
    assert query(started, "SELECT count(*) FROM kept") == [(200,)]


@pytest.mark.process
def test_a_query_that_outlives_its_server_does_not_hold_up_the_next(started):
    with closing(psycopg.connect(embedded.database_url(started))) as asking:
        orphan = psutil.Process(asking.info.backend_pid)
        asking.pgconn.send_query(b"DO $$ BEGIN LOOP END LOOP; END $$")
        os.kill(pids(started)[0], signal.SIGKILL)
        embedded.start(started)
        assert not is_alive(orphan)
    assert query(started, "SELECT 1") == [(1,)]


@pytest.mark.process
@pytest.mark.timeout(30)  # Half of what an unanswered start is waited for.
def test_a_start_that_is_given_up_leaves_no_process(tmp_path):
    given_up = threading.Event()
    number = tmp_path / "pid"

    def answers() -> bool:
        if number.exists():
            given_up.set()
        return False

    with pytest.raises(EmbeddedError, match="server did not start: no output"):
        launch(
            ["sh", "-c", f"echo $$ > {number}; exec sleep 600"],
            log=tmp_path / "server.log",
            answers=answers,
            given_up=given_up,
        )
    assert not psutil.pid_exists(int(number.read_text()))


@pytest.mark.process
def test_a_stale_pid_file_that_names_another_process_is_no_hindrance(started):
    postgres, valkey = pids(started)
    for pid in (postgres, valkey):
        os.kill(pid, signal.SIGKILL)
    for kept in ("postgres/postmaster.pid", "valkey/valkey.pid"):
        path = started / kept
        rest = path.read_text().split("\n")[1:]
        path.write_text("\n".join([str(os.getpid()), *rest]))
    embedded.start(started)
    assert query(started, "SELECT 1") == [(1,)]
    assert psutil.pid_exists(os.getpid())


@pytest.mark.process
def test_a_second_start_keeps_the_servers_that_run(started):
    before = pids(started)
    embedded.start(started)
    assert pids(started) == before


@pytest.mark.process
def test_redis_keeps_what_it_was_told_over_a_restart(started):
    with redis.Redis.from_url(embedded.redis_url(started)) as client:
        assert client.config_get("appendonly") == {"appendonly": "yes"}
        client.set("kept", "yes")
    embedded.stop(started)
    embedded.start(started)
    with redis.Redis.from_url(embedded.redis_url(started)) as client:
        assert client.get("kept") == b"yes"


@pytest.mark.process
def test_stopping_leaves_no_process(started):
    found = [psutil.Process(pid) for pid in pids(started)]
    found += [child for each in found for child in each.children(recursive=True)]
    embedded.stop(started)
    assert [each for each in found if is_alive(each)] == []


def test_a_pid_file_is_believed_only_for_that_very_server(tmp_path):
    mine = tmp_path / "pid"
    mine.write_text(str(os.getpid()))
    assert pid_of(mine, "python", "no such argument") is None
    assert pid_of(tmp_path / "missing", "python", "") is None
    mine.write_text("not a number")
    assert pid_of(mine, "python", "") is None


def test_a_socket_directory_of_someone_else_is_refused(tmp_path):
    link = tmp_path / "link"
    link.symlink_to(tmp_path)
    with pytest.raises(EmbeddedError, match="belongs to someone else"):
        make_private(link, None)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a directory away")
def test_a_directory_of_another_user_is_refused(tmp_path):
    made = tmp_path / "theirs"
    made.mkdir()
    os.chown(made, 4242, 4242)
    with pytest.raises(EmbeddedError, match="belongs to someone else"):
        make_private(made, None)
