"""Have a file read by a process that may die of it: text out, or a cause in words."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import structlog

from agents.knowledge.kinds import Kind
from agents.knowledge.readers.__main__ import OUT_OF_MEMORY
from agents.knowledge.readers.reading import Reading, Unreadable

log = structlog.get_logger(__name__)

# Less than the lease of the work that waits for it.
SECONDS = 40
MEMORY_BYTES = 768 * 2**20
TOO_SLOW = "Reading it took too long. Split it, or save it as plain text."
TOO_LARGE = "Reading it takes more memory than one document may have. Split it."
BROKEN = "It is damaged, or not what it says it is; it could not be read."
CODE = Path(__file__).resolve().parents[2]


def read_file(
    raw: bytes,
    kind: Kind,
    *,
    url: str = "",
    charset: str = "",
    seconds: float = SECONDS,
    memory_bytes: int = MEMORY_BYTES,
) -> Reading:
    """Return what a file says. Raises Unreadable, whatever the file does.

    `seconds` are those of a clock on the wall.
    """
    # Files rather than pipes: the kernel then bounds what is written, and nothing
    # waits for anybody.
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as made:
        given.write(raw)
        given.seek(0)
        code, said = _run([kind, url, charset, str(memory_bytes)], given, made, seconds)
        if code:
            raise Unreadable(_cause(code, kind, said))
        made.seek(0)
        answer = json.load(made)
    if cause := answer.get("cause"):
        raise Unreadable(cause)
    return Reading(**answer)


def _run(arguments: list[str], given, made, seconds: float) -> tuple[int, bytes]:
    """Run the reader; return how it ended and the last it said."""
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "agents.knowledge.readers", *arguments],
            stdin=given,
            stdout=made,
            stderr=errors,
            cwd=CODE,
            # Neither our secrets nor our addresses.
            env={"PATH": os.defpath, "LANG": "C.UTF-8"},
        )
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Unreadable(TOO_SLOW) from None
        finally:
            # Also when the worker itself is told to stop.
            process.kill()
            process.wait()
        errors.seek(0)
        return code, errors.read(2_000)


def _cause(code: int, kind: Kind, said: bytes) -> str:
    log.warning(
        "Reader ended", kind=kind.value, code=code, said=said.decode("utf-8", "replace")
    )
    if code == OUT_OF_MEMORY or b"MemoryError" in said:
        return TOO_LARGE
    # By the kernel, for the seconds it computed.
    return TOO_SLOW if code in KILLED_FOR_TIME else BROKEN


KILLED_FOR_TIME = (-24, -9)
