import fcntl
import os
import re
import signal
import socket
import subprocess
import termios
import time
from concurrent.futures import ThreadPoolExecutor

import orjson
import psutil
import psycopg
import pytest
from honcho.environ import parse_procfile

from accounts.models.api_keys import generate_key
from config import embedded
from config.environment import BASE_DIR
from config.tests.running import Up, a_data_directory, running
from config.tests.serving import free_port, until

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

    def test_it_says_once_what_memory_all_hold(self, up):
        until(lambda: "Memory" in up.output, 60)
        [line] = [line for line in up.lines if "Memory" in line]
        found = re.fullmatch(r".*\| Memory (\d+) MB: ([^;]+)[.;].*", line)
        parts = dict(part.rsplit(" ", 1) for part in found[2].split(", "))
        procfile = parse_procfile((BASE_DIR / "Procfile").read_text())
        assert {"up", "valkey", *procfile.processes} <= set(parts)
        assert all(int(megabytes) > 0 for megabytes in parts.values())
        assert abs(sum(map(int, parts.values())) - int(found[1])) <= len(parts)

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

    def test_killed_parents_of_workers_come_again_and_work(self, third):
        before, old = third.leaders("worker"), third.family()["workers"]
        kill(before)

        def came() -> list[psutil.Process]:
            assert third.health("/health/live")[0] == 200
            found = third.leaders("worker")
            return found if len(found) == len(before) else []

        new = until(came, 30)
        assert set(new).isdisjoint(before)
        kept = orjson.loads((third.data_dir / "up.json").read_bytes())
        assert {str(process.pid) for process in new} <= set(kept)
        of_the_dead = [each for each in old if each not in third.leaders("beat")]
        assert [each for each in of_the_dead if each.is_running()] == []
        third.do_some_work()

    def test_a_killed_valkey_comes_again(self, third):
        kill(third.family()["valkey"])
        until(lambda: "valkey runs again." in third.output, 30)
        third.wait_for_health("healthy")
        third.do_some_work()

    def test_a_killed_postgres_comes_again_before_its_processes(self, third):
        [beat] = third.leaders("beat")
        kill([beat, *third.family()["postgres"]])
        until(lambda: "postgres runs again." in third.output, 30)
        assert third.status("/setup/", {}) == 200
        with psycopg.connect(embedded.database_url(third.data_dir)) as db:
            assert db.execute("SELECT count(*) FROM kept").fetchone() == (200,)
        [beat] = until(lambda: third.leaders("beat"), 30)
        server = psutil.Process(embedded.running(third.data_dir, "postgres"))
        assert beat.create_time() > server.create_time()

    def test_five_deaths_within_a_minute_end_everything(self, third):
        # One of them it has behind it.
        for _ in range(4):
            kill(until(lambda: third.leaders("beat"), 30))
        assert third.wait() == 1
        assert third.lines[-1] == (
            "beat was killed by SIGKILL: its fifth death within a minute,"
            " which ends all."
        )
        assert third.left() == []


def test_an_end_while_servers_start_again_comes_at_once(data_dir):
    with running(data_dir, "--no-demo") as up:
        up.wait_until_ready()
        kill(up.family()["postgres"] + up.family()["valkey"])
        until(lambda: up.output.count("It starts again in") == 2)
        [starting, *_] = until(lambda: up.family()["postgres"])
        # It never answers, which a start waits for twice as long as this test.
        starting.suspend()
        up.process.terminate()
        assert until(lambda: up.process.poll() is not None, 30)
        assert up.wait() == 0
        assert up.left() == []


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
