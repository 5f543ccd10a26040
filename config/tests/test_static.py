"""Static files: what is vendored is what was locked, and every reference resolves."""

import base64
import hashlib
import json
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders

ROOT = Path(settings.BASE_DIR)
LOCK = json.loads((ROOT / "static/vendor/lock.json").read_text())
WANTED = json.loads((ROOT / "static/vendor/vendor.json").read_text())
LOCKED = {
    path: sha for package in LOCK.values() for path, sha in package["files"].items()
}
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
ICON = r'(?:<c-icon name|icon)="([a-z0-9-]+)"'
STYLES = sorted((ROOT / "static/css").rglob("*.css"))


@pytest.mark.parametrize("path", LOCKED)
def test_a_vendored_file_has_the_hash_it_was_locked_with(path):
    raw = hashlib.sha384((ROOT / path).read_bytes()).digest()
    assert f"sha384-{base64.b64encode(raw).decode()}" == LOCKED[path]


def test_every_wanted_package_is_locked_in_that_version():
    assert list(WANTED) == list(LOCK)


def test_no_third_party_file_lies_beside_the_locked_ones():
    lying = {
        str(path.relative_to(ROOT))
        for folder in {package["to"] for package in WANTED.values()}
        for path in (ROOT / folder).iterdir()
    }
    assert lying == set(LOCKED)


@pytest.mark.parametrize("package", WANTED)
def test_every_package_comes_with_its_licence(package):
    assert f"{WANTED[package]['to']}/LICENSE" in LOCKED


@pytest.mark.parametrize("style", STYLES, ids=lambda path: path.name)
def test_every_address_in_a_style_sheet_is_a_file(style):
    for address in re.findall(r'url\("([^"]+)"\)', style.read_text()):
        assert (style.parent / address).is_file(), address


def test_every_static_file_a_template_names_exists():
    named = {
        name
        for template in TEMPLATES
        for name in re.findall(r"\{% static '([^']+)' %\}", template.read_text())
    }
    assert [name for name in named if finders.find(name) is None] == []


def test_every_icon_a_template_names_is_in_the_sprite():
    sprite = (ROOT / "static/vendor/lucide/icons.svg").read_text()
    named = {
        name
        for template in TEMPLATES
        for name in re.findall(
            r'(?:<c-icon name|icon)="([a-z0-9-]+)"', template.read_text()
        )
    }
    assert named
    assert [name for name in named if f'<symbol id="{name}"' not in sprite] == []


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_template_holds_inline_script_or_style(template):
    text = template.read_text()
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text)


def test_every_component_a_template_uses_exists():
    used = {
        name
        for template in TEMPLATES
        for name in re.findall(r"<c-([a-z-]+)", template.read_text())
    } - {"vars", "slot"}
    files = {
        path.stem.replace("_", "-")
        for path in (ROOT / "templates/components").iterdir()
    }
    assert used <= files
