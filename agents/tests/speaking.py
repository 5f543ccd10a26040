"""Providers for tests that need one to fail, and a look into the event stream."""

import json
from collections.abc import Generator
from typing import Any

from agents.conversations import event_stream
from agents.llm.provider import Delta, Ending, Turn


class Scripted:
    """Says what it is told to; an exception among its words is raised."""

    name = "scripted"

    def __init__(self, *script: Any) -> None:
        self.script = script
        self.turns: list[Turn] = []
        self.is_closed = False

    def stream(self, turn: Turn) -> Generator[Delta | Ending]:
        self.turns.append(turn)
        try:
            for step in self.script:
                if isinstance(step, Exception):
                    raise step
                if callable(step):
                    step()
                else:
                    yield Delta(step)
            yield Ending(prompt_tokens=3, answer_tokens=4)
        finally:
            self.is_closed = True


def events(session_id: Any) -> list[tuple[str, dict[str, Any]]]:
    """Return a session's events so far."""
    kept = event_stream._writer().xrange(event_stream.key(session_id))
    return [(e[b"event"].decode(), json.loads(e[b"data"])) for _, e in kept]


def names(session_id: Any) -> list[str]:
    return [name for name, _ in events(session_id)]


def said(session_id: Any) -> str:
    """Return the text of a session's tokens."""
    tokens = [data["text"] for name, data in events(session_id) if name == "token"]
    return "".join(tokens)
