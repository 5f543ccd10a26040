"""What is measured: bursts of load, the stacks taking turns, noisy bursts left out."""

import os
import statistics
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.house import postmaster_pid, valkey_pid
from benchmarks.load import Load, Outcome, run
from benchmarks.peers.flowise import Flowise
from benchmarks.processes import Meter
from benchmarks.seed import Seeded
from benchmarks.stacks import OURS, Stack

CLIENTS = 16
MOST_FOREIGN = 0.20
MORE_TRIES = 3
LIST, GET, CREATE = "list 50", "get", "create"
INTO_LARGE, INTO_SMALL = "create into 98k", "create into 98"
AGENTS = "/api/v1/agents/"
NEW_AGENT = (
    '{"name": "Benchmark %d", "description": "Answers questions about orders.",'
    ' "persona_key": "support_expert", "system_prompt": "Answer from the passages."}'
)


def loads(seeded: Seeded) -> dict[str, Load]:
    """Return the load of each scenario."""
    return {
        LIST: Load("GET", [f"{AGENTS}?limit=50"], seeded.large_keys),
        GET: Load(
            "GET", [f"{AGENTS}{one}/" for one in seeded.large_ids], seeded.large_keys
        ),
        CREATE: Load("POST", [AGENTS], seeded.small_keys[1:], NEW_AGENT),
        INTO_LARGE: Load("POST", [AGENTS], seeded.large_keys, NEW_AGENT),
        INTO_SMALL: Load("POST", [AGENTS], seeded.small_keys[:1], NEW_AGENT),
    }


@dataclass
class Burst:
    """One burst: what its clients saw and what it cost."""

    outcome: Outcome
    milliseconds: int
    foreign: float


@dataclass
class Cell:
    """All bursts of one scenario on one stack."""

    bursts: list[Burst] = field(default_factory=list)

    @property
    def counted(self) -> list[Burst]:
        """The bursts with little foreign work; all of them if there is none."""
        return [one for one in self.bursts if one.foreign <= MOST_FOREIGN] or (
            self.bursts
        )

    @property
    def is_noisy(self) -> bool:
        return all(one.foreign > MOST_FOREIGN for one in self.bursts)

    def median(self, name: str) -> float:
        values = [
            one.milliseconds if name == "cpu" else getattr(one.outcome, name)
            for one in self.counted
        ]
        return statistics.median(values)

    @property
    def failed(self) -> int:
        return sum(one.outcome.failed for one in self.bursts)


Cells = dict[tuple[str, str], Cell]


class Bench:
    """The running stacks and the data they serve."""

    def __init__(self, stacks: list[Stack], seeded: Seeded, data_dir: Path) -> None:
        self.stacks = {stack.name: stack for stack in stacks}
        self.seeded = seeded
        self.data_dir = data_dir
        self.loads = loads(seeded)
        self.peer_loads: dict[tuple[str, str], Load] = {}
        self.cells: Cells = defaultdict(Cell)

    def burst(
        self, stack: Stack, load: Load, seconds: int, clients: int = CLIENTS
    ) -> Burst:
        """Put load on one stack, and count what it and its database used."""
        meter = Meter(
            {
                "app": stack.process.pid,
                "postgres": postmaster_pid(self.data_dir),
                "valkey": valkey_pid(self.data_dir),
            }
        )
        own = time.process_time()
        meter.start()
        outcome = run(
            stack.url, load, clients=clients, seconds=seconds, kept=self.data_dir
        )
        used, foreign = meter.stop()
        ours = outcome.used_milliseconds + (time.process_time() - own) * 1000
        wall = outcome.seconds * 1000 * (os.cpu_count() or 1)
        cost = (used["app"] + used["postgres"]) / max(1, outcome.requests)
        return Burst(outcome, cost, max(0.0, foreign - ours / wall))

    def measure(
        self,
        scenarios: Iterable[str],
        names: Iterable[str],
        *,
        rounds: int,
        seconds: int,
    ) -> None:
        """Run every scenario on every stack in turn, several times."""
        scenarios, names = list(scenarios), list(names)
        for number in range(rounds):
            for scenario in scenarios:
                for name in names:
                    self.once(scenario, name, seconds)
            print(f"  round {number + 1} of {rounds} done", flush=True)
        for _ in range(MORE_TRIES):
            for scenario in scenarios:
                for name in names:
                    cell = self.cells[scenario, name]
                    quiet = [b for b in cell.bursts if b.foreign <= MOST_FOREIGN]
                    if len(quiet) < 2:
                        self.once(scenario, name, seconds)

    def once(self, scenario: str, name: str, seconds: int) -> None:
        load = self.peer_loads.get((scenario, name)) or self.loads[scenario]
        self.cells[scenario, name].bursts.append(
            self.burst(self.stacks[name], load, seconds)
        )

    def measure_beside(self, peer: Flowise, *, rounds: int, seconds: int) -> None:
        """Let a product of the same kind take turns with ours."""
        self.stacks[peer.name] = peer
        self.peer_loads |= {
            (LIST, peer.name): peer.list_load,
            (CREATE, peer.name): peer.create_load,
        }
        for scenario in (LIST, CREATE):
            self.once(scenario, peer.name, 1)
            self.cells[scenario, peer.name].bursts.clear()
        self.measure((LIST, CREATE), [OURS, peer.name], rounds=rounds, seconds=seconds)

    def warm(self, seconds: int = 1) -> None:
        """Open every pool and compile every path before anything counts."""
        for stack in self.stacks.values():
            for scenario in (LIST, GET, CREATE):
                outcome = self.burst(stack, self.loads[scenario], seconds).outcome
                if outcome.failed:
                    raise RuntimeError(
                        f"{stack.name}: {outcome.failed} of {outcome.requests}"
                        f" requests failed ({scenario})."
                    )
