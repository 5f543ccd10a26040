"""A real Chromium, pages of other people to open in it, and axe to judge them."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from functools import cache, partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from shutil import which
from typing import Any, NamedTuple

from playwright.sync_api import Browser, Frame, Page, sync_playwright

AXE = Path(__file__).parent / "vendor" / "axe-core" / "axe.js"
# Chromium without the window around its pages, whose painting is a fifth of the work.
CHROMIUM = which("chromium-headless-shell") or which("chromium") or "chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    # A page lives for a second: what is optimised for it is hardly used.
    "--js-flags=--no-maglev,--no-turbofan",
]


# Where the browser listens that several workers of a run share.
SHARED = "TESTS_BROWSER"


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Drive the run's one Chromium for the length of a block, and start it if alone."""
    # Playwright leaves an event loop running in this thread, which Django takes
    # for asynchronous code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    try:
        with sync_playwright() as playwright:
            kind = playwright.chromium
            if address := os.environ.get(SHARED):
                browser = kind.connect(address)
            else:
                browser = kind.launch(executable_path=CHROMIUM, args=FLAGS)
            yield browser
            browser.close()
    finally:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@contextlib.contextmanager
def shared_chromium() -> Iterator[None]:
    """Run one Chromium for all processes started within a block."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as options:
        json.dump({"executablePath": CHROMIUM, "args": FLAGS}, options)
        options.flush()
        server = subprocess.Popen(  # noqa: S603
            [
                *(sys.executable, "-m", "playwright", "launch-server"),
                *("--browser", "chromium", "--config", options.name),
            ],
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            os.environ[SHARED] = server.stdout.readline().strip()
            assert os.environ[SHARED].startswith("ws://"), "Chromium did not start."
            yield
        finally:
            os.environ.pop(SHARED, None)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGTERM)
            server.wait(30)
            server.stdout.close()


class HostPage(NamedTuple):
    body: str
    headers: dict[str, str] = {}


class HostSite:
    """Somebody else's site: pages by path, served from another origin."""

    def __init__(self, host: str = "localhost") -> None:
        self.pages: dict[str, HostPage] = {}
        self.asked: list[str] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append(self.path)
                page = site.pages.get(self.path)
                self.send_response(200 if page else 404)
                body = page.body.encode() if page else b""
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                for name, value in (page.headers if page else {}).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://{host}:{self.server.server_port}"
        serve = partial(self.server.serve_forever, poll_interval=0.02)
        self.thread = threading.Thread(target=serve, daemon=True)
        self.thread.start()

    def show(self, path: str, body: str, **headers: str) -> str:
        """Put a page there and return its address."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.pages[path] = HostPage(body, named)
        return self.origin + path

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(5)


@contextlib.contextmanager
def host_site(host: str = "localhost") -> Iterator[HostSite]:
    site = HostSite(host)
    try:
        yield site
    finally:
        site.close()


OF_STYLE_SHEETS = "css-orientation-lock"


@cache
def axe_source() -> str:
    return AXE.read_text()


def axe_violations(place: Page | Frame, *rules: str) -> list[str]:
    """Return what axe finds in one document, best practices included.

    `rules` name the only ones to ask, for example after a change of colours. Style
    sheets are read for the one rule about them alone: it takes a third of the time.
    """
    if not place.evaluate("'axe' in window"):
        place.evaluate(axe_source())
    options: dict[str, Any] = {
        "iframes": False,
        "resultTypes": ["violations"],
        "preload": OF_STYLE_SHEETS in rules,
    }
    if rules:
        options["runOnly"] = list(rules)
    found = place.evaluate(
        "options => axe.run(document, options).then(({violations}) => violations.map("
        "({id, impact, nodes}) => `${impact} ${id}: ${nodes.map(n => n.html)}`))",
        options,
    )
    return list(found)
