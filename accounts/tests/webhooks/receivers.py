"""A receiver of webhooks on loopback, well-behaved or not."""

import contextlib
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Received = tuple[dict[str, str], bytes]


class Receiver:
    """Where it listens, and what it was sent."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/hook"
        self.port = port
        self.requests: list[Received] = []


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        """A sender that hangs up is what some tests are about."""


@contextlib.contextmanager
def receiving(
    status: int = 204,
    headers: dict[str, str] | None = None,
    body: bytes = b"",
    wait: Callable[[], object] = bool,
) -> Iterator[Receiver]:
    """Answer every POST alike, and keep what came."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            length = int(self.headers["Content-Length"])
            received.requests.append((dict(self.headers), self.rfile.read(length)))
            wait()
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            """Say nothing."""

    with _served(_Server(("127.0.0.1", 0), Handler)) as server:
        received = Receiver(server.server_port)
        yield received


@contextlib.contextmanager
def misbehaving(talk: Callable[[socket.socket], object]) -> Iterator[Receiver]:
    """Read a request, then do to the connection whatever the test wants."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            received.requests.append(({}, self.request.recv(65_536)))
            with contextlib.suppress(OSError):
                talk(self.request)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    with _served(Server(("127.0.0.1", 0), Handler)) as server:
        received = Receiver(server.server_address[1])
        yield received


@contextlib.contextmanager
def _served(server: socketserver.BaseServer) -> Iterator[socketserver.BaseServer]:
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
