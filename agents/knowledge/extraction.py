"""Have a file read by a process that may die of it: text out, or a cause in words."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import structlog

from agents.knowledge.chunks import Piece
from agents.knowledge.file_types import Kind
from agents.knowledge.readers.__main__ import OUT_OF_MEMORY, READ, SPLIT
from agents.knowledge.readers.reading import Reading, Unreadable

log = structlog.get_logger(__name__)

# Less than the lease of the work that waits for it.
SECONDS = 40
MEMORY_BYTES = 768 * 2**20
TOO_SLOW = "Reading it took too long. Split it, or save it as plain text."
TOO_SLOW_TO_SPLIT = "Dividing it into passages took too long. Split it."
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
    is_split: bool = False,
) -> Reading:
    """Return what a file says, with its passages if it `is_split`.

    Raises Unreadable, whatever the file does. `seconds` are those of a clock on the
    wall.
    """
    arguments = [kind, url, charset, str(memory_bytes), SPLIT if is_split else ""]
    return _read(raw, arguments, seconds)


def split_in_child(text: str, *, seconds: float = SECONDS) -> list[Piece]:
    """Return the passages of a text. Raises Unreadable if that costs too much."""
    arguments = [READ, "", "", str(MEMORY_BYTES), SPLIT]
    return _read(text.encode(), arguments, seconds).pieces


def _read(raw: bytes, arguments: list[str], seconds: float) -> Reading:
    # Files rather than pipes: the kernel then bounds what is written, and nothing
    # waits for anybody.
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as made:
        given.write(raw)
        given.seek(0)
        code, said = _run(arguments, given, made, seconds)
        if code:
            raise Unreadable(_cause(code, arguments[0], said))
        made.seek(0)
        answer = json.load(made)
    if cause := answer.get("cause"):
        raise Unreadable(cause)
    answer["pieces"] = [Piece(**piece) for piece in answer["pieces"]]
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
            raise Unreadable(_too_slow(arguments[0])) from None
        finally:
            # Also when the worker itself is told to stop.
            process.kill()
            process.wait()
        errors.seek(0)
        return code, errors.read(2_000)


def _too_slow(kind: str) -> str:
    return TOO_SLOW_TO_SPLIT if kind == READ else TOO_SLOW


def _cause(code: int, kind: str, said: bytes) -> str:
    log.warning(
        "Reader ended", kind=str(kind), code=code, said=said.decode("utf-8", "replace")
    )
    if code == OUT_OF_MEMORY or b"MemoryError" in said:
        return TOO_LARGE
    # By the kernel, for the seconds it computed.
    return _too_slow(kind) if code in KILLED_FOR_TIME else BROKEN


KILLED_FOR_TIME = (-24, -9)
