"""The front's promises, each on a real server: see config/tests/front_site.py."""

import contextlib
import hashlib
import http.client
import json
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings

from config.tests.serving import Server, resident_bytes, served, until

pytestmark = pytest.mark.process

SITE = "config.tests.front_site:application"
THREADS, BODY_LIMIT = 8, 48 * 2**20


def site_served():
    return served(SITE, DATABASE_URL=settings.DATABASE_URL)


@pytest.fixture(scope="module")
def site():
    with site_served() as server:
        yield server


@pytest.fixture(scope="module")
def big():
    return os.urandom(2**20) * 40


def post(server: Server, path: str, body, **headers: str) -> tuple[int, dict]:
    connection = server.connect()
    with contextlib.closing(connection):
        connection.request("POST", path, body=body, headers=headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())


def pool_is_free(server: Server) -> bool:
    return server.json("/state")["pool"]["checked_out"] == 0


def all_threads_are_free(server: Server) -> bool:
    """Meet in the one view that answers only when every thread has come to it."""
    with ThreadPoolExecutor(THREADS) as clients:
        answers = clients.map(server.get, ["/meet"] * THREADS)
        return all(answer == (200, b"met") for answer in answers)


def test_a_raw_body_of_40_megabytes_arrives_whole(site, big):
    expected = {"size": len(big), "sha256": hashlib.sha256(big).hexdigest()}
    assert post(site, "/echo", big) == (200, expected)


def test_a_multipart_file_of_40_megabytes_arrives_whole(site, big):
    head = (
        b'--edge\r\nContent-Disposition: form-data; name="file"; filename="a"'
        b"\r\nContent-Type: application/octet-stream\r\n\r\n"
    )
    form = {"Content-Type": "multipart/form-data; boundary=edge"}
    status, answer = post(site, "/upload", head + big + b"\r\n--edge--\r\n", **form)
    assert (status, answer["sha256"]) == (200, hashlib.sha256(big).hexdigest())


def test_a_chunked_request_body_arrives_whole(site):
    pieces = [os.urandom(size) for size in (1, 70_000, 3, 200_000)]
    whole = b"".join(pieces)
    expected = {"size": len(whole), "sha256": hashlib.sha256(whole).hexdigest()}
    assert post(site, "/echo", iter(pieces)) == (200, expected)


@pytest.mark.parametrize("megabytes_over", [1, 32])
def test_a_body_over_the_limit_is_a_problem(site, megabytes_over):
    """However much of it the client sends before it reads the answer."""
    megabytes = BODY_LIMIT // 2**20 + megabytes_over
    status, problem = post(site, "/echo", (bytes(2**20) for _ in range(megabytes)))
    assert (status, problem["code"]) == (413, "too_large")


