"""Serve the web: `python -m config.serve` takes granian's own arguments.

The application is loaded once, before granian forks: its workers share that memory,
start at once, and are replaced at once when one dies. New code needs a restart: on HUP
granian replaces its workers, but by ones with the code loaded here.
"""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from celery import current_app
from django.urls import reverse
from granian.cli import entrypoint

# Django REST framework imports these where they are installed, for clients, browsable
# pages and schemas that are not in use here: ten megabytes that nobody would miss.
UNUSED = ("coreapi", "docutils", "markdown", "pygments")


@contextmanager
def hidden(*names: str) -> Iterator[None]:
    """Let packages be found only later, by who really needs them."""
    names = [name for name in names if name not in sys.modules]
    sys.modules |= dict.fromkeys(names)
    try:
        yield
    finally:
        for name in names:
            del sys.modules[name]


def load() -> None:
    """Import everything that a first request would, and a first task that is sent."""
    with hidden(*UNUSED):
        import config.asgi  # noqa: F401

        reverse("health-live")
    _ = current_app.amqp.router
    # What is there now stays: the collector need not touch, and so copy, its pages.
    gc.collect()
    gc.freeze()
    # With so little left to look through a full collection is cheap; answers wait for
    # it in cycles, and at the usual thresholds too many of them at once.
    gc.set_threshold(1000, 5, 2)


if __name__ == "__main__":
    load()
    entrypoint()
