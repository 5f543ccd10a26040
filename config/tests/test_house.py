"""The house: imports and relations point one way, and no room is a lumber room."""

import ast
import re
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings

from config.tests.kept import FILES, LEFT_OUT

ROOT = Path(settings.BASE_DIR)
HOUSE = {"accounts", "metrics", "agents", "widget", "config"}
MAY_USE = {
    "accounts": set(),
    "metrics": {"accounts"},
    "agents": {"accounts", "metrics"},
    "widget": {"accounts", "metrics", "agents"},
}
FORBIDDEN_ROOMS = {
    "utils",
    "helpers",
    "common",
    "core",
    "misc",
    "base",
    "managers",
    "selectors",
}


def imported_by(path: Path) -> set[str]:
    """Return the top-level packages a file imports, also inside functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


def modules_of(app: str) -> list[Path]:
    return [path for path in (ROOT / app).rglob("*.py") if "tests" not in path.parts]


@pytest.mark.parametrize("app", MAY_USE)
def test_imports_point_down(app):
    wrong = {
        str(path.relative_to(ROOT)): beyond
        for path in modules_of(app)
        if (beyond := imported_by(path) & HOUSE - MAY_USE[app] - {app})
    }
    assert not wrong


def test_an_import_against_the_direction_is_seen(tmp_path):
    planted = tmp_path / "planted.py"
    planted.write_text("def later():\n    from agents.models import Agent\n")
    assert imported_by(planted) & HOUSE - MAY_USE["metrics"] == {"agents"}


@pytest.mark.parametrize("app", MAY_USE)
def test_relations_point_down(app):
    wrong = {
        str(field)
        for model in apps.get_app_config(app).get_models(include_auto_created=True)
        for field in model._meta.get_fields()
        if field.is_relation
        and not field.auto_created
        and field.related_model
        and field.related_model._meta.app_label in HOUSE - MAY_USE[app] - {app}
    }
    assert not wrong


def test_no_room_is_a_lumber_room():
    rooms = {path.stem for app in HOUSE for path in (ROOT / app).rglob("*.py")}
    rooms |= {path.name for app in HOUSE for path in (ROOT / app).rglob("*/")}
    assert not rooms & FORBIDDEN_ROOMS


def test_every_import_is_absolute():
    relative = [
        str(path.relative_to(ROOT))
        for app in HOUSE
        for path in (ROOT / app).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert not relative


def test_views_build_no_queries_of_their_own():
    """A view asks querysets by name; `objects.filter(` is for the domain."""
    doors = [
        path
        for app in MAY_USE
        for path in modules_of(app)
        if path.stem == "views" or "views" in path.parts
    ]
    wrong = [
        str(path.relative_to(ROOT))
        for path in doors
        if re.search(r"objects\.filter\(", path.read_text())
    ]
    assert not wrong


def test_tasks_are_only_sent_by_nudge():
    wrong = [
        str(path.relative_to(ROOT))
        for app in HOUSE
        for path in modules_of(app)
        if re.search(r"\.(delay|delay_on_commit|apply_async)\(", path.read_text())
    ]
    assert not wrong


def test_no_task_runs_in_the_sender():
    words = ("ALWAYS" + "_EAGER", "always" + "_eager", "start" + "_worker(")
    wrong = [
        str(path.relative_to(ROOT))
        for folder in (*HOUSE, "bin", "benchmarks")
        for path in (ROOT / folder).rglob("*")
        if path.is_file()
        and path.suffix in {"", ".py"}
        and any(word in path.read_text(errors="ignore") for word in words)
    ]
    assert not wrong


def test_personas_are_defined_in_one_module():
    sentence = "You solve customers' problems."
    homes = [
        path.relative_to(ROOT).as_posix()
        for app in HOUSE
        for path in modules_of(app)
        if sentence in path.read_text()
    ]
    assert homes == ["agents/configuration/personas.py"]


def test_every_model_is_given_out_or_left_out_for_a_reason():
    models = {
        model.__name__
        for app in MAY_USE
        for model in apps.get_app_config(app).get_models()
    }
    assert models == FILES.keys() | LEFT_OUT.keys()
    assert not FILES.keys() & LEFT_OUT.keys()
