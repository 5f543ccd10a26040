"""What every request gets: an id, an address that can be trusted, safe headers."""

import os
import subprocess
import sys
from uuid import UUID

import pytest
from django.conf import settings as project
from django.test import RequestFactory

from config.middleware import client_address

ID = "0b9c2f2e-8f44-4f1d-9a3e-0d6f2d8d1a11"


def test_a_request_keeps_its_id(client, db):
    response = client.get("/accounts/login/", headers={"X-Request-ID": ID})
    assert response["X-Request-ID"] == ID


@pytest.mark.parametrize("given", ["", "nonsense", "x" * 5_000, "1\r\nSet-Cookie: a=b"])
def test_an_id_that_is_none_is_replaced(client, db, given):
    response = client.get("/accounts/login/", headers={"X-Request-ID": given})
    assert UUID(response["X-Request-ID"])


def test_a_problem_names_the_request(client, db):
    response = client.get("/api/v1/agents/", headers={"X-Request-ID": ID})
    assert response.json()["request_id"] == ID


@pytest.mark.parametrize(
    ("hops", "forwarded", "address"),
    [
        (0, "1.2.3.4", "127.0.0.1"),
        (1, "1.2.3.4", "1.2.3.4"),
        (1, "6.6.6.6, 1.2.3.4", "1.2.3.4"),
        (2, "6.6.6.6, 1.2.3.4, 10.0.0.1", "1.2.3.4"),
        (2, "1.2.3.4", "127.0.0.1"),
        (1, "", "127.0.0.1"),
        (1, "x" * 500, "x" * 45),
    ],
)
def test_only_trusted_proxies_say_whence_a_request_comes(
    settings, hops, forwarded, address
):
    settings.TRUSTED_PROXY_COUNT = hops
    request = RequestFactory().get("/", headers={"X-Forwarded-For": forwarded})
    assert client_address(request) == address


@pytest.mark.parametrize("path", ["/accounts/login/", "/nothing-here", "/agents/"])
def test_every_page_has_its_headers(client, ada, path):
    client.force_login(ada.user)
    response = client.get(path)
    policy = response["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["X-Frame-Options"] == "DENY"
    assert response["Referrer-Policy"] == "same-origin"
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"


@pytest.mark.parametrize("secret", ["", "short", "debug-only-" * 6])
def test_a_start_without_a_secret_of_ones_own_is_refused(tmp_path, secret):
    started = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=project.BASE_DIR,
        env=os.environ
        | {"SECRET_KEY": secret, "DATA_DIR": str(tmp_path), "DEBUG": "0"},
        capture_output=True,
        text=True,
    )
    assert started.returncode != 0
    assert "SECRET_KEY" in started.stderr.splitlines()[-1]
