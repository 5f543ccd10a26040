"""A web site on loopback, well-behaved or not."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# A body, or a status with headers and a body, or a function that does the talking.
Page = str | bytes | tuple[int, dict[str, str], str | bytes] | Callable[[Any], None]


class Site:
    """Where it stands, what it serves by path, and what it was asked for."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/"
        self.pages: dict[str, Page] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []

    @property
    def paths(self) -> list[str]:
        return [path for path, _ in self.asked]


@contextlib.contextmanager
def serving(**pages: Page) -> Iterator[Site]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            site.asked.append((self.path, dict(self.headers)))
            page = site.pages.get(self.path, (404, {}, "nothing"))
            if callable(page):
                with contextlib.suppress(OSError):
                    page(self)
                self.close_connection = True
                return
            status, headers, body = page if isinstance(page, tuple) else (200, {}, page)
            raw = body.encode() if isinstance(body, str) else body
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *args):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None
    site = Site(server.server_port)
    site.pages |= pages
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def html(title: str, text: str, *links: str, head: str = "") -> str:
    """Return a page with a heading, a paragraph and links."""
    anchors = " ".join(f'<a href="{link}">on</a>' for link in links)
    return (
        f"<!doctype html><html><head><title>{title}</title>{head}</head><body><main>"
        f"<h1>{title}</h1><p>{text}</p></main><nav>{anchors}</nav></body></html>"
    )
