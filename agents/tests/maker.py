"""A model's maker on loopback that speaks OpenAI's protocol, well-behaved or not."""

import contextlib
import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from agents.llm.accounts import Account
from agents.llm.openai_chat import OpenAICompatible
from agents.llm.provider import Delta, Ending, ProviderError, Turn
from agents.models import ProviderAccount
from agents.providers.accounts import create_account

LOOPBACK = ["127.0.0.0/8"]
USAGE = {"prompt_tokens": 31, "completion_tokens": 7, "total_tokens": 38}
# What a handler writes, instead of a status and a body.
Talk = Callable[["Wire"], None]


def chunk(text: str | None = None, finish: str | None = None, **more: Any) -> dict:
    delta = {} if text is None else {"content": text}
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return head | {"choices": [choice]} | more


def as_events(*chunks: Any) -> bytes:
    return b"".join(b"data: %b\n\n" % json.dumps(one).encode() for one in chunks)


def answering(*words: str, usage: dict[str, int] | None = USAGE) -> Talk:
    """Say these words, then what they took."""

    def talk(wire: "Wire") -> None:
        wire.begin()
        wire.write(as_events(*(chunk(word) for word in words), chunk(finish="stop")))
        if usage:
            wire.write(as_events(chunk(usage=usage) | {"choices": []}))
        wire.write(b"data: [DONE]\n\n")
        wire.end()

    return talk


def refusing(status: int, headers: dict[str, str] | None = None, **error: Any) -> Talk:
    """Answer with an error as OpenAI words it, its message full of secrets."""
    body = {"error": {"message": "Wrong key sk-secret-in-error", **error}}

    def talk(wire: "Wire") -> None:
        wire.whole(status, json.dumps(body).encode(), headers or {})

    return talk


def cut_after(*words: str) -> Talk:
    """Say these words, then hang up."""

    def talk(wire: "Wire") -> None:
        wire.begin()
        wire.write(as_events(*(chunk(word) for word in words)))
        wire.cut()

    return talk


def slowly(text: str, seconds: float) -> Talk:
    """Say a word, wait, say the next one."""

    def talk(wire: "Wire") -> None:
        wire.begin()
        for word in text.split(" "):
            if wire.over.wait(seconds):
                return
            wire.write(as_events(chunk(f"{word} ")))
        wire.write(as_events(chunk(finish="stop"), chunk(usage=USAGE)))
        wire.end()

    return talk


def endless(wire: "Wire") -> None:
    wire.begin()
    while not wire.over.is_set():
        wire.write(as_events(*[chunk("word ")] * 50))


class Wire:
    """One connection, as a test's server holds it."""

    def __init__(self, handler: BaseHTTPRequestHandler) -> None:
        self.handler = handler
        # Set when the test is over: nobody is left waiting.
        self.over: threading.Event = handler.server.over

    def begin(self, content_type: str = "text/event-stream", **headers: str) -> None:
        self.handler.send_response(200)
        self.handler.send_header("Content-Type", content_type)
        self.handler.send_header("Transfer-Encoding", "chunked")
        for name, value in headers.items():
            self.handler.send_header(name.replace("_", "-"), value)
        self.handler.end_headers()

    def write(self, data: bytes) -> None:
        self.handler.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))

    def end(self) -> None:
        self.handler.wfile.write(b"0\r\n\r\n")

    def whole(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.handler.send_response(status)
        for name, value in headers.items():
            self.handler.send_header(name, value)
        self.handler.send_header("Content-Length", str(len(body)))
        self.handler.end_headers()
        self.handler.wfile.write(body)

    def cut(self) -> None:
        self.handler.connection.shutdown(socket.SHUT_RDWR)


class Maker:
    """Where it listens, what it was asked, and what it will do."""

    def __init__(self, port: int) -> None:
        self.base_url = f"http://127.0.0.1:{port}/v1"
        self.script: list[Talk] = []
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.models = ["small-1", "large-1", "embed-1"]
        self.lists_models = True
        self.dimensions = 4

    def will(self, *script: Talk) -> "Maker":
        """Do this, one thing a request, the last one ever after."""
        self.script = list(script)
        return self

    def talk(self, path: str, body: dict[str, Any] | None) -> Talk:
        if path.endswith("/models"):
            if not self.lists_models:
                return refusing(404)
            rows = [{"id": each, "object": "model"} for each in self.models]
            return _json({"object": "list", "data": rows})
        if path.endswith("/embeddings"):
            return _json({"object": "list", "data": self._vectors(body["input"])})
        self.bodies.append(body)
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]

    def _vectors(self, texts: list[str]) -> list[dict[str, Any]]:
        return [
            {"index": n, "object": "embedding", "embedding": self._vector(text)}
            for n, text in enumerate(texts)
        ]

    def _vector(self, text: str) -> list[float]:
        """Texts with the same word point the same way."""
        about = "ship" in text.lower() or "deliver" in text.lower()
        return [1.0 if n == int(about) else 0.01 for n in range(self.dimensions)]


def _json(value: Any) -> Talk:
    headers = {"Content-Type": "application/json"}
    return lambda wire: wire.whole(200, json.dumps(value).encode(), headers)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        """A client that hangs up is what some tests are about."""


@contextlib.contextmanager
def making(*script: Talk) -> Iterator[Maker]:
    """Run a maker that does this, one thing a request."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            length = int(self.headers["Content-Length"])
            self._answer(json.loads(self.rfile.read(length)))

        def do_GET(self):
            self._answer(None)

        def _answer(self, body):
            self.close_connection = True
            sent = {name.lower(): value for name, value in self.headers.items()}
            maker.headers.append(sent)
            with contextlib.suppress(OSError):
                maker.talk(self.path, body)(Wire(self))

        def log_message(self, *args):
            """Say nothing."""

    server = _Server(("127.0.0.1", 0), Handler)
    server.over = threading.Event()
    maker = Maker(server.server_port).will(*script or (answering("OK."),))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield maker
    finally:
        server.over.set()
        server.shutdown()
        server.server_close()
        thread.join(10)


def account_at(maker: Maker, organization, **fields: Any) -> ProviderAccount:
    """Return an account of the organization's at this maker."""
    wishes = {
        "name": "Maker",
        "kind": "other",
        "api_key": "sk-very-secret-1234",
        "default_model": "small-1",
        "base_url": maker.base_url,
    }
    return create_account(organization=organization, actor=None, **wishes | fields)


# --- Asking it directly -----------------------------------------------------
SECRET = "sk-very-secret-1234"


def asked_at(maker: Maker, **fields: Any) -> Account:
    """Return what it takes to ask this maker, with a circuit of its own."""
    known = {
        "key": os.urandom(8).hex(),
        "name": "Maker",
        "kind": "other",
        "base_url": maker.base_url,
        "model": "small-1",
        "api_key": SECRET,
    }
    return Account(**known | fields)


def turn(**fields: Any) -> Turn:
    return Turn(**{"question": "How long?", "agent_name": "Desk"} | fields)


def heard(
    *accounts: Account, seconds: float | None = None, **fields: Any
) -> tuple[str, Ending]:
    """Return the text of an answer, and its ending."""
    parts = list(OpenAICompatible(accounts, seconds).stream(turn(**fields)))
    text = "".join(part.text for part in parts if isinstance(part, Delta))
    assert isinstance(parts[-1], Ending)
    return text, parts[-1]


def refused(*accounts: Account, **fields: Any) -> ProviderError:
    """Return the error an answer ends with, in which nothing is secret."""
    with pytest.raises(ProviderError) as failure:
        heard(*accounts, **fields)
    assert "secret" not in str(failure.value)
    return failure.value
