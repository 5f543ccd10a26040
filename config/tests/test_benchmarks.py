"""The benchmarks' own arithmetic; what they measure is never asserted in tests."""

import asyncio
import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from benchmarks import load, report, scenarios, statements
from benchmarks.processes import Meter, milliseconds
from config.tests.serving import until

LOG = """\
2026-11-22 21:00:00.001 UTC [71] LOG:  statement: BEGIN
2026-11-22 21:00:00.002 UTC [71] LOG:  execute <unnamed>: SELECT a,
\tb FROM agents
\tWHERE name = $1
2026-11-22 21:00:00.002 UTC [71] DETAIL:  Parameters: $1 = 'LOG:  statement: X'
2026-11-22 21:00:00.003 UTC [71] LOG:  statement: COMMIT
"""


def burst(milliseconds: float, foreign: float) -> scenarios.Burst:
    outcome = load.Outcome(requests=100, seconds=2, p50=1, p99=2, failed=0)
    return scenarios.Burst(outcome, milliseconds, foreign)


def test_a_missed_bar_is_called_so():
    gate = report.Gate("speed", 0.8, must=0.9, goal=1.2)
    assert gate.verdict == "MISSED"
    assert "MISSED" in gate.line


@pytest.mark.parametrize(
    ("value", "verdict"),
    [(100, "goal reached"), (170, "must reached"), (201, "MISSED")],
)
def test_a_bar_may_be_an_upper_one(value, verdict):
    assert report.Gate("memory", value, 200, 150, at_most=True).verdict == verdict


def test_a_burst_with_much_foreign_work_does_not_count():
    cell = scenarios.Cell([burst(9, 0.5), burst(1, 0.1), burst(3, 0.2)])
    assert cell.median("cpu") == 2
    assert not cell.is_noisy


def test_a_figure_from_noisy_bursts_alone_is_marked():
    cell = scenarios.Cell([burst(9, 0.5), burst(7, 0.3)])
    assert cell.median("cpu") == 8
    assert cell.is_noisy


def test_statements_are_read_from_the_log_whole_and_without_their_values():
    found = [" ".join(one.split()) for one in statements.ENTRY.findall(LOG)]
    assert found == ["BEGIN", "SELECT a, b FROM agents WHERE name = $1", "COMMIT"]
    assert [statements.is_query(one) for one in found] == [False, True, False]


def test_long_lists_of_columns_are_left_out_of_a_statement():
    columns = ", ".join(f"column_{number}" for number in range(20))
    short = statements.shortened(f"SELECT {columns} FROM agents")  # noqa: S608
    assert short == "SELECT … FROM agents"


def test_the_meter_counts_what_a_process_uses():
    spin = (
        "import select, sys\nwhile not select.select([sys.stdin], [], [], 0)[0]: pass"
    )
    command = [sys.executable, "-c", spin]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as one:  # noqa: S603
        meter = Meter({"it": one.pid})
        meter.start()
        before = milliseconds(one.pid)
        until(lambda: milliseconds(one.pid) >= before + 50)
        used, foreign = meter.stop()
        one.communicate(b"stop")
    assert used["it"] >= 50
    assert foreign < 1


class Echo(BaseHTTPRequestHandler):
    """Answer 201 to a POST whose body and key are as the load says."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        is_right = isinstance(body["n"], int) and self.headers["X-API-Key"] == "k"
        self.send_response(201 if is_right else 400)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *args):
        pass


@pytest.fixture
def echo():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_our_own_generator_sends_what_the_load_says(echo):
    wanted = load.Load("POST", ["/a", "/b"], ["k"], '{"n": %d}')
    spec = {"url": echo, "clients": 3, "seconds": 0.2, "first": 1}
    outcome = asyncio.run(load.generate(spec | vars(wanted)))
    assert outcome.requests > 3
    assert outcome.failed == 0
    assert 0 < outcome.p50 <= outcome.p99


def test_our_own_generator_counts_failures(echo):
    wanted = load.Load("POST", ["/a"], ["wrong"], '{"n": %d}')
    spec = {"url": echo, "clients": 1, "seconds": 0.1, "first": 1}
    outcome = asyncio.run(load.generate(spec | vars(wanted)))
    assert outcome.failed == outcome.requests


def test_a_load_is_written_as_lua():
    wanted = load.Load("GET", ['/"a"'], ["k"], headers={"x": "y"})
    assert load.lua(wanted) == (
        '{method = "GET", paths = {"/\\"a\\""}, keys = {"k"}, body = "", '
        'headers = {["x"] = "y"}}'
    )
