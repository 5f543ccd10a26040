import fcntl
import os
import signal
import socket
import subprocess
import termios
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from accounts.models.api_keys import generate_key
from config import embedded
from config.environment import BASE_DIR
from config.tests.running import Up, a_data_directory, running
from config.tests.serving import free_port

pytestmark = [pytest.mark.process, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def data_dir():
    """A data directory in which everything was started once, and ended by TERM."""
    with a_data_directory() as made:
        with running(made, "--no-demo") as up:
            up.wait_until_ready()
            up.process.terminate()
            assert up.wait() == 0
            assert up.left() == []
        yield made


@pytest.fixture(scope="class")
def up(data_dir):
    with running(data_dir, "--no-demo") as started:
        started.seconds = started.wait_until_ready() / slowdown()
        yield started


def connections(db: psycopg.Connection) -> int:
    with db.transaction():
        return db.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE usename = current_user"
        ).fetchone()[0]


def slowdown() -> float:
    """How many times longer than on an idle machine work takes now."""
    wall, cpu = time.perf_counter(), time.process_time()
    while time.process_time() - cpu < 0.3:
        sum(range(1000))
    return max(1, (time.perf_counter() - wall) / 0.3)


class TestWhileItRuns:
    def test_a_later_start_takes_less_than_five_seconds(self, up):
        assert up.seconds < 5

    def test_it_says_where_it_is_and_how_to_get_a_key(self, up):
        for told in (up.address, f"{up.address}/docs", "API key", "Ctrl-C"):
            assert told in up.output

    def test_all_parts_work_together(self, up):
        body = up.wait_for_health("healthy")
        assert {found["status"] for found in body["components"]} == {"healthy"}
        assert all(up.family().values())

    def test_many_requests_at_once_stay_within_the_pools(self, up):
        def ask(_) -> int:
            # A key of the right form, which takes a look into the database.
            return up.status("/api/v1/agents/", {"X-API-Key": generate_key()})

        with psycopg.connect(embedded.database_url(up.data_dir)) as db:
            before, most = connections(db), 0
            with ThreadPoolExecutor(40) as threads:
                asked = [threads.submit(ask, number) for number in range(800)]
                while not all(each.done() for each in asked):
                    most = max(most, connections(db))
            assert {each.result() for each in asked} == {401}
            assert most <= before + 2 * 15

    def test_a_second_one_in_the_same_place_is_one_clear_line(self, up):
        second = Up(up.data_dir, "--no-demo")
        assert second.wait() == 1
        assert second.lines == [f"YourAgent already runs with {up.data_dir}."]
        assert up.health("/health/live")[0] == 200

    def test_an_interrupt_ends_the_web_first_and_the_database_last(self, up):
        alive, ended = set(up.family()), []
        up.process.send_signal(signal.SIGINT)
        while up.process.poll() is None:
            now = up.family()
            ended += [kind for kind in now if kind in alive and not now[kind]]
            alive -= set(ended)
        ended += sorted(alive - {"up"})
        assert [kind for kind in ended if kind != "up"] == [
            "web",
            "workers",
            "valkey",
            "postgres",
        ]
        assert up.wait() == 0
        assert up.left() == []


def kill(processes) -> None:
    for process in processes:
        process.kill()


def test_a_terminal_that_closes_leaves_no_process(data_dir):
    master, slave = os.openpty()

    def own_the_terminal() -> None:
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)

    with running(
        data_dir, "--no-demo", stdin=slave, stdout=slave, preexec_fn=own_the_terminal
    ) as up:
        os.close(slave)
        said = b""
        while b"Ctrl-C" not in said:
            said += os.read(master, 65536)
        os.close(master)
        up.wait()
        assert up.left() == []


def web_pids(up) -> set[int]:
    return {process.pid for process in up.family()["web"]}


