import gzip
import hashlib
import re
import runpy
from pathlib import Path

from widget import frame

STATIC = Path(__file__).resolve().parents[2] / "static" / "widget"
LOADER = STATIC / "loader.js"
OPEN = STATIC / "open.js"
KILOBYTE = 1024
# What the widget costs a page that nobody asks: compressed by gzip -9, in bytes.
LOADER_LIMIT = 2600
OPEN_LIMIT = 4 * KILOBYTE
SINKS = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|srcdoc|DOMParser"
    r"|\beval\b|new Function|createContextualFragment"
)


def compressed(*files: Path) -> int:
    return sum(len(gzip.compress(file.read_bytes(), 9)) for file in files)


def build() -> dict:
    return runpy.run_path(str(STATIC.parents[1] / "bin" / "loader"))


def test_the_loader_weighs_at_most_2600_bytes_and_the_opening_four_kilobytes():
    assert compressed(LOADER) <= LOADER_LIMIT
    assert compressed(OPEN) <= OPEN_LIMIT


def test_the_panel_weighs_at_most_forty_five_kilobytes():
    theirs = ("loader", "open")
    parts = [file for file in STATIC.iterdir() if not file.name.startswith(theirs)]
    assert {"panel.js", "panel.css"} <= {file.name for file in parts}
    assert compressed(*parts) <= 45 * KILOBYTE


def test_every_module_of_the_panel_is_fetched_ahead():
    # One left out is fetched only after the module that names it has come.
    modules = {file.stem for file in STATIC.glob("*.js")}
    others = {"loader", "loader.src", "open", "open.src", "panel"}
    assert sorted(frame.MODULES) == sorted(modules - others)


def test_loader_and_opening_are_what_their_sources_make():
    built = build()["built"]()
    assert built.keys() == {"loader.js", "open.js"}
    for name, text in built.items():
        assert (STATIC / name).read_text(encoding="utf-8") == text, "Run bin/loader."


def test_the_loader_asks_for_the_opening_it_was_built_with():
    version = hashlib.sha256(OPEN.read_bytes()).hexdigest()[:8]
    assert f'"open.js?v={version}"' in LOADER.read_text()


def test_no_script_of_the_widget_makes_markup_of_text():
    for file in STATIC.glob("*.js"):
        assert not SINKS.search(file.read_text()), file.name


def test_loader_and_opening_keep_nothing_in_the_page():
    words = re.compile(r"localStorage|sessionStorage|indexedDB|document\.cookie")
    assert not words.search(LOADER.read_text() + OPEN.read_text())


def test_launcher_sheet_and_panel_speak_the_same_languages():
    loader, chat = LOADER.read_text("utf-8"), OPEN.read_text("utf-8")
    assert len(frame.locales()) >= 8
    for words in frame.locales().values():
        assert words["ask"] in loader
        assert words["blocked"] in loader
        for key in ("close", "connecting", "retry", "not_here", "kept_out"):
            assert words[key] in chat
        assert words["open_offline"] in chat
        assert words["open_unreachable"] in chat
