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
# The rooms of the larger apps, the topmost row first: what stands in one row may use
# what stands below it. docs/architecture.md draws them.
ROWS = {
    "agents": [
        {"urls"},
        {"views", "management"},
        {"api", "tasks", "demo"},
        {"admin", "import_export", "optimization"},
        {"lifecycle"},
        {"custody", "completions"},
        {"replies", "apps"},
        {"inbox", "grounded", "providers", "privacy"},
        {"conversations", "knowledge", "usage"},
        {"llm", "configuration", "webhook_events"},
        {"models"},
    ],
    "accounts": [
        {"urls"},
        {"views"},
        {"api", "admin", "tasks", "management", "apps", "provider"},
        {"access", "sign_in"},
        {"organizations"},
        {"privacy", "webhooks"},
        {"audit"},
        {"work", "rate_limits"},
        {"models"},
        {"cache"},
        {"outbound", "encryption", "errors", "insertion", "strict_json", "text"},
    ],
}
# What lets the world in, and what starts and names it.
LETS_IN = {"api", "views", "admin"}
ABOVE = LETS_IN | {"urls", "tasks", "management", "apps", "provider", "demo"}
MOST_ENTRIES = {"agents": 27, "accounts": 26}
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


def modules_imported_by(path: Path, source: str | None = None) -> set[str]:
    """Return the modules of ours that a file imports, also inside functions."""
    found = set()
    for node in ast.walk(ast.parse(source or path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if is_module(name) else node.module for name in names}
    return {name for name in found if name.partition(".")[0] in HOUSE}


def is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").exists() or path.is_dir()


def rooms_of(app: str) -> set[str]:
    """Return the entries at the top of an app, but for what every app has."""
    entries = {path.name.removesuffix(".py") for path in (ROOT / app).iterdir()}
    return entries - {"__init__", "__pycache__"}


def against_the_order(app: str, room: str, imported: set[str]) -> set[str]:
    """Return which of the imported modules stand no lower than a room."""
    row_of = {name: row for row, names in enumerate(ROWS[app]) for name in names}
    parts = [name.split(".") for name in imported if name.startswith(f"{app}.")]
    others = {part[1] for part in parts} - {room, "tests", "migrations"}
    return {name for name in others if row_of[name] <= row_of[room]}


@pytest.mark.parametrize("app", ROWS)
def test_every_entry_of_an_app_is_in_the_plan(app):
    planned = set.union(*ROWS[app]) | {"management", "migrations", "tests"}
    assert rooms_of(app) <= planned
    assert len(rooms_of(app)) <= MOST_ENTRIES[app]


@pytest.mark.parametrize("app", ROWS)
def test_tests_and_pages_lie_in_rooms_of_the_same_names(app):
    folders = [
        path.name
        for shelf in (ROOT / app / "tests", ROOT / "templates" / app)
        for path in shelf.iterdir()
        if path.is_dir() and path.name != "__pycache__"
    ]
    # At the top lies what proves a module at the top, and what several rooms show.
    tests = (ROOT / app / "tests").glob("test_*.py")
    proved = [path.stem.removeprefix("test_") for path in tests]
    pages = [path.name for path in (ROOT / "templates" / app).glob("[!_]*.*")]
    assert not {*folders, *proved, *pages} - rooms_of(app)


@pytest.mark.parametrize("app", ROWS)
def test_rooms_import_downwards(app):
    wrong = {}
    for path in modules_of(app):
        room = path.relative_to(ROOT / app).parts[0].removesuffix(".py")
        if room in {"__init__", "migrations"}:
            continue
        if upwards := against_the_order(app, room, modules_imported_by(path)):
            wrong[str(path.relative_to(ROOT))] = upwards
    assert not wrong


@pytest.mark.parametrize("app", ROWS)
def test_the_domain_imports_nothing_that_lets_in(app):
    wrong = {
        str(path.relative_to(ROOT)): found
        for path in modules_of(app)
        if path.relative_to(ROOT / app).parts[0].removesuffix(".py") not in ABOVE
        and (
            found := {
                name
                for name in modules_imported_by(path)
                if len(parts := name.split(".")) > 1 and parts[1] in LETS_IN
            }
        )
    }
    assert not wrong


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("replies", "from agents.lifecycle import creation"),
        ("knowledge", "def later():\n    import agents.conversations.listing"),
        ("llm", "from agents import knowledge"),
    ],
)
def test_an_import_upwards_is_seen(room, source):
    assert against_the_order("agents", room, modules_imported_by(ROOT, source))


def test_no_files_import_each_other_in_a_circle():
    files = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): path
        for app in HOUSE
        for path in modules_of(app)
    }
    uses = {
        name: modules_imported_by(path) & set(files) for name, path in files.items()
    }
    while free := [name for name, used in uses.items() if not used & set(uses)]:
        for name in free:
            del uses[name]
    # What is left lies on a circle, or above one.
    assert not uses


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
