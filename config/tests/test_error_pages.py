"""What a browser reads when something does not work."""

from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.template.loader import get_template
from django.test import Client
from django.urls import reverse
from django.views.defaults import server_error

from agents.models import Agent
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


@pytest.mark.parametrize("content_type", ["multipart", "urlencoded"])
@pytest.mark.parametrize("path", [LOGIN, reverse("agents:create")])
def test_a_form_beyond_the_limit_is_refused_on_a_page_of_ours(ada, path, content_type):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(ada.user)
    # The token is looked for in the form, so the limit is met before any view.
    browser.cookies[settings.CSRF_COOKIE_NAME] = "t" * 32
    body = {"name": "x" * 2_700_000}
    if content_type == "urlencoded":
        form = "application/x-www-form-urlencoded"
        response = browser.post(path, urlencode(body), content_type=form)
    else:
        response = browser.post(path, body)
    assert response.status_code == 413
    assert "Too much at once" in response.content.decode()
    assert Agent.objects.count() == 0


def test_a_form_of_too_many_fields_is_refused_on_a_page_of_ours(browser_of, ada):
    body = {f"field{number}": "" for number in range(1_001)}
    assert browser_of(ada).post(reverse("agents:create"), body).status_code == 413


def test_a_host_that_is_not_ours_is_a_plain_400(client, db):
    response = client.get("/", headers={"host": "elsewhere.example"})
    assert response.status_code == 400
    assert "We could not read that" in response.content.decode()
