"""What is not a burst: equal answers, races, deep pages, memory, authentication."""

import json
import os
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.access.authentication import identify_key
from benchmarks.processes import milliseconds
from benchmarks.scenarios import AGENTS, CREATE, GET, LIST, NEW_AGENT, Bench
from benchmarks.seed import FIRST_SMALL, LARGE
from benchmarks.stacks import OURS, Stack
from benchmarks.statements import of_request

TABLES = (
    *("agents", "agent_versions", "agent_metrics", "optimization_runs"),
    *("audit_logs", "audit_details"),
)


def must_answer(stack: Stack, path: str, key: str, body: bytes | None = None) -> Any:
    status, answer = stack.fetch(path, key, body=body)
    if status not in (200, 201):
        raise RuntimeError(f"{stack.name} {path}: {status} {answer[:500]!r}")
    return json.loads(answer)


def check_equal_answers(bench: Bench) -> None:
    """Refuse to compare stacks that answer differently."""
    key, one = bench.seeded.large_keys[0], bench.seeded.large_ids[0]
    for path in (f"{AGENTS}?limit=50", f"{AGENTS}{one}/"):
        answers = {}
        for name, stack in bench.stacks.items():
            answer = must_answer(stack, path, key)
            for links in ("next", "previous"):
                answer.pop(links, None)
            answers[name] = answer
        for name, answer in answers.items():
            if wrong := difference(answers[OURS], answer):
                raise RuntimeError(f"{name} answers {path} otherwise: {wrong}")


def difference(one: Any, other: Any, where: str = "") -> str:
    """Say where two answers first differ, or nothing."""
    if isinstance(one, dict) and isinstance(other, dict):
        pairs = [
            (f"{where}/{name}", name) for name in sorted(one.keys() | other.keys())
        ]
        inside = (difference(one.get(n), other.get(n), at) for at, n in pairs)
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        inside = (
            difference(*pair, f"{where}/{place}")
            for place, pair in enumerate(zip(one, other, strict=True))
        )
    else:
        return "" if one == other else f"{where} is {one!r} and {other!r}"
    return next(filter(None, inside), "")


def check_equal_rows(bench: Bench) -> None:
    """Refuse to compare stacks whose creates write other rows."""
    for number, stack in enumerate(bench.stacks.values()):
        before = row_counts(bench)
        body = (NEW_AGENT % (10 + number)).encode()
        must_answer(stack, AGENTS, bench.seeded.small_keys[5], body)
        grown = {
            name: after - before[name] for name, after in row_counts(bench).items()
        }
        if set(grown.values()) != {1}:
            raise RuntimeError(f"{stack.name}: one create made {grown}")


def row_counts(bench: Bench) -> dict[str, int]:
    """Count the rows of every table a create writes, the counter and the chain."""
    queries = {name: f"SELECT count(*) FROM {name}" for name in TABLES}
    queries["counter"] = "SELECT sum(agent_count) FROM organizations"
    queries["chain"] = "SELECT sum(sequence) FROM audit_heads"
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        return {
            name: int(connection.execute(query).fetchone()[0])
            for name, query in queries.items()
        }


def sql_of(bench: Bench, stack: Stack) -> dict[str, list[str]]:
    """Return each endpoint's statements, and the list's at other lengths and sizes."""
    large, small = bench.seeded.large_keys[1], bench.seeded.small_keys[6]
    one = bench.seeded.large_ids[1]
    # Once to have `last_used_at` written, which happens once a minute only.
    for key in (large, small):
        must_answer(stack, f"{AGENTS}?limit=1", key)

    def read(path: str, key: str) -> list[str]:
        return of_request(bench.data_dir, lambda: must_answer(stack, path, key))

    body = (NEW_AGENT % stack.port).encode()
    return {
        LIST: read(f"{AGENTS}?limit=50", large),
        "list 5": read(f"{AGENTS}?limit=5", large),
        "list 50 of 98": read(f"{AGENTS}?limit=50", small),
        GET: read(f"{AGENTS}{one}/", large),
        CREATE: of_request(
            bench.data_dir, lambda: must_answer(stack, AGENTS, small, body)
        ),
    }


