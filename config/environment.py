"""The environment and `.env`, read strictly: a mistake is one clear line."""

import os
import re
import secrets
import sys
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
LINE = re.compile(r"\A(?:export )?([A-Za-z_][A-Za-z0-9_]*)=(.*)")
FLAGS = {*environ.Env.BOOLEAN_TRUE_STRINGS, "false", "off", "n", "no", "0"}
PLAIN = (bool, int, float)
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
NOTSET = environ.Env.NOTSET


class Environment(environ.Env):
    """django-environ, except that it names the variable that is wrong."""

    def get_value(self, var, cast=None, default=NOTSET, parse_default=False):
        raw = self.ENVIRON.get(var, "").strip().lower()
        if not raw and default is not NOTSET:
            # "NAME=" in .env means: as if it were not there.
            return default
        if cast is bool and raw and raw not in FLAGS:
            raise ImproperlyConfigured(f"{var} must be true or false.")
        try:
            return super().get_value(var, cast, default, parse_default)
        except ValueError as error:
            kind = "a number" if cast in PLAIN else "valid"
            raise ImproperlyConfigured(f"{var} must be {kind}.") from error


def log_level(word: str) -> str:
    """Read a level of logging, however it is spelled."""
    if word.upper() not in LEVELS:
        raise ImproperlyConfigured(f"LOG_LEVEL must be one of {', '.join(LEVELS)}.")
    return word.upper()


def dotenv() -> Path:
    """Name the file of settings: ENV_FILE, else `.env` beside manage.py."""
    return Path(os.environ.get("ENV_FILE") or BASE_DIR / ".env")


def read_dotenv() -> None:
    """Put `.env` into the environment, where a variable that is set wins."""
    path = dotenv()
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return
    except (OSError, UnicodeDecodeError) as error:
        raise ImproperlyConfigured(
            f"{path} cannot be read: {type(error).__name__}."
        ) from error
    for number, line in enumerate(text.splitlines(), start=1):
        if mistake := _mistake_in(line):
            # Not the line itself: it may hold a secret.
            raise ImproperlyConfigured(f"{path}, line {number}: {mistake}.")
    Environment.read_env(path)


def _mistake_in(line: str) -> str:
    if not line.strip() or line.lstrip().startswith("#"):
        return ""
    if not (found := LINE.fullmatch(line)):
        return "not of the form NAME=value"
    value = found[2].strip()
    if value[:1] in {'"', "'"} and (len(value) < 2 or value[-1] != value[0]):
        return "the quote is not closed"
    return "a NUL character" if "\0" in value else ""


def data_dir() -> Path:
    """Name the directory for everything that outlives a start."""
    return Path(os.environ.get("DATA_DIR") or BASE_DIR / ".data").resolve()


def make_secret_key() -> None:
    """Make a secret key for this data directory, unless one is set or there."""
    if os.environ.get("SECRET_KEY"):
        return
    kept = data_dir() / "secret_key"
    if kept.is_file() and kept.stat().st_size:
        return
    kept.parent.mkdir(parents=True, exist_ok=True, mode=0o711)
    aside = kept.with_name("secret_key.new")
    aside.unlink(missing_ok=True)
    with os.fdopen(
        os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w"
    ) as file:
        file.write(secrets.token_urlsafe(48))
        file.flush()
        os.fsync(file.fileno())
    aside.rename(kept)


if __name__ == "__main__":
    # bin/up comes here first: without a key the settings refuse to load.
    try:
        read_dotenv()
        make_secret_key()
    except (ImproperlyConfigured, OSError) as mistake:
        sys.exit(f"YourAgent cannot start: {mistake}")
