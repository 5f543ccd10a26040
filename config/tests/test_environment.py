import os
import stat
import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.environment import (
    BASE_DIR,
    Environment,
    log_level,
    make_secret_key,
    read_dotenv,
)


@pytest.fixture
def dotenv(tmp_path, monkeypatch):
    path = tmp_path / "settings.env"
    monkeypatch.setenv("ENV_FILE", str(path))
    monkeypatch.setattr(Environment, "ENVIRON", {})
    return path


def test_a_file_of_settings_is_read(dotenv):
    dotenv.write_text("# comment\n\nexport ONE=1\nTWO='two words'\nTHREE=\n")
    read_dotenv()
    assert Environment.ENVIRON == {"ONE": "1", "TWO": "two words", "THREE": ""}


def test_a_variable_that_is_set_beats_the_file(dotenv):
    Environment.ENVIRON["ONE"] = "from the shell"
    dotenv.write_text("ONE=from the file\n")
    read_dotenv()
    assert Environment.ENVIRON["ONE"] == "from the shell"


def test_no_file_is_no_mistake(dotenv):
    read_dotenv()
    assert Environment.ENVIRON == {}


@pytest.mark.parametrize(
    ("line", "mistake"),
    [
        ("this is not a setting", "line 2: not of the form"),
        ("SECRET_KEY secret-word", "line 2: not of the form"),
        ("9LIVES=1", "line 2: not of the form"),
        ("SECRET_KEY='secret-word", "line 2: the quote is not closed"),
        ("SECRET_KEY=secret-word\0", "line 2: a NUL character"),
    ],
)
def test_a_broken_line_is_named_and_not_quoted(dotenv, line, mistake):
    dotenv.write_text(f"FINE=1\n{line}\n")
    with pytest.raises(ImproperlyConfigured, match=mistake) as raised:
        read_dotenv()
    assert "secret-word" not in str(raised.value)


def test_a_file_that_is_no_text_is_refused(dotenv):
    dotenv.write_bytes(b"NAME=\xff\xfe")
    with pytest.raises(ImproperlyConfigured, match="cannot be read"):
        read_dotenv()


@pytest.mark.parametrize(
    ("read", "value", "mistake"),
    [
        ("bool", "perhaps", "X must be true or false"),
        ("int", "seven", "X must be a number"),
        ("float", "half", "X must be a number"),
    ],
)
def test_a_wrong_value_is_named(dotenv, read, value, mistake):
    Environment.ENVIRON["X"] = value
    with pytest.raises(ImproperlyConfigured, match=mistake):
        getattr(Environment(), read)("X")


def test_an_empty_value_is_as_none_at_all(dotenv):
    Environment.ENVIRON["X"] = ""
    assert Environment().int("X", 7) == 7
    assert Environment().bool("X", True) is True
    assert Environment().list("X", default=["kept"]) == ["kept"]


@pytest.mark.parametrize("word", ["debug", "DEBUG", "Debug"])
def test_a_level_of_logging_may_be_spelled_either_way(word):
    assert log_level(word) == "DEBUG"


def test_an_unknown_level_of_logging_is_named():
    with pytest.raises(ImproperlyConfigured, match="LOG_LEVEL"):
        log_level("loud")


def test_a_secret_key_is_made_once_and_only_the_owner_may_read_it(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("SECRET_KEY", raising=False)
    make_secret_key()
    kept = tmp_path / "data/secret_key"
    first = kept.read_text()
    make_secret_key()
    assert kept.read_text() == first
    assert len(first) >= 50
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


@pytest.mark.process
@pytest.mark.parametrize(
    ("variables", "line"),
    [
        ({"DATABASE_URL": "mysql://u:secret-word@h/n"}, "DATABASE_URL must start with"),
        ({"DB_POOL_SIZE": "many"}, "DB_POOL_SIZE must be a whole number"),
        ({"DEBUG": "perhaps"}, "DEBUG must be true or false"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY must be random"),
        ({"SECRET_KEY": ""}, "SECRET_KEY is not set"),
    ],
)
def test_a_wrong_setting_ends_any_command_with_one_line(tmp_path, variables, line):
    ended = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=BASE_DIR,
        env={**os.environ, "DATA_DIR": str(tmp_path), **variables},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 1
    [said] = ended.stderr.splitlines()
    assert line in said
    assert "secret-word" not in said