def race(bench: Bench, racers: int = 64, places: int = 10) -> str:
    """Let many creates race for few places; return what came of it."""
    organization, key = FIRST_SMALL + 7, bench.seeded.small_keys[7]
    count = "SELECT count(*) FROM agents WHERE organization_id = %s AND "
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(
            "UPDATE organizations SET max_agents = agent_count + %s WHERE id = %s",
            [places, organization],
        )
        living = count + "deleted_at IS NULL"
        before = connection.execute(living, [organization]).fetchone()[0]

        def create(number: int) -> int:
            body = (NEW_AGENT % number).encode()
            return bench.stacks[OURS].fetch(AGENTS, key, body=body)[0]

        with ThreadPoolExecutor(racers) as clients:
            statuses = list(clients.map(create, range(racers)))
        after = connection.execute(living, [organization]).fetchone()[0]
        counter = connection.execute(
            "SELECT agent_count FROM organizations WHERE id = %s", [organization]
        ).fetchone()[0]
    made, refused = statuses.count(201), statuses.count(403)
    is_exact = (made, refused, after - before) == (places, racers - places, places)
    verdict = "exact" if is_exact and counter == after else "NOT exact"
    return (
        f"{verdict}: {made} created, {refused} refused, {after - before} rows,"
        f" counter {counter} for {after} living agents"
    )


def last_page(stack: Stack, key: str) -> str:
    """Follow the cursor to the end; return the path of the last full page."""
    path = f"{AGENTS}?limit=100&cursor="
    pages = []
    while path:
        pages.append(path)
        following = must_answer(stack, path, key)["next"]
        parts = urlsplit(following or "")
        path = following and f"{parts.path}?{parts.query}"
    return pages[-2 if len(pages) > 1 else -1]


def deep_pages(bench: Bench, rounds: int = 5, times: int = 40) -> dict[str, float]:
    """Return the median milliseconds of first and last pages, by size of the whole."""
    stack = bench.stacks[OURS]
    large, small = bench.seeded.large_keys[2], bench.seeded.small_keys[8]
    first = f"{AGENTS}?limit=50&cursor="
    following = must_answer(stack, first, small)["next"]
    parts = urlsplit(following)
    places = {
        "first page, 98k": (first, large),
        "first page, 98": (first, small),
        "last page, 98k": (last_page(stack, large).replace("=100", "=50"), large),
        "last page, 98": (f"{parts.path}?{parts.query}", small),
    }
    taken: dict[str, list[float]] = {name: [] for name in places}
    for _ in range(rounds):
        for name, (path, key) in places.items():
            for _ in range(times):
                start = time.perf_counter()
                must_answer(stack, path, key)
                taken[name].append((time.perf_counter() - start) * 1000)
    return {name: statistics.median(values) for name, values in taken.items()}


def authentication_cost(bench: Bench, times: int = 2000) -> tuple[float, int]:
    """Return the milliseconds of CPU and the queries one API key costs."""
    raw = bench.seeded.large_keys[3]
    identify_key(raw)
    with CaptureQueriesContext(connection) as queries:
        identify_key(raw)
    backend = connection.connection.info.backend_pid
    before, start = milliseconds(backend), time.process_time()
    for _ in range(times):
        identify_key(raw)
    used = (time.process_time() - start) * 1000 + milliseconds(backend) - before
    return used / times, len(queries)


def cold_start(python: Path, port: int, kept: Path, times: int = 3) -> float:
    """Return the median seconds from the command to the first answer."""
    taken = []
    for _ in range(times):
        stack = Stack(OURS, port, python, kept)
        try:
            taken.append(stack.wait("/health/live"))
        finally:
            stack.stop()
    return statistics.median(taken)


def counter_drift() -> int:
    """Return how many organizations' counters differ from their agents."""
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        return connection.execute(
            "SELECT count(*) FROM organizations o WHERE agent_count <> ("
            " SELECT count(*) FROM agents a"
            " WHERE a.organization_id = o.id AND a.deleted_at IS NULL)"
            " AND id >= %s",
            [LARGE],
        ).fetchone()[0]
