"""Give several workers of a test run what each needs alone, and what all share.

Alone a Redis database; those of PostgreSQL are named by worker anyway. A plugin, as
pytest reads those before the settings. Together one Chromium, started by who starts
the workers.
"""

import os
from contextlib import ExitStack
from pathlib import Path

from config import embedded

# The first ones are the tests' own, to point at others' servers or at empty ones.
FIRST = 10

if (worker := os.environ.get("PYTEST_XDIST_WORKER", "")) and not os.environ[
    "REDIS_URL"
]:
    usual = embedded.redis_url(Path(os.environ["DATA_DIR"]))
    number = FIRST + int(worker.removeprefix("gw"))
    os.environ["REDIS_URL"] = usual.replace("?db=0", f"?db={number}")


def pytest_configure(config):
    workers = getattr(config.option, "numprocesses", None)
    if not workers or worker or config.option.markexpr != "browser":
        return
    from config.tests.browsing import shared_chromium

    shared = ExitStack()
    config.add_cleanup(shared.close)
    shared.enter_context(shared_chromium())
