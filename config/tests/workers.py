"""Give each of several workers of a test run a Redis database of its own.

A plugin, as pytest reads those before the settings; the databases of PostgreSQL are
named by worker anyway.
"""

import os
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