@pytest.fixture(scope="class")
def second(data_dir):
    """A start after one that was killed, without what it had begun."""
    with running(data_dir, "--no-demo") as first:
        first.wait_until_ready()
        before = web_pids(first)
        first.process.kill()
        first.process.wait()
        assert web_pids(first) == before
        with running(data_dir, "--no-demo") as started:
            started.wait_until_ready()
            started.left_by_the_first = before
            yield started


@pytest.fixture(scope="class")
def third(second):
    """A start after one that was killed with all its processes, right after writing."""
    with psycopg.connect(embedded.database_url(second.data_dir), autocommit=True) as db:
        db.execute("CREATE TABLE IF NOT EXISTS kept (n int)")
        db.execute("TRUNCATE kept")
        for number in range(200):
            db.execute("INSERT INTO kept VALUES (%s)", [number])
        kill(second.left())
    second.process.wait()
    with running(second.data_dir, "--no-demo") as started:
        started.wait_until_ready()
        yield started


class TestWhatIsKilled:
    """One start after the other; the tests are in the order of what happens."""

    def test_what_a_killed_start_has_left_is_ended_by_the_next(self, second):
        assert second.left_by_the_first & web_pids(second) == set()

    def test_killing_everything_loses_no_committed_row(self, third):
        with psycopg.connect(embedded.database_url(third.data_dir)) as db:
            assert db.execute("SELECT count(*) FROM kept").fetchone() == (200,)
        assert third.health("/health/ready")[0] == 200

    def test_health_tells_that_redis_is_gone(self, third):
        third.wait_for_health("healthy")
        kill(third.family()["valkey"])
        assert third.wait_for_status("degraded") == 200

    def test_health_tells_that_the_database_is_gone(self, third):
        kill(third.family()["postgres"])
        assert third.wait_for_status("unhealthy") == 503
        assert str(third.data_dir) not in str(third.health())

    def test_with_one_process_everything_ends_and_says_so(self, third):
        kill(each for each in third.family()["workers"] if "beat" in each.cmdline())
        assert third.wait() == 1
        assert "The process 'beat' ended" in third.lines[-1]
        assert third.left() == []


def refused(data_dir, *options: str, **variables: str) -> str:
    """Start it where it cannot start, and return the one line it says."""
    begun = time.monotonic()
    with running(data_dir, "--no-demo", *options, env=variables) as up:
        assert up.wait() == 1
        assert up.left() == []
    assert time.monotonic() - begun < 20
    [line] = [line for line in up.lines if line]
    return line


def test_a_taken_port_is_one_clear_line(data_dir):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert refused(data_dir, "--port", str(port)).startswith(f"Port {port} of")


def test_a_broken_file_of_settings_is_one_clear_line(data_dir, tmp_path):
    dotenv = tmp_path / ".env"
    dotenv.write_text("LOG_LEVEL=info\nPORT is 9000\n")
    said = refused(data_dir, ENV_FILE=str(dotenv))
    assert f"{dotenv}, line 2: not of the form NAME=value" in said


def test_a_wrong_setting_is_one_clear_line(data_dir):
    assert "DB_POOL_SIZE must be" in refused(data_dir, DB_POOL_SIZE="many")


def test_an_unreachable_database_is_one_clear_line(data_dir):
    said = refused(
        data_dir,
        DATABASE_URL=f"postgresql://me:secret-word@127.0.0.1:{free_port()}/ya",
    )
    assert "The database 'ya' at 127.0.0.1 does not answer" in said
    assert "secret-word" not in said


def test_an_unreachable_redis_is_one_clear_line(data_dir):
    said = refused(data_dir, REDIS_URL=f"redis://:secret-word@127.0.0.1:{free_port()}")
    assert "Redis does not answer" in said
    assert "secret-word" not in said


def test_without_a_python_it_says_what_it_needs(tmp_path):
    asked = subprocess.run(
        ["/bin/bash", "-c", ". bin/prepare; make_venv"],
        cwd=BASE_DIR,
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert asked.returncode == 1
    assert "needs Python 3.11 or newer" in asked.stderr
