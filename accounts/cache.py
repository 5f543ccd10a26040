"""What is read far more often than it changes, remembered in Redis.

The database decides, Redis only remembers. What a transaction changes is forgotten
before it commits and again right after; meanwhile nobody may store, and a reader who
asked the database before the change may not store after it. Inside a transaction, and
while Redis is away, every read goes to the database.
"""

import secrets
import threading
import time
from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from typing import Any

import orjson
import redis
import structlog
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections, models, transaction

from accounts.outbound import redis_pool

log = structlog.get_logger(__name__)

PREFIX = "ya:known:"
# How long a reader may take from the database until it stores what it read.
FILL_SECONDS = 10
# How long a change may take until it commits.
CHANGE_SECONDS = 60
# How soon forgetting is tried again while Redis is away.
RETRY_SECONDS = 0.25
# Nothing is remembered for longer than this.
LONGEST_SECONDS = 3600

KEEP = """
if redis.call('GET', KEYS[2]) == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
  redis.call('DEL', KEYS[2])
end
"""


def recall(kind: str, key: Any, *, seconds: int, load: Callable[[], Any]) -> Any:
    """Return what `load` returns, from memory if it is there, and then as JSON has it.

    None is not remembered. Of many readers at once one stores; nobody waits.
    """
    if seconds <= 0 or transaction.get_connection().in_atomic_block:
        return load()
    name = _name(kind, key)
    if kept := _ask(lambda client: client.get(name)):
        return orjson.loads(kept)
    token, mark = secrets.token_hex(8), _mark(name)
    may_keep = _ask(lambda client: client.set(mark, token, nx=True, ex=FILL_SECONDS))
    found = load()
    if may_keep and found is not None:
        life = min(seconds, LONGEST_SECONDS)
        arguments = [token, orjson.dumps(found), life]
        _ask(lambda client: _keep(client)(keys=[name, mark], args=arguments))
    return found


def forget(kind: str, key: Any) -> None:
    """Let nobody read the old value once this transaction commits."""
    name = _name(kind, key)
    try:
        client = redis_pool.connect(settings.REDIS_URL)
        with client.pipeline(transaction=False) as pipe:
            pipe.delete(name)
            # Nobody may store until the change is done, or took too long.
            pipe.set(_mark(name), "changing", ex=CHANGE_SECONDS)
            pipe.execute()
    except redis.RedisError as error:
        log.warning("Not forgotten before a change", error=type(error).__name__)
    transaction.on_commit(partial(_release, name), robust=True)


def forget_everything(**_: Any) -> None:
    """Empty the memory, as after a migration."""
    try:
        client = redis_pool.connect(settings.REDIS_URL)
        names = list(client.scan_iter(match=_name("*", "*"), count=1000))
        for start in range(0, len(names), 1000):
            client.unlink(*names[start : start + 1000])
    except redis.RedisError as error:
        log.warning("Memory not emptied", error=type(error).__name__)


def values_of(row: models.Model, columns: Iterable[str]) -> dict[str, Any]:
    """Return some of a row's columns, to be remembered."""
    return {name: getattr(row, name) for name in columns}


def row_from(model: type[models.Model], values: dict[str, Any]) -> Any:
    """Return a row from remembered columns; the others load if somebody asks."""
    known = [field for field in model._meta.concrete_fields if field.attname in values]
    return model.from_db(
        DEFAULT_DB_ALIAS,
        [field.attname for field in known],
        [field.to_python(values[field.attname]) for field in known],
    )


def _name(kind: str, key: Any) -> str:
    # Test runs share a Redis, each with a database of its own.
    database = connections[DEFAULT_DB_ALIAS].settings_dict["NAME"]
    return f"{PREFIX}{database}:{kind}:{key}"


def _mark(name: str) -> str:
    return f"{name}:mark"


def _release(name: str) -> None:
    """Forget what is committed now; if Redis is away, as soon as it is back."""
    try:
        redis_pool.connect(settings.REDIS_URL).delete(name, _mark(name))
    except redis.RedisError as error:
        log.warning("Not forgotten yet", error=type(error).__name__)
        _overdue.add(name)


def _ask(question: Callable[[redis.Redis], Any]) -> Any:
    """Ask Redis something, or return None while it is away."""
    try:
        return question(redis_pool.connect(settings.REDIS_URL))
    except redis.RedisError as error:
        log.warning("Memory not reached", error=type(error).__name__)
        return None


@lru_cache(maxsize=2)
def _keep(client: redis.Redis) -> Any:
    return client.register_script(KEEP)


class _Overdue:
    """What has to be forgotten as soon as Redis is back."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.names: dict[str, float] = {}
        self.is_running = False

    def add(self, name: str) -> None:
        with self.lock:
            self.names[name] = time.monotonic() + LONGEST_SECONDS
            if not self.is_running:
                self.is_running = True
                threading.Thread(target=self.run, name="forget", daemon=True).start()

    def run(self) -> None:
        pause = threading.Event()
        while True:
            pause.wait(RETRY_SECONDS)
            with self.lock:
                now = time.monotonic()
                self.names = {n: end for n, end in self.names.items() if end > now}
                names = list(self.names)
                if not names:
                    self.is_running = False
                    return
            try:
                redis_pool.connect(settings.REDIS_URL).delete(
                    *names, *map(_mark, names)
                )
            except redis.RedisError:
                continue
            with self.lock:
                for name in names:
                    self.names.pop(name, None)


_overdue = _Overdue()
