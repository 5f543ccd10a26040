"""The audit log on a page and as CSV."""

import csv
import io
import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.audit import log as audit
from accounts.models import AuditAction
from accounts.views.audit import harmless

PAGE, CSV = "/audit/", "/audit/export.csv"


def write(membership, **fields):
    return audit.record(
        organization_id=membership.organization_id,
        actor=membership.user,
        **({"action": AuditAction.UPDATE, "resource_type": "agent"} | fields),
    )


@pytest.fixture
def browser(client, ada):
    client.force_login(ada.user)
    return client


def exported(response):
    text = b"".join(response.streaming_content).decode()
    return list(csv.DictReader(io.StringIO(text)))


def test_entries_show_who_what_and_the_difference(browser, ada):
    write(ada, resource_id="desk", changes={"name": {"old": "A <b>", "new": "B"}})
    page = browser.get(PAGE).content.decode()
    for text in ("Ada Owner", "desk", "A &lt;b&gt;", "1 field"):
        assert text in page


def test_only_ones_own_organization_is_shown(browser, ada, cy):
    write(cy, resource_id="theirs")
    assert "theirs" not in browser.get(PAGE).content.decode()
    assert [r["resource_id"] for r in exported(browser.get(CSV))].count("theirs") == 0


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ({"action": "DELETE"}, {"two"}),
        ({"resource": "webhook"}, {"three"}),
        ({"resource": "one"}, {"one"}),
        ({"person": "ada@"}, {"one", "two", "three"}),
        ({"person": "nobody"}, set()),
        ({"since": "2001-01-01", "until": "2001-01-02"}, set()),
        ({"since": "2001-01-01"}, {"one", "two", "three"}),
    ],
)
def test_filters_narrow_page_and_export(browser, ada, query, kept):
    write(ada, resource_id="one")
    write(ada, resource_id="two", action=AuditAction.DELETE)
    write(ada, resource_id="three", resource_type="webhook")
    found = {row["resource_id"] for row in exported(browser.get(CSV, query))}
    assert found & {"one", "two", "three"} == kept


@pytest.mark.parametrize(
    "query",
    [{"since": "x"}, {"action": "x"}, {"person": "\0"}, {"until": "9999-12-31"}],
)
def test_a_wrong_filter_is_no_crash(browser, ada, query):
    write(ada)
    assert browser.get(PAGE, query).status_code == 200


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@a", "\ta", "\ra"])
def test_no_cell_is_taken_for_a_formula(browser, ada, text):
    write(ada, resource_id=text)
    ids = [row["resource_id"] for row in exported(browser.get(CSV))]
    assert any(cell.startswith("'") for cell in ids)
    assert harmless("plain") == "plain"


@pytest.mark.parametrize("how_many", [1, 30])
def test_the_page_costs_the_same_however_long(browser, ada, how_many):
    for number in range(how_many):
        write(ada, resource_id=number)
    browser.get(PAGE)
    with CaptureQueriesContext(connection) as queries:
        browser.get(PAGE)
    assert len(queries) == 5  # session, user, memberships; the count, the page


def test_what_was_asked_for_and_answered_is_shown_and_exported(browser, ada):
    answer = browser.post("/members/", {"email": "eve@example.com", "role": "viewer"})
    shown = browser.get(PAGE).content.decode()
    assert f"answered {answer.status_code}" in shown
    assert "<dt>role</dt><dd>viewer</dd>" in shown
    [row] = [r for r in exported(browser.get(CSV)) if r["request_method"] == "POST"]
    assert row["response_status"] == str(answer.status_code)
    assert json.loads(row["request_body"])["role"] == "viewer"
    assert json.loads(row["changes"])["role"] == {"old": None, "new": "viewer"}


@pytest.mark.parametrize("path", [PAGE, CSV])
def test_only_admins_read_it(client, bo, path):
    assert "login" in client.get(path)["Location"]
    client.force_login(bo.user)
    assert client.get(path).status_code == 403
