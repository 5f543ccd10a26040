"""The load: wrk where it is installed, else a small generator of our own."""

import asyncio
import json
import resource
import shutil
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


@dataclass
class Load:
    """Requests of one kind, each to the next path with the next key."""

    method: str
    paths: list[str]
    keys: list[str]
    # A body with %d where the request's number goes.
    body: str = ""
    # Sent with each; `keys` go into X-API-Key.
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Outcome:
    """What a burst of load saw."""

    requests: int
    seconds: int
    p50: float
    p99: float
    failed: int
    used_milliseconds: int = field(default=0.0, compare=False)

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds


def generator() -> str:
    return "wrk" if shutil.which("wrk") else "benchmarks.load (Python)"


_numbers = iter(range(1, 1_000_000_000, 1_000_000))


def run(url: str, load: Load, *, clients: int, seconds: int, kept: Path) -> Outcome:
    """Send requests for some seconds over this many connections."""
    first = next(_numbers)
    if shutil.which("wrk"):
        script = kept / "load.lua"
        script.write_text(LUA % (lua(load), first))
        command = ["wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "-s", script, url]
    else:
        given = kept / "load.json"
        spec = {"url": url, "clients": clients, "seconds": seconds, "first": first}
        given.write_text(json.dumps(spec | asdict(load)))
        command = [sys.executable, "-m", "benchmarks.load", given]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError(f"The load generator failed: {done.stderr or done.stdout}")
    outcome = Outcome(**json.loads(done.stdout.strip().rpartition("\n")[2]))
    outcome.used_milliseconds = 1000 * (
        after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    )
    return outcome


# --- wrk --------------------------------------------------------------------
LUA = """
local load = %s
local number = %d
request = function()
  number = number + 1
  local headers = {
    ["X-API-Key"] = load.keys[number %% #load.keys + 1],
    ["Content-Type"] = "application/json",
  }
  for name, value in pairs(load.headers) do headers[name] = value end
  local body = nil
  if load.body ~= "" then body = string.format(load.body, number) end
  local path = load.paths[number %% #load.paths + 1]
  return wrk.format(load.method, path, headers, body)
end
done = function(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests": %%d, "seconds": %%f, "p50": %%f, "p99": %%f, "failed": %%d}\\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1000,
    latency:percentile(99) / 1000,
    errors.status + errors.connect + errors.read + errors.write + errors.timeout))
end
"""


def lua(value: Any) -> str:
    """Write a value as Lua does."""
    if isinstance(value, Load):
        fields = asdict(value).items()
        return "{" + ", ".join(f"{name} = {lua(item)}" for name, item in fields) + "}"
    if isinstance(value, list):
        return "{" + ", ".join(map(lua, value)) + "}"
    if isinstance(value, dict):
        items = (f"[{lua(name)}] = {lua(item)}" for name, item in value.items())
        return "{" + ", ".join(items) + "}"
    return json.dumps(value)


# --- our own ----------------------------------------------------------------
class Client:
    """One connection that asks again as soon as it is answered."""

    def __init__(self, spec: dict[str, Any], number: int) -> None:
        self.spec = spec
        self.number = number
        self.taken: list[float] = []
        self.failed = 0

    def request(self) -> bytes:
        self.number += self.spec["clients"]
        number, spec = self.number, self.spec
        body = (spec["body"] % number).encode() if spec["body"] else b""
        head = [
            f"{spec['method']} {spec['paths'][number % len(spec['paths'])]} HTTP/1.1",
            f"Host: {urlsplit(spec['url']).netloc}",
            f"X-API-Key: {spec['keys'][number % len(spec['keys'])]}",
            f"Content-Length: {len(body)}",
        ]
        headers = {"Content-Type": "application/json"} | spec["headers"]
        head += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join([*head, "", ""]).encode() + body

    async def run(self, end: float) -> None:
        address = urlsplit(self.spec["url"])
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        while time.monotonic() < end:
            start = time.monotonic()
            writer.write(self.request())
            status = await read_answer(reader)
            self.taken.append((time.monotonic() - start) * 1000)
            self.failed += status >= 400
        writer.close()


async def read_answer(reader: asyncio.StreamReader) -> int:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
    await reader.readexactly(length)
    return int(head.split(b" ", 2)[1])


async def generate(spec: dict[str, Any]) -> Outcome:
    start = time.monotonic()
    clients = [Client(spec, spec["first"] + n) for n in range(spec["clients"])]
    await asyncio.gather(*(one.run(start + spec["seconds"]) for one in clients))
    taken = sorted(milliseconds for one in clients for milliseconds in one.taken)
    return Outcome(
        requests=len(taken),
        seconds=time.monotonic() - start,
        p50=taken[len(taken) // 2],
        p99=taken[min(len(taken) - 1, int(len(taken) * 0.99))],
        failed=sum(one.failed for one in clients),
    )


if __name__ == "__main__":
    outcome = asyncio.run(generate(json.loads(Path(sys.argv[1]).read_text())))
    print(json.dumps(asdict(outcome)))
