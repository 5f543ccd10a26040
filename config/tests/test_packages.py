import subprocess

import pytest

from config.environment import BASE_DIR

# Takes down what it is asked for, and answers what a machine would.
PYTHON = """#!/bin/sh
echo "$*" >> '{log}'
case "$*" in
  "-m pip config list") echo "{configured}" ;;
  "-m uv "*) exit {uv_ends} ;;
esac
"""


@pytest.fixture
def installed_by(tmp_path):
    """Install on a machine where pip is so configured and uv ends so; say by what."""

    def install(*, configured: str = "", uv_ends: int = 0) -> list[str]:
        log, python = tmp_path / "log", tmp_path / "python"
        python.write_text(
            PYTHON.format(log=log, configured=configured, uv_ends=uv_ends)
        )
        python.chmod(0o755)
        subprocess.run(  # noqa: S603
            [
                *("bash", "-euo", "pipefail", "-c"),
                '. bin/prepare; python="$1"; install_requirements some.txt',
                *("prepare", str(python)),
            ],
            cwd=BASE_DIR,
            check=True,
        )
        asked = log.read_text().splitlines()
        return [line.split()[1] for line in asked if "--requirement=some.txt" in line]

    return install


def test_uv_installs_the_packages(installed_by):
    assert installed_by(configured="global.timeout='60'") == ["uv"]


def test_pip_installs_them_where_uv_cannot(installed_by):
    assert installed_by(uv_ends=2) == ["uv", "pip"]


@pytest.mark.parametrize(
    "configured",
    ["global.index-url='https://mirror.example'", ":env:.no-index='1'"],
)
def test_an_index_that_is_named_to_pip_is_used_alone(installed_by, configured):
    assert installed_by(configured=configured) == ["pip"]


def test_an_index_beside_the_usual_one_changes_nothing(installed_by):
    configured = "global.extra-index-url='https://more.example'"
    assert installed_by(configured=configured) == ["uv"]
