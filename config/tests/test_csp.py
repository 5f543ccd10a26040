"""One policy for every page: no inline script or style, and one named exception."""

import re
from collections.abc import Iterator

import pytest
from csp.utils import build_policy
from django.conf import settings
from django.contrib.admindocs.views import simplify_regex
from django.test import Client
from django.urls import get_resolver, reverse
from django.urls.resolvers import RegexPattern, URLResolver
from playwright.sync_api import BrowserContext, Page

from accounts.tests.factories import MembershipFactory, OperatorFactory
from agents.tests.factories import AgentFactory, DocumentFactory

# The only exception, and all there is to it: operators' pages may evaluate.
EXCEPTION = "/admin/"
# One model's pages stand for those of all, which come from the same classes.
OTHER_MODELS = re.compile(r"/admin/(?!agents/agent/)\w+/\w+/")
# The chat's frame has a policy of its own, with the sites that may frame it.
FRAME = "/widget/frame/"


NO_REGEX = str.maketrans("", "", "?\\$")


def parts(policy: str) -> dict[str, set[str]]:
    """Return a policy as {directive: sources}."""
    split = [directive.split() for directive in policy.split(";") if directive.strip()]
    return {name: set(sources) for name, *sources in split}


def addresses(resolver: URLResolver, example: str, prefix: str = "/") -> Iterator[str]:
    """Give an address for each pattern of the whole site."""
    for entry in resolver.url_patterns:
        route = str(entry.pattern)
        if isinstance(entry.pattern, RegexPattern):
            route = simplify_regex(route).lstrip("/")
        path = prefix + re.sub(r"<[^>]*>", example, route).translate(NO_REGEX)
        if isinstance(entry, URLResolver):
            yield from addresses(entry, example, path)
        elif not OTHER_MODELS.match(path):
            yield path


@pytest.fixture
def operator(db):
    return OperatorFactory(email="op@example.com", name="Olive Operator")


@pytest.mark.django_db
def test_every_address_has_the_strict_policy_but_for_one_exception(operator):
    agent = AgentFactory(organization=MembershipFactory(user=operator).organization)
    client, stranger = (Client(raise_request_exception=False) for _ in range(2))
    client.force_login(operator)
    ours = parts(build_policy())
    seen, excepted = set(), set()
    for path in sorted(set(addresses(get_resolver(), str(agent.public_id)))):
        for user in (client, stranger):
            response = user.get(path)
            response.close()
            if not response.headers["Content-Type"].startswith("text/html"):
                continue
            policy = parts(response.headers["Content-Security-Policy"])
            if policy == ours:
                seen.add(path)
            elif path.startswith(EXCEPTION):
                excepted.add(path)
                expected = ours | {"script-src": {"'self'", "'unsafe-eval'"}}
                assert policy == expected, path
            else:
                assert path.startswith(FRAME), path
                assert not re.search("unsafe", str(policy))
    assert len(seen) > 20
    assert reverse("admin:index") in excepted


def test_the_policy_itself_allows_nothing_inline():
    policy = build_policy()
    assert "unsafe" not in policy
    assert parts(policy)["default-src"] == {"'none'"}
    assert settings.MIDDLEWARE.index("config.middleware.PolicyMiddleware") < 4


# --- In a real browser ------------------------------------------------------
LISTEN = """
window.violations = [];
document.addEventListener("securitypolicyviolation", event => window.violations.push(
  `${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`));
"""


@pytest.fixture
def context(transactional_db, served_product, chromium) -> Iterator[BrowserContext]:
    address = f"http://127.0.0.1:{served_product.port}"
    context = chromium.new_context(base_url=address)
    context.add_init_script(LISTEN)
    yield context
    context.close()


@pytest.fixture
def page(context) -> Page:
    page = context.new_page()
    page.complaints = []
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on(
        "console",
        lambda said: page.complaints.append(said.text) if said.type == "error" else "",
    )
    return page


def violations(page: Page) -> list[str]:
    return page.evaluate("window.violations") + page.complaints


@pytest.mark.browser
def test_the_reference_works_under_the_strict_policy(page):
    page.goto("/docs")
    page.get_by_role("button", name="Authorize").click()
    page.locator(".modal-ux input").first.fill("ya_live_nothing")
    page.locator(".modal-ux .btn-done").first.click()
    # The first one: those further down are drawn when one scrolls to them.
    first = page.locator("#operations-agent-metrics-agent_metrics_list")
    first.get_by_role("button").first.click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()
    page.locator(".live-responses-table").get_by_text("401").first.wait_for()
    refused = "the server responded with a status of 401"
    assert [text for text in violations(page) if refused not in text] == []


@pytest.mark.browser
def test_operators_pages_work_under_their_policy(
    page, context, served_product, operator
):
    agent = AgentFactory(
        organization__name="Harbor Coffee",
        knowledge_pack_id=None,
        created_by=operator,
    )
    DocumentFactory(knowledge_pack__organization=agent.organization)
    client = Client()
    client.force_login(operator)
    cookie = client.cookies["sessionid"].value
    address = f"http://127.0.0.1:{served_product.port}"
    context.add_cookies([{"name": "sessionid", "value": cookie, "url": address}])
    page.goto(reverse("admin:index"))
    page.get_by_role("link", name="Audit log").first.wait_for()
    assert violations(page) == []

    page.goto(reverse("admin:agents_agent_changelist"))
    page.locator("input.action-select").first.check()
    page.locator("#changelist-actions").wait_for()
    page.get_by_text("Filters").first.click()
    page.locator("#changelist-filter .select2-selection").first.click()
    page.locator(".select2-results__option", has_text="Harbor Coffee").first.click()
    assert violations(page) == []

    page.goto(reverse("admin:agents_agent_change", args=[agent.pk]))
    page.locator("[name=description]").fill("Seen in a browser")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/agent/")
    assert violations(page) == []

    for name, args in {
        "admin:agents_agent_add": [],
        "admin:agents_document_changelist": [],
        "admin:agents_agentversion_change": [agent.live_version_id],
        "admin:accounts_organization_change": [agent.organization_id],
        "admin:accounts_user_change": [operator.pk],
        "admin:accounts_user_add": [],
        "admin:agents_agent_delete": [agent.pk],
        "admin:agents_agent_history": [agent.pk],
    }.items():
        page.goto(reverse(name, args=args), wait_until="networkidle")
        assert violations(page) == [], name
