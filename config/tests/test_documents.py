"""What the documents and the files beside them promise about the settings."""

import re

import pytest
import yaml
from honcho.environ import parse_procfile

from accounts.models import WebhookEvent
from config.database import pool_settings
from config.environment import BASE_DIR

EXAMPLE = (BASE_DIR / ".env.example").read_text()
SET_IN_EXAMPLE = dict(re.findall(r"^#([A-Z_]+)=(.*)$", EXAMPLE, re.MULTILINE))
DOCUMENT = (BASE_DIR / "docs/configuration.md").read_text()
COMPOSE = yaml.safe_load((BASE_DIR / "compose.yaml").read_text())
PROCESSES = parse_procfile((BASE_DIR / "Procfile").read_text()).processes


def test_the_example_names_the_pool_with_its_defaults():
    names = [name for name in SET_IN_EXAMPLE if name.startswith("DB_")]
    assert pool_settings({name: SET_IN_EXAMPLE[name] for name in names}) == (
        pool_settings({})
    )
    assert set(names) == {
        "DB_POOL_PROFILE",
        "DB_POOL_SIZE",
        "DB_MAX_OVERFLOW",
        "DB_POOL_TIMEOUT",
        "DB_POOL_RECYCLE",
        "DB_ECHO_SQL",
    }


@pytest.mark.parametrize("name", SET_IN_EXAMPLE)
def test_every_setting_of_the_example_is_explained(name):
    assert f"`{name}`" in DOCUMENT


def test_every_setting_is_in_the_document():
    settings = (BASE_DIR / "config/settings.py").read_text()
    read = set(re.findall(r"\benv(?:\.\w+)?\(\s*\"(\w+)\"", settings))
    assert len(read) > 20
    assert {name for name in read if f"`{name}`" not in DOCUMENT} == set()


def test_containers_run_the_same_processes():
    services = COMPOSE["services"]
    assert {name: services[name]["command"] for name in PROCESSES} == {
        name: name for name in PROCESSES
    }
    assert set(services) - set(PROCESSES) == {"postgres", "redis", "prepare"}


def test_only_the_web_has_a_pool():
    assert {name for name, line in PROCESSES.items() if "DB_POOL=0" not in line} == {
        "web"
    }


def test_the_web_runs_as_it_was_measured():
    words = " ".join(PROCESSES["web"].split())
    for option in (
        "--interface asginl",
        "--loop uvloop",
        "--no-ws",
        "--backlog 4096",
        "--backpressure 4096",
        "--respawn-failed-workers",
        "--respawn-interval 0.5",
        "--workers-kill-timeout 10",
        "config.asgi:application",
    ):
        assert option in words


def test_every_webhook_event_is_in_the_document():
    told = (BASE_DIR / "docs/webhooks.md").read_text()
    assert [event for event in WebhookEvent.values if f"`{event}`" not in told] == []
