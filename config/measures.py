"""What a process counts of itself, and what all of them count together.

Statements and transactions are this process's own, like its pool. Answers are added
up in Redis by minute, so that any process can tell how all of them do.
"""

import os
import threading
import time
from collections import Counter, deque
from functools import lru_cache
from typing import Any

import redis
import structlog
from django.conf import settings

from accounts.outbound import redis_pool
from config.database import get_pool_stats

log = structlog.get_logger(__name__)

LAST_STATEMENTS = 1000
MINUTES = 15
KEPT_SECONDS = 3600
SHARE_SECONDS = 1.0
# How long Redis is left alone after it did not answer.
REST_SECONDS = 10.0
PREFIX = "ya:answers:"
CLASSES = ("2", "3", "4", "5")


class Measures:
    """Counts of one process, from many threads."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.started = time.monotonic()
        self.statements, self.statement_ms = 0, 0.0
        self.last_ms: deque[float] = deque(maxlen=LAST_STATEMENTS)
        self.commits = self.rollbacks = 0
        self.answers: Counter[tuple[int, str]] = Counter()
        self.share_after = 0.0

    def time_statement(self, execute, sql, params, many, context) -> Any:
        """Carry out a statement, as Django's execute wrappers do, and time it."""
        begun = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            took = (time.perf_counter() - begun) * 1000
            with self.lock:
                self.statements += 1
                self.statement_ms += took
                self.last_ms.append(took)

    def count_end(self, *, committed: bool) -> None:
        """Count the end of a transaction."""
        with self.lock:
            if committed:
                self.commits += 1
            else:
                self.rollbacks += 1

    def count_answer(self, status: int) -> None:
        """Count an answer in its minute and class."""
        with self.lock:
            self.answers[int(time.time() // 60), str(status)[0]] += 1

    def share(self, *, now: bool = False) -> None:
        """Add what was counted to everybody's count, about once a second.

        Without Redis it is kept, and added later.
        """
        if time.monotonic() < self.share_after and not now:
            return
        with self.lock:
            self.share_after = time.monotonic() + SHARE_SECONDS
            mine, self.answers = self.answers, Counter()
        try:
            with _client(settings.REDIS_URL).pipeline(transaction=False) as pipe:
                for (minute, kind), number in mine.items():
                    pipe.hincrby(f"{PREFIX}{minute}", kind, number)
                    pipe.expire(f"{PREFIX}{minute}", KEPT_SECONDS)
                pipe.execute()
        except redis.RedisError as error:
            log.warning("Answers not added up", error=type(error).__name__)
            with self.lock:
                self.share_after = time.monotonic() + REST_SECONDS
                oldest = int(time.time() // 60) - MINUTES
                kept = {at: n for at, n in mine.items() if at[0] > oldest}
                self.answers.update(kept)

    def report(self) -> dict[str, Any]:
        """Return everything, as operators read it."""
        with self.lock:
            last = sorted(self.last_ms)
            statements, total = self.statements, self.statement_ms
            commits, rollbacks = self.commits, self.rollbacks
        ended = commits + rollbacks
        return {
            "process": {
                "pid": os.getpid(),
                "uptime_seconds": round(time.monotonic() - self.started, 1),
            },
            "query_time_ms": {
                "count": statements,
                "total": round(total, 1),
                "mean": round(total / statements, 3) if statements else None,
                "p95": round(last[int(len(last) * 0.95)], 3) if last else None,
            },
            "pool": get_pool_stats(),
            "transactions": {"commits": commits, "rollbacks": rollbacks},
            "transaction_success_rate": round(commits / ended, 4) if ended else None,
            "error_rate": self.errors(),
        }

    def errors(self) -> dict[str, Any]:
        """Return the answers of the last minutes by class, of all processes."""
        self.share(now=True)
        minute = int(time.time() // 60)
        asked = range(minute - MINUTES + 1, minute + 1)
        found = self._shared(asked)
        is_shared = found is not None
        if found is None:
            with self.lock:
                mine = dict(self.answers)
            found = [
                {kind: mine.get((at, kind), 0) for kind in CLASSES} for at in asked
            ]
        sums = {kind: sum(int(each.get(kind, 0)) for each in found) for kind in CLASSES}
        answers = sum(sums.values())
        return {
            "minutes": MINUTES,
            "of_all_processes": is_shared,
            "answers": answers,
            "client_errors": sums["4"],
            "server_errors": sums["5"],
            "rate": round(sums["5"] / answers, 4) if answers else None,
            "by_minute": [
                {"minute": at * 60}
                | {f"{kind}xx": int(each.get(kind, 0)) for kind in CLASSES}
                for at, each in zip(asked, found, strict=True)
            ],
        }

    def _shared(self, minutes: range) -> list[dict[str, str]] | None:
        try:
            with _client(settings.REDIS_URL).pipeline(transaction=False) as pipe:
                for minute in minutes:
                    pipe.hgetall(f"{PREFIX}{minute}")
                return pipe.execute()
        except redis.RedisError:
            return None


@lru_cache(maxsize=2)
def _client(url: str) -> redis.Redis:
    return redis_pool.connect(url, decode_responses=True)


measures = Measures()
