"""What the widget's browser tests drive: our processes, a host page, a visitor."""

import contextlib
import fcntl
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from playwright.sync_api import BrowserContext, ConsoleMessage, Frame, Locator, Page

from config.celery import QUEUES
from config.heartbeat import connect, living_queues
from config.tests.browsing import HostSite
from config.tests.serving import Server, free_port, until

ROOT = Path(settings.BASE_DIR)


def test_database_url() -> str:
    """Address the database the tests write to."""
    known = settings.DATABASE_URL
    name = connection.settings_dict["NAME"]
    address, _, query = known.partition("?")
    return f"{address.rpartition('/')[0]}/{name}" + (f"?{query}" if query else "")


def collect_static() -> None:
    """Collect what the pages load, once for all workers of a run."""
    with (settings.DATA_DIR / "static.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # The last that is written.
        if not (Path(settings.STATIC_ROOT) / "staticfiles.json").exists():
            call_command("collectstatic", "--noinput", verbosity=0)


@contextlib.contextmanager
def product() -> Iterator[Server]:
    """Run web and replies as processes of their own on the tests' database."""
    collect_static()
    port = free_port()
    environ = {
        "DATABASE_URL": test_database_url(),
        "REDIS_URL": settings.REDIS_URL,
        "PUBLIC_BASE_URL": f"http://127.0.0.1:{port}",
        "LOG_LEVEL": "warning",
    }
    with tempfile.TemporaryFile() as said:
        worker = subprocess.Popen(  # noqa: S603
            [
                *(sys.executable, "-m", "celery", "--quiet", "-A", "config.celery"),
                *(
                    "worker",
                    "-Q",
                    ",".join(QUEUES),
                    "-P",
                    "threads",
                    "-c",
                    "2",
                ),
                *("--without-gossip", "--without-mingle", "--without-heartbeat"),
            ],
            cwd=ROOT,
            env=os.environ | environ | {"DB_POOL": "0"},
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        web = Server("config.asgi:application", port=port, **environ)

        def is_ready() -> bool:
            assert worker.poll() is None, os.pread(said.fileno(), 10_000, 0).decode()
            return web.answers("/health/live") and "replies" in living_queues(connect())

        try:
            until(is_ready, 90)
            yield web
        finally:
            web.stop()
            worker.terminate()
            worker.wait(20)


def snippet(address: str, agent: Any, config: str = "{}") -> str:
    """Return the two lines of the embed code."""
    return (
        f'<script src="{address}/static/widget/loader.js"></script>'
        f"<script>YourAgent.init({{agentPublicId: '{agent.public_id}', "
        f"config: {config}}});</script>"
    )


def one_line(address: str, agent: Any, more: str = "") -> str:
    """Return the embed code for pages that forbid inline scripts."""
    return (
        f'<script src="{address}/static/widget/loader.js" '
        f'data-agent-public-id="{agent.public_id}" {more} async></script>'
    )


def page_of(body: str, *, lang: str = "en", head: str = "", rest: str = "") -> str:
    return (
        f'<!DOCTYPE html><html lang="{lang}" {rest}><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" href="data:,"><title>Harbor Coffee</title>{head}</head>'
        "<body><main><h1>Tern hand grinder</h1><p>Steel burrs.</p>"
        f"<button id='buy'>Add to basket</button></main>{body}</body></html>"
    )


@dataclass
class Shop:
    """A host page open in the browser, with the widget on it."""

    context: BrowserContext
    site: HostSite
    address: str
    page: Page = field(init=False)
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def visit(self, html: str, **headers: str) -> "Shop":
        self.page = self.context.new_page()
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(self.site.show("/", html, **headers))
        return self

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    @property
    def launcher(self) -> Locator:
        return self.page.locator("your-agent button[aria-controls]")

    @property
    def panel(self) -> Frame:
        """The chat's frame, when its own page is there."""

        def found() -> Frame | None:
            ours = [f for f in self.page.frames if "/widget/frame/" in f.url]
            return ours[0] if ours else None

        return self.wait_for(found)

    def open(self) -> Frame:
        """Open the chat and wait until it takes questions."""
        self.launcher.click()
        return self.until_ready()

    def until_ready(self) -> Frame:
        panel = self.panel
        panel.wait_for_selector("#form:not([inert])")
        return panel

    def ask(self, question: str) -> None:
        self.panel.fill("#input", question)
        self.panel.press("#input", "Enter")

    def answers(self, count: int) -> list[str]:
        """Wait for that many finished answers, the welcome included."""
        log = self.panel.locator("#log > .them")
        log.nth(count - 1).wait_for(timeout=20_000)
        return log.all_inner_texts()

    def wait_for(self, condition: Any, seconds: float = 10) -> Any:
        """Wait while the browser goes on; a plain sleep would stop its events."""
        for _ in range(int(seconds * 50)):
            if result := condition():
                return result
            self.page.wait_for_timeout(20)
        raise AssertionError(f"Not within {seconds} s: {condition}")

    def ours(self) -> list[str]:
        """Every request that went to the product."""
        return [url for url in self.requests if url.startswith(self.address)]

    def openings(self) -> list[str]:
        """Every import of the chat's part."""
        return [url for url in self.ours() if "/open.js" in url]
