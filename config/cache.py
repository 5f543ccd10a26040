"""The shared cache, which a Redis that is away must not take down with it."""

import structlog
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)


class SteadyRedisCache(RedisCache):
    """Redis, or this process's own memory for as long as Redis does not answer.

    Sign-in counts its failures here: without Redis each process counts for itself.
    """

    def __init__(self, server, params):
        super().__init__(server, params)
        self._own = LocMemCache(f"instead of {server}", {})


def _steady(name: str):
    usual = getattr(RedisCache, name)

    def method(self, *args, **kwargs):
        try:
            return usual(self, *args, **kwargs)
        except RedisError as error:
            log.warning("Cache not reached", error=type(error).__name__)
            return getattr(self._own, name)(*args, **kwargs)

    return method


for _name in (
    "add",
    "get",
    "set",
    "touch",
    "delete",
    "has_key",
    "incr",
    "get_many",
    "set_many",
    "delete_many",
    "clear",
):
    setattr(SteadyRedisCache, _name, _steady(_name))
