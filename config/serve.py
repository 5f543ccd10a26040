"""Serve the web: `python -m config.serve` takes granian's own arguments.

The application is loaded once, before granian forks: its workers share that memory,
start at once, and are replaced at once when one dies. New code needs a restart: on HUP
granian replaces its workers, but by ones with the code loaded here.
"""

import gc

from django.urls import reverse
from granian.cli import entrypoint


def load() -> None:
    """Import everything that a first request would."""
    import config.asgi  # noqa: F401

    reverse("health-live")
    # What is there now stays: the collector need not touch, and so copy, its pages.
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    load()
    entrypoint()
