"""Measure how well and how fast passages are found: `python -m benchmarks.retrieval`.

It starts servers of its own under `.data/benchmarks-retrieval` and stops them.
"""

import argparse
import os
import sys
import time
import warnings
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.house import services
from benchmarks.processes import machine

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "performance-retrieval.md"
BEGIN, END = "<!-- begin: measured -->\n", "<!-- end: measured -->"


@dataclass
class Report:
    """The lines to be printed and kept, and what missed its bar."""

    lines: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)

    def title(self, text: str) -> None:
        for line in ("", text, "-" * len(text)):
            self.line(line)

    def line(self, text: str = "") -> None:
        self.lines.append(text)
        print(text, flush=True)

    def figure(self, name: str, *cells: str) -> None:
        self.line(f"{name:<36}" + "".join(f"{cell:>13}" for cell in cells))

    def keep(self) -> None:
        """Put the report between the marks of the document."""
        before, _, rest = DOCUMENT.read_text().partition(BEGIN)
        after = rest.partition(END)[2]
        text = "\n".join(self.lines).strip()
        DOCUMENT.write_text(f"{before}{BEGIN}```text\n{text}\n```\n{END}{after}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.retrieval")
    parser.add_argument("--write", action="store_true", help=f"keep it in {DOCUMENT}")
    parser.add_argument("--passages", type=int, default=100_000)
    parser.add_argument("--quality", action="store_true", help="leave the speed out")
    parser.add_argument(
        "--data-dir",
        type=Path,
        default=Path(os.environ.get("DATA_DIR") or ROOT / ".data")
        / "benchmarks-retrieval",
    )
    return parser.parse_args()


def main() -> int:
    """Return 1 when hybrid search loses to one of its halves."""
    given, report = arguments(), Report()
    os.environ.setdefault("LOG_LEVEL", "warning")
    # Nobody serves static files here.
    warnings.filterwarnings("ignore", message="No directory at")
    with services(given.data_dir.resolve()):
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        measure(report, given)
    for miss in report.missed:
        print(f"MISSED: {miss}")
    if given.write:
        report.keep()
    return int(bool(report.missed))


def measure(report: Report, given: argparse.Namespace) -> None:
    from django.db import connection

    from accounts.models import Organization

    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        (version,) = cursor.fetchone()
    report.line(
        f"{datetime.now(UTC):%d %B %Y}, {machine()}, PostgreSQL {version.split()[0]}"
    )
    organization = Organization.objects.create(name="Benchmark", plan="enterprise")
    quality(report, organization)
    if not given.quality:
        speed(report, organization, given.passages)


# --- How well ----------------------------------------------------------------
def quality(report: Report, organization: Any) -> None:
    from django.conf import settings

    from benchmarks.retrieval.quality import CORPORA, corpus

    packs = {name: corpus(organization, name) for name in CORPORA}
    wanted = settings.EMBEDDINGS
    for embeddings in ("wordllama", "hashing"):
        if embeddings != "hashing" and not find_spec(embeddings):
            report.line(f"{embeddings} is not installed.")
            continue
        settings.EMBEDDINGS = embeddings
        for name, pack in packs.items():
            compare(report, pack, f"{name}, vectors by {embeddings}")
    settings.EMBEDDINGS = wanted


def compare(report: Report, pack: Any, title: str) -> None:
    """Print the scores of each kind of search, and hold the hybrid to the best."""
    from agents.models import Chunk
    from benchmarks.retrieval.quality import KINDS, PARTS

    scores = {with_far: scores_of(pack, with_far) for with_far in (False, True)}
    asked = len(scores[False]["all", "hybrid"].places)
    size = Chunk.objects.filter(knowledge_pack=pack).count()
    report.title(f"{title}: {asked} questions, {size} passages")
    report.figure("", *KINDS)
    for measure_name, label in (("recall", "recall@5"), ("mrr", "MRR@10")):
        for part in ("all", *PARTS):
            cells = [getattr(scores[False][part, kind], measure_name) for kind in KINDS]
            name = label if part == "all" else f"  {part}"
            report.figure(name, *(f"{cell:.3f}" for cell in cells))
        for with_far, words in ((False, ""), (True, "  far ones too")):
            found = {
                kind: getattr(scores[with_far]["all", kind], measure_name)
                for kind in KINDS
            }
            if with_far:
                report.figure(words, *(f"{found[kind]:.3f}" for kind in KINDS))
            if found["hybrid"] < max(found.values()):
                report.missed.append(f"{title}: {label}{words}")


def scores_of(pack: Any, with_far: bool) -> dict[tuple[str, str], Any]:
    """Return the scores by part of the questions, and of all, by kind of search."""
    from benchmarks.retrieval.quality import Score, measured

    scores: dict[tuple[str, str], Any] = {}
    for part, kind, score in measured(pack, with_far=with_far):
        scores[part, kind] = score
        scores.setdefault(("all", kind), Score()).places += score.places
    return scores


# --- How fast ----------------------------------------------------------------
def speed(report: Report, organization: Any, size: int) -> None:
    from benchmarks.retrieval import speed as fast
    from benchmarks.retrieval.questions import CONSTITUTION, SHOP

    questions = [question for question, _ in SHOP + CONSTITUTION]
    begun = time.monotonic()
    pack = fast.pack_of_many(organization, size)
    seconds = time.monotonic() - begun
    report.title(f"{size:,} passages in one pack, {len(questions)} questions")
    report.line(f"Embedded, stored and indexed in {seconds:.0f} s.")
    fast.timed(pack, questions[:10])
    times = fast.timed(pack, questions)
    report.figure("milliseconds", "median", "p95", "p99")
    for name, found in times.items():
        cells = (fast.percentile(found, percent) for percent in (50, 95, 99))
        report.figure(f"  {name}", *(f"{cell:.1f}" for cell in cells))
    share = fast.agreement(pack, questions[:40])
    report.line(f"Of the ten nearest vectors the index finds {share:.1%}.")
    plan = fast.plan(pack, questions[0])
    report.line("How PostgreSQL finds the nearest vectors:")
    for line in plan:
        report.line(f"  {line}")
    if not any("Index Scan using ix_chunks_nearest" in line for line in plan):
        report.missed.append("the index of vectors is not used")


if __name__ == "__main__":
    sys.exit(main())
