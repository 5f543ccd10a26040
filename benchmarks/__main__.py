"""Measure YourAgent beside a ceiling and a reference: `python -m benchmarks`."""

import argparse
import os
import sys
from pathlib import Path

import psycopg

from benchmarks.house import free_port, services
from benchmarks.peers.flowise import Flowise
from benchmarks.stacks import CEILING, OURS, REFERENCE, ROOT, Stack, peers_python

DOCUMENT = ROOT / "docs" / "performance.md"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=int, default=2, help="of one burst")
    parser.add_argument(
        "--data-dir",
        type=Path,
        default=Path(os.environ.get("DATA_DIR") or ROOT / ".data") / "benchmarks",
    )
    parser.add_argument(
        "--write", action="store_true", help="keep the report in docs/performance.md"
    )
    parser.add_argument(
        "--flowise",
        type=Path,
        metavar="DIR",
        help="measure Flowise too, which is installed there (benchmarks/peers)",
    )
    return parser.parse_args()


def main() -> int:
    """Return 1 when a bar is missed."""
    given = arguments()
    data_dir = given.data_dir.resolve()
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o711)
    python = peers_python(data_dir)
    with services(data_dir):
        results = measured(given, data_dir, python)
        from benchmarks import report

        text = report.render(results)
        print(f"\n{text}")
        if given.write:
            report.write(text, DOCUMENT)
        return int(any(gate.verdict == "MISSED" for gate in report.gates(results)))


def measured(given: argparse.Namespace, data_dir: Path, python: Path):
    # Only now: the settings read the environment that `services` has made.
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    from benchmarks import checks, scenarios
    from benchmarks.report import Results
    from benchmarks.seed import seed

    print("Seeding.", flush=True)
    seeded = seed(os.environ["DATABASE_URL"])
    started = checks.cold_start(Path(sys.executable), free_port(), data_dir)
    pythons = {OURS: sys.executable, REFERENCE: python, CEILING: sys.executable}
    stacks = [
        Stack(name, free_port(), Path(program), data_dir)
        for name, program in pythons.items()
    ]
    try:
        for stack in stacks:
            stack.wait(f"{scenarios.AGENTS}?limit=1", seeded.large_keys[0])
        bench = scenarios.Bench(stacks, seeded, data_dir)
        results = Results(bench.cells, agents=seeded.agents, cold_start=started)
        fill(results, bench, given)
    finally:
        for stack in stacks:
            stack.stop()
    return results


def fill(results, bench, given: argparse.Namespace) -> None:
    """Check that the stacks do the same, then measure them."""
    from benchmarks import checks, scenarios

    checks.check_equal_answers(bench)
    checks.check_equal_rows(bench)
    print("Warming up.", flush=True)
    bench.warm()
    for name, stack in bench.stacks.items():
        results.sql[name] = checks.sql_of(bench, stack)
    print("Measuring.", flush=True)
    bench.measure(
        (scenarios.LIST, scenarios.GET, scenarios.CREATE),
        bench.stacks,
        rounds=given.rounds,
        seconds=given.seconds,
    )
    bench.measure(
        (scenarios.INTO_LARGE, scenarios.INTO_SMALL),
        [OURS],
        rounds=given.rounds,
        seconds=given.seconds,
    )
    if given.flowise:
        peer = Flowise(given.flowise.resolve(), free_port(), bench.data_dir)
        try:
            peer.prepare()
            bench.measure_beside(peer, rounds=given.rounds, seconds=given.seconds)
            results.megabytes[peer.name] = peer.megabytes
        finally:
            peer.stop()
            del bench.stacks[peer.name]
    results.megabytes |= {name: one.megabytes for name, one in bench.stacks.items()}
    results.pages = checks.deep_pages(bench)
    results.race = checks.race(bench)
    results.drift = checks.counter_drift()
    results.authentication = checks.authentication_cost(bench)
    _, page = bench.stacks[OURS].fetch(
        bench.loads[scenarios.LIST].paths[0], bench.seeded.large_keys[0]
    )
    results.body_bytes = len(page)
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        version = connection.execute("SHOW server_version").fetchone()[0]
    results.postgres = f"PostgreSQL {version.split()[0]}"


if __name__ == "__main__":
    sys.exit(main())
