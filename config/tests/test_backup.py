"""The documented backup brings every row back, also to a role of no privileges.

The commands are those of `docs/operations.md`, with the names replaced.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import quote

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from agents.tests.factories import MessageFactory, SessionFactory, knowing_agent
from config import embedded
from config.database import disconnect
from config.environment import BASE_DIR
from metrics.services import AgentMetricsService

pytestmark = [pytest.mark.process, pytest.mark.django_db(transaction=True)]
VERIFIERS = ("check_database", "verify_audit", "verify_metrics", "reconcile")
ROWS = """
    SELECT format('%s rows of %s: %s', count(*), '{table}', md5(coalesce(
        string_agg(md5(row::text), '' ORDER BY md5(row::text)), ''
    ))) FROM {table} AS row
"""
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
SEQUENCES = "SELECT format('%s: %s', sequencename, last_value) FROM pg_sequences"


class Backup(NamedTuple):
    source: str
    folder: str

    def url(self, name: str, role: str = embedded.ROLE) -> str:
        place = quote(str(embedded.socket_dir(settings.DATA_DIR)))
        return f"postgresql://{role}@/{name}?host={place}"

    @property
    def owner(self) -> str:
        return f"{self.source}_owner"

    @property
    def restored(self) -> str:
        return f"{self.source}_restored"

    def run(self, block: str) -> None:
        """Run commands of the document on this database."""
        names = {
            "youragent_restored": self.restored,
            "youragent_before": f"{self.source}_before",
            "youragent.dump": "the.dump",
            "OWNER youragent": f"OWNER {self.owner}",
            "--username=youragent": "--username=postgres",
            "docker compose exec -T postgres ": "",
            "youragent": self.source,
        }
        pattern = "|".join(map(re.escape, names))
        block = re.sub(pattern, lambda found: names[found[0]], block)
        environment = documented("config.embedded environment").replace(
            ".venv/bin/python", sys.executable
        )
        environment = environment.replace(".data", str(settings.DATA_DIR))
        urls = {
            "DATABASE_URL": self.url(self.source),
            "RESTORED_URL": self.url(self.restored, self.owner),
            "PGHOST": str(embedded.socket_dir(settings.DATA_DIR)),
        }
        exports = "".join(f"export {name}='{url}'\n" for name, url in urls.items())
        subprocess.run(  # noqa: S603
            ["/bin/bash", "-euc", f"{environment}cd {self.folder}\n{exports}{block}"],
            cwd=BASE_DIR,
            check=True,
        )

    def content(self, name: str) -> set[str]:
        """Return a digest of each table's rows, and how far each sequence is."""
        with psycopg.connect(self.url(name, "postgres")) as database:
            tables = [table for (table,) in database.execute(TABLES)]
            found = set(database.execute(SEQUENCES))
            for table in tables:
                found.add(database.execute(ROWS.format(table=table)).fetchone())
        return {text for (text,) in found}

    def manage(self, command: str) -> subprocess.CompletedProcess:
        return subprocess.run(  # noqa: S603
            [sys.executable, "manage.py", command],
            cwd=BASE_DIR,
            env=os.environ | {"DATABASE_URL": self.url(self.restored, self.owner)},
            capture_output=True,
            text=True,
        )


def documented(what: str, but: str = "nothing of the kind") -> str:
    """Return the one block of commands in which something occurs."""
    text = (BASE_DIR / "docs/operations.md").read_text()
    blocks = re.findall(r"```bash\n(.*?)```", text, re.DOTALL)
    (block,) = (one for one in blocks if what in one and but not in one)
    return block


def drop(backup: Backup) -> None:
    with embedded._superuser(settings.DATA_DIR, "postgres") as postgres:
        for name in (backup.source, backup.restored, f"{backup.source}_before"):
            postgres.execute(f"DROP DATABASE IF EXISTS {name}")
        postgres.execute(f"DROP ROLE IF EXISTS {backup.owner}")


@pytest.fixture
def backup(api, ada, tmp_path) -> Iterator[Backup]:
    """A database with something in it, and a role that may only create databases."""
    agent = knowing_agent("Open until six.", organization=ada.organization)
    session = SessionFactory(agent_ref=agent)
    MessageFactory(session=session, role="user", content="When do you close?")
    api.post("/api/v1/agents/", {"name": "One"}, format="json")
    AgentMetricsService(ada.organization).record_learning("desk", {"success_rate": 0.5})
    template = connection.settings_dict["NAME"]
    backup = Backup(f"{template}_backup", str(tmp_path))
    drop(backup)
    disconnect()  # nobody may look on while it is copied
    with embedded._superuser(settings.DATA_DIR, "postgres") as postgres:
        postgres.execute(f"CREATE ROLE {backup.owner} LOGIN CREATEDB")
        postgres.execute(
            f"CREATE DATABASE {backup.source} OWNER {embedded.ROLE} TEMPLATE {template}"
        )
    with embedded._superuser(settings.DATA_DIR, backup.source) as database:
        database.execute("DROP SCHEMA kept CASCADE")
    yield backup
    drop(backup)


@pytest.fixture
def restored(backup) -> Backup:
    """The backup, restored by an ordinary role."""
    backup.run(documented("pg_dump", but="docker"))
    backup.run(documented("CREATE DATABASE"))
    backup.run(documented("pg_restore", but="docker"))
    return backup


def test_an_ordinary_role_restores_every_row(restored):
    before = restored.content(restored.source)
    assert any(text.startswith("1 rows of chunks") for text in before)
    assert restored.content(restored.restored) == before


def test_every_verifier_accepts_what_was_restored(restored):
    ended = {name: restored.manage(name) for name in VERIFIERS}
    assert {name: one.returncode for name, one in ended.items()} == dict.fromkeys(
        VERIFIERS, 0
    ), [one.stdout + one.stderr for one in ended.values()]
    assert "schema: complete" in ended["check_database"].stdout


def test_what_a_restore_has_lost_is_named(restored):
    with embedded._superuser(settings.DATA_DIR, restored.restored) as database:
        database.execute("DROP EXTENSION vector CASCADE")
        database.execute("DROP TABLE documents CASCADE")
    ended = restored.manage("check_database")
    assert ended.returncode == 1
    for part in (
        "extension vector",
        "column embedding of chunks",
        "index ix_chunks_nearest_256",
        "table documents",
    ):
        assert f"missing: {part}\n" in ended.stdout


def test_the_restored_database_takes_the_place_of_the_other(restored):
    before = restored.content(restored.source)
    restored.run(documented("RENAME TO"))
    assert restored.content(restored.source) == before
    assert restored.content(f"{restored.source}_before") == before


def test_the_commands_for_docker_restore_every_row(backup):
    dump, copy = documented("docker compose exec -T postgres pg_dump").splitlines()
    assert copy.startswith("docker compose cp web:/data/audit-anchor.log")
    backup.run(dump)
    backup.run(documented("docker compose exec -T postgres pg_restore"))
    assert backup.content(backup.restored) == backup.content(backup.source)