def test_a_body_over_the_limit_that_pauses_is_a_problem(site):
    with site.socket() as raw:
        raw.sendall(b"POST /echo HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        raw.sendall(b"Content-Length: %d\r\n\r\n" % (BODY_LIMIT * 2))
        raw.sendall(bytes(BODY_LIMIT + 1))
        response = http.client.HTTPResponse(raw)
        response.begin()
        assert (response.status, json.load(response)["code"]) == (413, "too_large")


def test_a_body_that_stops_coming_is_a_problem(site):
    with site.socket() as raw:
        raw.sendall(b"POST /echo HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        raw.sendall(b"Content-Length: 1000\r\n\r\nonly this")
        response = http.client.HTTPResponse(raw)
        response.begin()
        problem = json.load(response)
        assert (response.status, problem["code"]) == (408, "request_timeout")
        assert problem["instance"] == "/echo"


def test_a_synchronous_stream_is_flushed_part_by_part_in_order(site):
    lines = []
    with site.open("/gated") as response:
        while line := response.readline():
            lines.append(line)
            site.get("/release")
    assert lines == [b"0\n", b"1\n", b"2\n", b"3\n", b"4\n"]


def test_a_slow_reader_costs_no_memory(site):
    pid = site.json("/state")["pid"]
    before = resident_bytes(pid)
    produced = site.json("/state")["produced"]
    total, read = 200 * 2**20, 0
    with site.socket(buffer=65_536) as raw:
        raw.sendall(b"GET /large?megabytes=200 HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
        for _ in range(20):
            read += len(raw.recv(65_536))
            ahead = until_steady(site) - produced - read
            assert ahead < 16 * 2**20
        assert resident_bytes(pid) - before < 24 * 2**20
        while part := raw.recv(2**20):
            read += len(part)
    assert read > total
    assert resident_bytes(pid) - before < 24 * 2**20


def until_steady(server: Server) -> int:
    """Wait until a stream has produced all that it may before its reader reads."""
    last = -1
    while (produced := server.json("/state")["produced"]) != last:
        last = produced
    return last


def test_a_file_is_served_whole(site):
    assert site.get("/file") == (200, b"x" * 65_536 * 48)


def test_a_synchronous_stream_ends_when_its_reader_leaves(site):
    closed = site.json("/state")["closed"]
    with site.open("/endless") as response:
        assert response.readline() == b"tick\n"
    until(lambda: site.json("/state")["closed"] == closed + 1)


def test_a_view_that_queried_and_streams_has_given_its_connection_back(site):
    with ThreadPoolExecutor(THREADS) as clients, contextlib.ExitStack() as stack:
        for stream in clients.map(site.open, ["/endless?meet"] * THREADS):
            assert stack.enter_context(stream).readline() == b"tick\n"
        assert pool_is_free(site)


def test_a_synchronous_stream_may_read_the_database_from_first_to_last(site):
    expected = [str(number).encode() for number in range(1, 5001)]
    with ThreadPoolExecutor(4) as clients:
        for status, body in clients.map(site.get, ["/rows"] * 4):
            assert (status, body.split()) == (200, expected)
    until(lambda: pool_is_free(site))


def test_a_reader_who_leaves_a_database_stream_gives_its_connection_back(site):
    with site.open("/rows") as response:
        assert response.readline() == b"1\n"
    until(lambda: pool_is_free(site))


def test_a_stream_that_breaks_does_not_look_complete(site):
    with (
        site.open("/broken") as response,
        pytest.raises((http.client.IncompleteRead, ConnectionError)),
    ):
        response.read()
    until(lambda: "Application callable raised an exception" in site.said())


def test_forty_stalled_uploads_do_not_hold_up_health(site):
    with contextlib.ExitStack() as stack:
        for _ in range(40):
            raw = stack.enter_context(site.socket())
            raw.sendall(b"POST /echo HTTP/1.1\r\nHost: 127.0.0.1\r\n")
            raw.sendall(b"Content-Length: 1000\r\n\r\nonly this")
        start = time.monotonic()
        assert site.get("/health")[0] == 200
        assert time.monotonic() - start < 1


def test_twelve_aborted_slow_views_leave_threads_and_pool_free(site):
    slow = site.json("/state")["slow"]
    with contextlib.ExitStack() as stack:
        for _ in range(12):
            raw = stack.enter_context(site.socket())
            raw.sendall(b"GET /slow?seconds=0.3 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        until(lambda: site.json("/state")["slow"] > slow)
    until(lambda: site.json("/state")["slow"] == slow + 12)
    until(lambda: pool_is_free(site))
    assert all_threads_are_free(site)


def test_an_answered_request_has_given_its_connection_back(site):
    assert all_threads_are_free(site)
    assert pool_is_free(site)


def test_what_a_request_leaves_in_its_context_does_not_reach_the_next(site):
    marks = [site.json("/mark") for _ in range(THREADS * 2)]
    assert all(mark == {"mark": None, "language": "en-us"} for mark in marks)


@pytest.mark.parametrize("path", ["/ticks/stream", "/ticks/stream/"])
def test_an_open_stream_holds_no_connection(site, path):
    until(lambda: pool_is_free(site))
    with site.open(path) as response:
        assert response.readline() == b"id: 0\n"
        assert pool_is_free(site)
        assert site.json("/state")["open"] == 1
    until(lambda: site.json("/state")["open"] == 0)


def test_stopping_ends_streams_cleanly_and_lets_a_slow_view_finish():
    with site_served() as server, ThreadPoolExecutor(21) as clients:
        streams = [server.open("/ticks/stream") for _ in range(20)]
        for stream in streams:
            assert stream.readline() == b"id: 0\n"
        slow = clients.submit(server.get, "/slow?seconds=1")
        until(lambda: server.json("/state")["slow"] == 1)
        start = time.monotonic()
        ends = [clients.submit(stream.read) for stream in streams]
        said = server.stop(signal.SIGTERM)
        assert time.monotonic() - start < 5
        assert server.process.returncode == 0, said
        assert all(end.result().endswith(b"data: tick\n\n") for end in ends)
        assert slow.result() == (200, b'{"slow": "but done"}')
        assert "Traceback" not in said


def test_an_upload_that_stalls_does_not_hold_up_the_stop():
    with site_served() as server, server.socket() as raw:
        raw.sendall(b"POST /echo HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        raw.sendall(b"Content-Length: 1000\r\n\r\nonly this")
        server.get("/health")
        start = time.monotonic()
        server.stop(signal.SIGTERM)
        assert time.monotonic() - start < 5
        assert server.process.returncode == 0
