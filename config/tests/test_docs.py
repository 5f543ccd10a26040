"""What the documents name is there, and what they tell to type works."""

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands
from drf_spectacular.generators import SchemaGenerator

from accounts.tests.factories import MembershipFactory, make_key
from agents.models import Document
from config.api import router
from config.tests.serving import until
from widget.tests import browser as drive

ROOT = Path(settings.BASE_DIR)
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
OURS = r"(?:bin|docs|config|static|templates|accounts|metrics|agents|widget|\.ci)"
CODE = re.compile(r"```(?:\w*)\n(.*?)```|`([^`\n]+)`", re.DOTALL)


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def code_of(document: Path) -> str:
    """Return what is set as code, a piece a line."""
    found = CODE.findall(document.read_text(encoding="utf-8"))
    return "\n".join(block or span for block, span in found)


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_link_leads_to_a_file(document):
    text = document.read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", text)
    assert [link for link in links if not (document.parent / link).is_file()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_path_in_code_exists(document):
    paths = re.findall(rf"(?<![\w/.-]){OURS}/[\w./-]*\w", code_of(document))
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_command_exists(document):
    names = set(re.findall(r"manage\.py (\w+)", code_of(document)))
    assert names - set(get_commands()) == set()


@pytest.mark.parametrize("name", ["bin/up", "bin/test", "bin/run", ".ci/run"])
def test_what_is_to_be_started_can_be(name):
    assert os.access(ROOT / name, os.X_OK)


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_option_of_our_commands_is_known(document):
    for name, option in re.findall(
        r"manage\.py (demo|reconcile)[^\n`]*? (--[\w-]+)", code_of(document)
    ):
        source = (ROOT / f"agents/management/commands/{name}.py").read_text()
        assert f'"{option}"' in source


def test_every_dependency_says_why_it_is_there():
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    packages = [re.match(r"[\w-]+", line)[0] for line in lines if line[:1].isalnum()]
    why = (ROOT / "docs" / "architecture.md").read_text().partition("## Why each")[2]
    assert packages
    assert [name for name in packages if name.lower() not in why.lower()] == []


def test_the_reference_names_every_part_of_the_api():
    reference = (ROOT / "docs" / "api.md").read_text()
    parts = {prefix.rpartition("/")[2] for prefix, _, _ in router.registry}
    assert {part for part in parts if f"{part}/" not in reference} == set()


def test_the_reference_asks_for_one_credential_and_not_for_two_at_once():
    paths = SchemaGenerator().get_schema(public=True)["paths"]
    alternatives = [
        alternative
        for path in paths.values()
        for operation in path.values()
        if isinstance(operation, dict)
        for alternative in operation.get("security", [])
    ]
    assert {"apiKey": []} in alternatives
    assert {"bearer": []} in alternatives
    assert all(len(alternative) <= 1 for alternative in alternatives)


def test_the_screenshot_is_small_enough_for_a_first_screen():
    picture = ROOT / "docs" / "images" / "agents.png"
    assert picture.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert picture.stat().st_size < 250_000


def test_the_first_screen_says_the_two_commands_and_the_two_lines():
    first = "\n".join((ROOT / "README.md").read_text().splitlines()[:22])
    for needed in ("docs/images/", "bin/up", "bin/test", "loader.js", "YourAgent.init"):
        assert needed in first


# --- The first calls, typed as they stand there -----------------------------
@contextmanager
def shell(**environ: str) -> Iterator[subprocess.Popen]:
    """Run bash, to be typed into."""
    process = subprocess.Popen(
        ["/bin/bash"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | environ,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        os.killpg(process.pid, 9)
        process.wait(10)


@pytest.mark.process
@pytest.mark.django_db(transaction=True)
def test_the_first_calls_of_the_readme_end_with_an_answer():
    readme = (ROOT / "README.md").read_text()
    block = re.search(r"```bash\n(export URL=.*?)```", readme, re.DOTALL)[1]
    block = re.sub(r"^export .*\n", "", block)
    know, ask = block.split("# The agent.")
    key = make_key(MembershipFactory())
    with (
        drive.product() as web,
        shell(URL=f"http://127.0.0.1:{web.port}", KEY=key) as bash,
    ):
        bash.stdin.write(know)
        bash.stdin.flush()
        until(lambda: Document.objects.filter(status="done").exists(), 30)
        bash.stdin.write("# The agent." + ask)
        bash.stdin.flush()
        said = ""
        for line in bash.stdout:
            said += line
            if line.startswith("data:") and "event: done" in said:
                break
        assert "Standard delivery takes 3 to 5 business days. [1]" in line
