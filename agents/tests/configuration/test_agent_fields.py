"""A setting of an agent is declared once, and is everywhere."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.conf import settings
from django.db import connection

from agents.models import Agent, AgentVersion
from agents.models.agents import SETTINGS, SHAPING_SETTINGS

ROOT = Path(settings.BASE_DIR)
LAST = "    auto_optimize = setting(models.BooleanField(default=True), in_copy=False)\n"
ADDED = """\
    tone = setting(models.CharField(max_length=20, default="plain"))
    most_words = setting(models.PositiveSmallIntegerField(default=90), shapes=True)
"""
CONFIG = "    config = models.JSONField(default=dict)\n"
IN_VERSION = "    most_words = models.PositiveSmallIntegerField(default=90)\n"


def insert(path: Path, after: str, lines: str) -> None:
    text = path.read_text()
    assert text.count(after) == 1
    path.write_text(text.replace(after, after + lines))


@pytest.fixture(scope="module")
def added(django_db_setup, tmp_path_factory):
    """What becomes of two settings that are declared in a copy of the product."""
    copy = tmp_path_factory.mktemp("house")
    for entry in ROOT.iterdir():
        if entry.name == "agents":
            shutil.copytree(entry, copy / "agents")
        elif not entry.name.startswith("."):
            (copy / entry.name).symlink_to(entry)
    insert(copy / "agents/models/agents.py", LAST, ADDED)
    insert(copy / "agents/models/versions.py", CONFIG, IN_VERSION)
    mine = urlsplit(settings.DATABASE_URL)._replace(
        path=f"/{connection.settings_dict['NAME']}"
    )
    done = subprocess.run(
        [
            sys.executable,
            "-W",
            "ignore",
            "-m",
            "agents.tests.configuration.added_settings",
        ],
        cwd=copy,
        env=os.environ | {"DATABASE_URL": urlunsplit(mine)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.process
@pytest.mark.django_db(transaction=True)
def test_a_declared_setting_is_in_bodies_and_answers(added):
    assert added["made"] == ["warm", 40]
    assert added["one"] == ["dry", 50]
    assert added["listed"] == [["dry", 50]]
    assert added["refused"] == ["/tone", "/most_words"]


@pytest.mark.process
@pytest.mark.django_db(transaction=True)
def test_a_declared_setting_has_its_columns_default(added):
    assert added["silent"] == added["replaced"] == ["plain", 90]


@pytest.mark.process
@pytest.mark.django_db(transaction=True)
def test_a_declared_setting_makes_a_version_only_if_it_shapes_answers(added):
    assert (added["plain"], added["shaping"]) == (1, 2)
    assert added["versions"] == [50, 40]
    assert added["restored"] == ["dry", 40]


@pytest.mark.process
@pytest.mark.django_db(transaction=True)
def test_a_declared_setting_goes_with_a_clone_and_the_file(added):
    assert added["copied"] == added["file"] == added["imported"] == ["dry", 50]
    assert added["versions in file"] == [40, 50]


@pytest.mark.process
@pytest.mark.django_db(transaction=True)
def test_a_declared_setting_is_recorded(added):
    tone, words = ({"old": None, "new": new} for new in ("warm", 40))
    assert added["recorded"] == [
        {"tone": tone, "most_words": words},
        {"tone": {"old": "warm", "new": "dry"}},
        {"most_words": {"old": 40, "new": 50}},
        {"most_words": {"old": 50, "new": 40}},
        {
            "tone": {"old": "dry", "new": "plain"},
            "most_words": {"old": 40, "new": 90},
        },
    ]


@pytest.mark.process
@pytest.mark.django_db(transaction=True)
def test_operators_find_a_declared_setting(added):
    assert added["operators"] == ["template", "industry", "tone", "most_words"]


def test_a_column_is_a_setting_or_written_by_the_domain_alone():
    columns = {each.name for each in Agent._meta.concrete_fields if each.editable}
    assert columns == {each.name for each in SETTINGS} | {"id", "organization"}


def test_a_version_keeps_the_settings_that_shape_answers():
    facts = {
        *("id", "agent", "number", "author", "note", "parent", "origin"),
        *("persona_prompt", "custody_result", "created_at"),
    }
    columns = {each.name for each in AgentVersion._meta.concrete_fields}
    assert columns == facts | {each.name for each in SHAPING_SETTINGS}


def test_a_setting_is_written_only_where_it_is_declared_placed_and_used():
    files = [
        path.relative_to(ROOT).as_posix()
        for folder in ("accounts", "metrics", "agents", "widget", "config", "templates")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".html")
        and not {"tests", "migrations"} & set(path.parts)
        and "release_gate" in path.read_text()
    ]
    assert sorted(files) == [
        "agents/admin/agents.py",
        "agents/demo/harbor.py",
        "agents/lifecycle/editing.py",
        "agents/lifecycle/release.py",
        "agents/models/agents.py",
        "agents/views/forms/agents.py",
        "templates/agents/lifecycle/edit.html",
    ]
