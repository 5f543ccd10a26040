import gzip
import re
import runpy
from pathlib import Path

from widget import frame

STATIC = Path(__file__).resolve().parents[2] / "static" / "widget"
LOADER = STATIC / "loader.js"
KILOBYTE = 1024
SINKS = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|srcdoc|DOMParser"
    r"|\beval\b|new Function|createContextualFragment"
)


def compressed(*files: Path) -> int:
    return sum(len(gzip.compress(file.read_bytes(), 9)) for file in files)


def test_the_loader_weighs_at_most_three_kilobytes():
    assert compressed(LOADER) <= 3 * KILOBYTE


def test_the_panel_weighs_at_most_forty_five_kilobytes():
    parts = [file for file in STATIC.iterdir() if not file.name.startswith("loader")]
    assert {"panel.js", "panel.css"} <= {file.name for file in parts}
    assert compressed(*parts) <= 45 * KILOBYTE


def test_every_module_of_the_panel_is_fetched_ahead():
    # One left out is fetched only after the module that names it has come.
    modules = {file.stem for file in STATIC.glob("*.js")}
    others = {"loader", "loader.src", "panel"}
    assert sorted(frame.MODULES) == sorted(modules - others)


def test_the_loader_is_what_its_source_makes():
    small = runpy.run_path(str(STATIC.parents[1] / "bin" / "loader"))["small"]
    source = (STATIC / "loader.src.js").read_text()
    assert LOADER.read_text() == small(source), "Run bin/loader."


def test_no_script_of_the_widget_makes_markup_of_text():
    for file in STATIC.glob("*.js"):
        assert not SINKS.search(file.read_text()), file.name


def test_the_loader_keeps_nothing_in_the_page():
    words = re.compile(r"localStorage|sessionStorage|indexedDB|document\.cookie")
    assert not words.search(LOADER.read_text())


def test_launcher_and_panel_speak_the_same_languages():
    source = (STATIC / "loader.src.js").read_text()
    assert set(re.findall(r"^    (\w\w): \[", source, re.M)) == set(frame.locales())
