"""What a browser reads when something does not work."""

import pytest
from django.template.loader import get_template
from django.test import Client
from django.urls import reverse
from django.views.defaults import server_error

from agents.tests.factories import AgentFactory

LOGIN = reverse("account_login")


@pytest.mark.parametrize("code", [400, 403, 404, 413, 429, 500, 503])
def test_an_error_page_needs_no_context(code):
    page = get_template(f"{code}.html").render()
    assert f'<p class="number">{code}</p>' in page
    assert "<h1>" in page


def test_a_failure_is_answered_without_the_database(rf):
    response = server_error(rf.get("/agents/"))
    assert response.status_code == 500
    assert "Something broke on our side" in response.content.decode()


def test_an_unknown_address_is_answered_on_a_page_of_ours(client, db):
    response = client.get("/nothing-here/")
    assert response.status_code == 404
    assert "Nothing at this address" in response.content.decode()


def test_a_viewer_reads_who_could_allow_it(browser_of, bo):
    response = browser_of(bo).get(reverse("agents:create"))
    assert response.status_code == 403
    assert "Not yours to open" in response.content.decode()


def test_a_form_without_its_token_is_refused_on_a_page_of_ours(db):
    response = Client(enforce_csrf_checks=True).post(LOGIN, {"login": "x"})
    assert response.status_code == 403
    assert "This page was open too long" in response.content.decode()


def test_a_number_no_version_can_have_is_not_found(browser_of, ada):
    agent = AgentFactory(organization=ada.organization)
    url = reverse("agents:use_version", args=[agent.public_id, 10**30])
    assert browser_of(ada).post(url).status_code == 404
