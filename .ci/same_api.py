#!/usr/bin/env python3
"""Say whether the OpenAPI document is that of another revision: .ci/same_api.py REV

Descriptions may differ: their white space and wording are left out.
"""

import io
import os
import secrets
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = {
    "ENV_FILE": "/dev/null",
    "PUBLIC_BASE_URL": "https://agents.example.com",
    "ALLOWED_HOSTS": "agents.example.com",
    "DATABASE_URL": "postgresql://user:password@localhost/youragent",
    "DB_POOL": "0",
    "REDIS_URL": "redis://localhost/0",
}


def document_of(folder: Path) -> Any:
    """Return the document that the product in a folder writes, without descriptions."""
    with tempfile.TemporaryDirectory() as data:
        written = subprocess.run(
            [sys.executable, "-W", "ignore", "manage.py", "spectacular"],
            cwd=folder,
            env=os.environ
            | SETTINGS
            | {"DATA_DIR": data, "SECRET_KEY": secrets.token_urlsafe(48)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    return folded(yaml.safe_load(written))


def folded(node: Any) -> Any:
    if isinstance(node, dict):
        return {
            key: folded(value)
            for key, value in node.items()
            if not (key in ("description", "summary") and isinstance(value, str))
        }
    return list(map(folded, node)) if isinstance(node, list) else node


def differences(old: Any, new: Any, place: str = "") -> list[str]:
    """Name each place where two documents differ."""
    if isinstance(old, dict) and isinstance(new, dict):
        return [
            found
            for key in sorted(old.keys() | new.keys(), key=str)
            for found in differences(old.get(key), new.get(key), f"{place}/{key}")
        ]
    return [] if old == new else [place]


def main() -> int:
    archive = subprocess.run(
        ["git", "archive", sys.argv[1]], cwd=ROOT, check=True, capture_output=True
    ).stdout
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            files.extractall(folder, filter="data")
        found = differences(document_of(Path(folder)), document_of(ROOT))
    print("\n".join(found) or "The documents are the same.")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
