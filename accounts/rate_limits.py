"""Rate limits: several buckets at once, decided atomically in Redis.

Each bucket holds `quota` and refills evenly over `window` seconds. One moment a
key (when it is full again) is all the state there is. A request that any bucket
refuses is charged to none of them.
"""

import math
import threading
import time
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import NamedTuple

import redis
import structlog
from django.conf import settings
from redis.commands.core import Script

from accounts.errors import DomainError
from accounts.models.api_keys import APIKey
from accounts.outbound import redis_pool

log = structlog.get_logger(__name__)

SCRIPT = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + clock[2] / 1000
local answer, full, refused = {}, {}, false
for i, key in ipairs(KEYS) do
  local quota, window = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i]) * 1000
  local at = math.max(tonumber(redis.call('GET', key) or 0), now)
  full[i] = at + window / quota
  if full[i] - now > window + 0.001 then refused = true end
  answer[i] = tostring(at - now)
end
if not refused then
  for i, key in ipairs(KEYS) do
    redis.call('SET', key, string.format('%.3f', full[i]),
               'PX', math.ceil(full[i] - now))
  end
end
return answer
"""
# How many keys one process remembers while Redis is away.
MOST_LOCAL_KEYS = 10_000


class Limit(NamedTuple):
    """One bucket: a policy's name, how much it holds, and who it is for."""

    name: str
    quota: int
    window: int
    key: str

    @property
    def policy(self) -> str:
        return f'"{self.name}";q={self.quota};w={self.window}'


class Standing(NamedTuple):
    """How a bucket stands after this request."""

    limit: Limit
    remaining: int
    reset: int
    retry_after: int

    @property
    def is_refused(self) -> bool:
        return self.retry_after > 0


class RateLimited(DomainError):
    """Too many requests; the headers say when the next one may come."""

    status = 429
    code = "rate-limited"
    detail = "Too many requests. Try again later."

    def __init__(self, standings: list[Standing]) -> None:
        self.standings = standings
        refused = [each for each in standings if each.is_refused]
        super().__init__(violated_policies=[each.limit.name for each in refused])

    def headers(self) -> dict[str, str]:
        wait = max(each.retry_after for each in self.standings)
        return headers(self.standings) | {"Retry-After": str(wait)}


def headers(standings: Iterable[Standing]) -> dict[str, str]:
    """Return the RateLimit headers of a response."""
    standings = list(standings)
    return {
        "RateLimit-Policy": ", ".join(each.limit.policy for each in standings),
        "RateLimit": ", ".join(
            f'"{each.limit.name}";r={each.remaining};t={each.reset}'
            for each in standings
        ),
    }


def charge_key(key: APIKey) -> list[Standing]:
    """Count one request of an API key against its tier, or raise RateLimited."""
    quota = settings.API_RATE_LIMITS[key.rate_limit_tier]
    return take(Limit("key", quota, 3600, str(key.pk)))


def network_of(address: str) -> str:
    """Return what one stranger has of an address: of IPv6 a whole /64."""
    try:
        known = ip_address(address)
    except ValueError:
        return address
    if known.version == 4:
        return str(known)
    if known.ipv4_mapped is not None:
        return str(known.ipv4_mapped)
    return str(ip_network((known, 64), strict=False))


def take(*limits: Limit) -> list[Standing]:
    """Take one from every bucket, or raise RateLimited and take from none."""
    keys = [f"ya:limit:{each.name}:{each.key}" for each in limits]
    try:
        ask = _script(redis_pool.connect(settings.REDIS_URL))
        arguments = [number for each in limits for number in (each.quota, each.window)]
        waits = [float(wait) for wait in ask(keys=keys, args=arguments)]
    except redis.RedisError as error:
        log.warning("Rate limits are kept by each process alone", error=str(error))
        waits = _local.take(keys, limits)
    standings = [_standing(*pair) for pair in zip(limits, waits, strict=True)]
    if any(each.is_refused for each in standings):
        raise RateLimited(standings)
    return standings


def _standing(limit: Limit, wait: float) -> Standing:
    """Work out how a bucket stands that would have been full in `wait` ms."""
    window = limit.window * 1000
    share = window / limit.quota
    over = wait + share - window
    if over > 0.001:
        return Standing(limit, 0, math.ceil(wait / 1000), math.ceil(over / 1000))
    remaining = math.floor((-over + 0.001) / share)
    return Standing(limit, remaining, math.ceil((wait + share) / 1000), 0)


@lru_cache(maxsize=2)
def _script(client: redis.Redis) -> Script:
    return client.register_script(SCRIPT)


class _Local:
    """The same buckets in this process's memory, for when Redis is away."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.full_at: dict[str, float] = {}

    def take(self, keys: list[str], limits: Iterable[Limit]) -> list[float]:
        with self.lock:
            now = time.monotonic() * 1000
            if len(self.full_at) > MOST_LOCAL_KEYS:
                self.full_at = {k: at for k, at in self.full_at.items() if at > now}
            waits, full = [], {}
            for key, limit in zip(keys, limits, strict=True):
                at = max(self.full_at.get(key, 0), now)
                waits.append(at - now)
                full[key] = at + limit.window * 1000 / limit.quota
            refused = any(
                full[key] - now > limit.window * 1000 + 0.001
                for key, limit in zip(keys, limits, strict=True)
            )
            if not refused:
                self.full_at.update(full)
            return waits


_local = _Local()
