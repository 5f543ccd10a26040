"""Whether a server answers: found out beside the requests, which hardly wait for it.

A pool waits for a connection as long as it may, and a statement as long as its server
keeps silent. Who waits longer than usual doubts, and one thread of the process asks.
While the answer is no, everybody else is refused at once.
"""

import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

# How long one waits in silence until one doubts, how long a server has to answer when
# asked, and the pause until it is asked again.
PATIENCE_SECONDS = 0.4
ANSWER_SECONDS = 1.4
PAUSE_SECONDS = 0.25


class ServerAway(psycopg.OperationalError):
    """The database server does not answer."""


class Reachability:
    """What one process knows of one server."""

    def __init__(self, ask: Callable[[], Any]) -> None:
        """`ask` returns when the server answers, and raises when it does not."""
        self.ask = ask
        self.lock = threading.Lock()
        self.is_asking = False
        self.has_failed = False
        self.asked_at: float | None = None

    @property
    def is_silent(self) -> bool:
        """Whether it lets even a new connection wait."""
        asked_at = self.asked_at
        return asked_at is not None and time.monotonic() - asked_at > ANSWER_SECONDS

    @property
    def is_away(self) -> bool:
        return self.has_failed or self.is_silent

    def check(self) -> None:
        """Raise at once while the server keeps silent."""
        if self.is_silent:
            raise ServerAway("The server does not answer.")

    def doubt(self) -> None:
        """Begin to ask, unless somebody does."""
        with self.lock:
            if self.is_asking:
                return
            self.is_asking = True
        threading.Thread(target=self._find_out, name="reach", daemon=True).start()

    def _find_out(self) -> None:
        """Ask until the server answers."""
        while not self._answers():
            time.sleep(PAUSE_SECONDS)
        with self.lock:
            self.is_asking = False

    def _answers(self) -> bool:
        begun = time.monotonic()
        # One that was silent stays so until it has spoken.
        self.asked_at = self.asked_at or begun
        try:
            self.ask()
        except Exception:
            self.has_failed = True
            if time.monotonic() - begun < ANSWER_SECONDS:
                self.asked_at = None
            return False
        self.asked_at, self.has_failed = None, False
        return True


class WatchedConnection(psycopg.Connection):
    """A pool's connection, whose statements end when the server falls silent."""

    def wait(self, gen, interval=0.1, timeout=None):
        pool = getattr(self, "_pool", None)
        if pool is None or timeout is not None:
            return super().wait(gen, interval, timeout)
        return super().wait(self._watched(gen, pool.server), interval)

    def _watched(self, gen, server: Reachability):
        """Pass on what `gen` says and hears, and doubt in between."""
        silent_since, ready = time.monotonic(), None
        while True:
            try:
                wanted = gen.send(ready)
            except StopIteration as ended:
                return ended.value
            ready = yield wanted
            if ready:
                silent_since = time.monotonic()
            elif time.monotonic() - silent_since > PATIENCE_SECONDS:
                if server.is_silent:
                    # In the middle of a statement: it is of no more use.
                    self.pgconn.finish()
                server.check()
                server.doubt()


class WatchingPool(ConnectionPool):
    """A pool whose callers do not wait for a server that is away."""

    def __init__(self, *, ask: Callable[[], Any], **options: Any) -> None:
        # Nobody asks for a pool that is closed.
        self.server = Reachability(lambda: self.closed or ask())
        # Who needs a connection asks for it; pauses between attempts that nobody waits
        # for would keep the pool empty long after the server is back.
        super().__init__(
            connection_class=WatchedConnection, reconnect_timeout=0, **options
        )

    def getconn(self, timeout: float | None = None) -> psycopg.Connection:
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        while True:
            self.server.check()
            left = deadline - time.monotonic()
            # One that refuses new connections may still serve those there are.
            patience = 0.001 if self.server.is_away else PATIENCE_SECONDS
            try:
                return super().getconn(min(left, patience))
            except PoolTimeout:
                if self.server.is_away:
                    raise ServerAway("The server takes no connection.") from None
                if left <= patience:
                    raise
                self.server.doubt()
